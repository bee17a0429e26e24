"""Accept: JSON, one object, stripped nulls, CSV, NDJSON, and what is not served."""
import re

from support.cases import JSON, case, fail, ids

OBJECT = "application/vnd.pgrst.object+json"
STRIPPED = "application/vnd.pgrst.array+json;nulls=stripped"
NDJSON = "application/x-ndjson"
CSV = "text/csv"


def made(name, target, accept, wanted, type, **more):
    return case(name, "GET " + target, 200, wanted, accept=accept, has={"Content-Type": type},
    **more)


CASES = [
    made("JSON", "/items?id=eq.1", "application/json", ids(1), JSON),
    made("anything", "/items?id=eq.1", "*/*", ids(1), JSON),
    made("the first that is served", "/items?id=eq.1", "text/unknowntype, application/json",
         ids(1), JSON),
    made("the one of the highest q", "/items?id=eq.1", "text/csv;q=0.5, application/json", ids(1),
         JSON),
    made("the other of the highest q", "/items?id=eq.1", "application/json;q=0.5, text/csv",
         "id\n1",
         "text/csv; charset=utf-8"),
    made("a browser", "/items?id=eq.1", "text/html,application/xhtml+xml,*/*;q=0.8", ids(1), JSON),
    made("one object", "/items?id=eq.1", OBJECT, {"id": 1}, OBJECT + "; charset=utf-8"),
    made("one object, the short name", "/items?id=eq.1", "application/vnd.pgrst.object", {"id": 1},
         OBJECT + "; charset=utf-8"),
    made("one object with an embed", "/films?id=eq.3&select=id,directors(name)", OBJECT,
         {"id": 3, "directors": {"name": "Ozu"}}, OBJECT + "; charset=utf-8"),
    made("one object of a window", "/items?limit=1", OBJECT, {"id": 1}, OBJECT + "; charset=utf-8"),
    fail("no object", "GET /items?id=eq.99", 406, "PGRST116",
         "Cannot coerce the result to a single JSON object", "The result contains 0 rows", None,
         accept=OBJECT),
    fail("too many objects", "GET /items", 406, "PGRST116",
         "Cannot coerce the result to a single JSON object", "The result contains 15 rows", None,
         accept=OBJECT),
    made("nulls stripped", "/maybe?id=in.(1,4)", STRIPPED,
         [{"id": 1}, {"id": 4, "b": "text", "d": 1.5, "g": "s"}],
         re.compile(r"^application/vnd\.pgrst\.array\+json; ?nulls=stripped; charset=utf-8$")),
    made("one object with nulls stripped", "/maybe?id=eq.1", OBJECT + ";nulls=stripped", {"id": 1},
         re.compile(r"^application/vnd\.pgrst\.object\+json; ?nulls=stripped; charset=utf-8$")),
    made("nulls stripped within embeds",
         "/films?id=eq.3&select=id,gross,film_details(minutes,plot)",
         STRIPPED, [{"id": 3, "film_details": {"minutes": 110}}],
         re.compile("nulls=stripped")),
    made("CSV", "/simple?order=k.desc", CSV, "k,extra\nxyyx,u\nxYYx,v", "text/csv; charset=utf-8"),
    made("CSV with nulls and quotes", "/goods?select=id,name,qty,price", CSV,
         'id,name,qty,price\n1,bolt,10,0.25\n2,"nut, hex",,1.5\n3,"pin ""x""",7,',
         "text/csv; charset=utf-8"),
    made("CSV with an alias", "/items?id=lt.3&select=number:id", CSV, "number\n1\n2",
         "text/csv; charset=utf-8"),
    case("CSV has a Content-Range too", "GET /items?limit=2", 206, "id\n1\n2", accept=CSV,
         prefer="count=exact", has={"Content-Range": "0-1/15"}),
    made("NDJSON", "/items?id=lt.4", NDJSON, '{"id":1}\n{"id":2}\n{"id":3}\n',
         re.compile("^application/x-ndjson")),
    made("NDJSON of no rows", "/blank", NDJSON, "", re.compile("^application/x-ndjson")),
    made("NDJSON with nulls and embeds", "/films?id=gte.6&select=id,directors(name)", NDJSON,
         '{"id":6,"directors":{"name":"Bergman"}}\n{"id":7,"directors":null}\n',
         re.compile("^application/x-ndjson")),
    fail("an unknown type", "GET /simple", 406, "PGRST107",
         "None of these media types are available: text/unknowntype", None, None,
         accept="text/unknowntype"),
    fail("two unknown types", "GET /simple", 406, "PGRST107",
         "None of these media types are available: text/unknowntype, image/png", None, None,
         accept="text/unknowntype, image/png"),
    fail("octets", "GET /simple", 406, "PGRST107",
         "None of these media types are available: application/octet-stream", None, None,
         accept="application/octet-stream"),
    fail("an unknown type for a write", "POST /simple", 406, "PGRST107", accept="image/png",
         body={"k": "new"}, prefer="return=representation"),
    fail("a plan needs PostgreSQL", "GET /simple", 400, "PGRST127",
         accept="application/vnd.pgrst.plan+json"),
    fail("GeoJSON needs PostGIS", "GET /simple", 400, "PGRST127", accept="application/geo+json"),
    case("a write answered as CSV", "POST /simple", 201, "k,extra\nnew,e", accept=CSV,
         prefer="return=representation", body={"k": "new", "extra": "e"}),
    case("a write answered as one object", "POST /simple", 201, {"k": "new", "extra": None},
         accept=OBJECT, prefer="return=representation", body={"k": "new"}),
    case("a write answered with nulls stripped", "POST /simple", 201, [{"k": "new"}],
         accept=STRIPPED,
         prefer="return=representation", body={"k": "new"}),
    case("a delete answered as NDJSON", "DELETE /items?id=lt.3", 200, '{"id":1}\n{"id":2}\n',
         accept=NDJSON, prefer="return=representation"),
]
