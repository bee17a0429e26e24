"""Reads an OpenAPI document: its operations, and requests that fit them."""
import json
from urllib.parse import quote

METHODS = ("get", "head", "post", "put", "patch", "delete")
UUID = "00000000-0000-4000-8000-000000000001"


def follow(document, part):
    """The part itself, or what its reference leads to."""
    while "$ref" in part:
        at = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            at = at[key]
        part = at
    return part


def operations(document):
    """(path, method, operation), in the document's order."""
    return [(path, method, item[method]) for path, item in document["paths"].items()
            for method in METHODS if method in item]


def sample(document, schema):
    """A value that fits the schema."""
    schema = follow(document, schema)
    if "oneOf" in schema:
        return sample(document, schema["oneOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    kind = schema.get("type", "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        names = schema.get("required") or list(schema["properties"])[:1]
        return {name: sample(document, schema["properties"][name]) for name in names}
    if kind == "array":
        return [sample(document, schema["items"])]
    if kind == "string":
        return UUID if schema.get("format") == "uuid" else "x"
    return {"integer": 1, "number": 1, "boolean": True, "null": None}[kind]


def fill_path(document, path, operation):
    """The path with a value for each parameter. A composite key takes one `1` for each field."""
    for parameter in operation.get("parameters", ()):
        parameter = follow(document, parameter)
        if parameter["in"] != "path":
            continue
        schema = parameter["schema"]
        value = str(sample(document, schema))
        if "Joined by commas" in schema.get("description", ""):
            names = schema["description"].split(": ")[1].split(",")
            value = ",".join("1" for _ in names)
        path = path.replace("{" + parameter["name"] + "}", quote(value, safe=","))
    assert "{" not in path, path
    return path


def fill_body(document, operation):
    """(bytes, headers) of a request that fits, or (None, {})."""
    if "requestBody" not in operation:
        return None, {}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return json.dumps(sample(document, schema)).encode(), {"Content-Type": "application/json"}


def documented(document, operation):
    """The statuses that the operation names."""
    return {int(status) for status in operation["responses"] if status != "default"}
