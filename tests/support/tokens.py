"""Tokens of every kind, good and hostile. Keys are made for each run with the openssl command, never kept."""
import base64
import hashlib
import hmac
import json
import subprocess
import time

SECRET = "the secret of the tests, 32 bytes at least"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()
                                    ).rstrip(b"=").decode()


def dumps(value):
    return value if isinstance(value, (str, bytes)) else json.dumps(value)


def later(seconds=600):
    return int(time.time()) + seconds


def openssl(*args, data=None):
    return subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True,
                          check=True).stdout


class Keys:
    """A folder with a pair of keys: NAME.key and NAME.pub."""

    KINDS = {"RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
             "small": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
             "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "EdDSA": ["-algorithm", "ED25519"]}

    def __init__(self, folder, kind="RS256", name="jwt"):
        self.kind = kind
        self.private = folder / f"{name}.key"
        self.public = folder / f"{name}.pub"
        openssl("genpkey", *self.KINDS[kind], "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    def sign(self, text):
        return openssl("dgst", "-sha256", "-sign", self.private, data=text.encode())

    def token(self, payload, header=None):
        """`payload` and `header` are values, or the very text that is signed."""
        text = b64(dumps(header or {"alg": "RS256"})) + "." + b64(dumps(payload))
        return text + "." + b64(self.sign(text))


def hs256(payload, header=None, secret=SECRET):
    text = b64(dumps(header or {"alg": "HS256"})) + "." + b64(dumps(payload))
    key = secret if isinstance(secret, bytes) else secret.encode()
    return text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def unsigned(alg, payload, signature=""):
    return b64(dumps({"alg": alg, "typ": "JWT"})) + "." + b64(dumps(payload)) + "." + signature


def of_nobody(payload):
    """`alg` none in many spellings, and what is no algorithm at all."""
    for alg in ("none", "None", "NONE", "nOnE", "none ", " none", "", "null", None, 0, False, [], {},
                ["RS256"], "HS256", "HS512", "RS512", "RS256 ", "rs256", "RS256\0", "A128KW", "dir"):
        yield f"alg {alg!r}", unsigned(alg, payload)
        yield f"alg {alg!r} with a signature", unsigned(alg, payload, "AAAA")


def of_others(keys, other, payload):
    """Signed well by somebody who is not asked: the public key as secret, a key in the header."""
    pem = keys.public.read_bytes()
    for what, secret in (("the public key", pem), ("the public key, stripped", pem.strip()),
                         ("the public key without lines", pem.replace(b"\n", b"")),
                         ("nothing", b""), ("the path", str(keys.public).encode())):
        yield f"HS256 by {what}", hs256(payload, secret=secret)
    yield "another key", other.token(payload)
    yield "another key under our kid", other.token(payload, {"alg": "RS256", "kid": "jwt"})


def with_keys_of_their_own(other, payload, url):
    """What a server might fetch, or take out of the token itself."""
    modulus = openssl("rsa", "-pubin", "-in", other.public, "-noout", "-modulus")
    jwk = {"kty": "RSA", "n": b64(bytes.fromhex(modulus.decode().strip().split("=")[1])), "e": "AQAB"}
    for name, value in (("jwk", jwk), ("jku", url + "/jwks.json"), ("x5u", url + "/cert.pem"),
                        ("x5c", ["MIIB"]), ("jwk", {"keys": [jwk]}), ("iss", url),
                        ("kid", url + "/key.pem"), ("jku", "file:///etc/passwd")):
        yield f"{name} in the header", other.token(payload, {"alg": "RS256", name: value})
    for kid in ("../../../../dev/null", "/proc/self/environ", "x' OR '1'='1", "a' UNION SELECT 'k",
                "|id", "$(id)", "\0", "%00", "a" * 1000):
        yield f"kid {kid[:30]!r}", other.token(payload, {"alg": "RS256", "kid": kid})
        yield f"HS256 with kid {kid[:30]!r}", hs256(payload, {"alg": "HS256", "kid": kid}, b"")


def with_bad_headers(keys, payload):
    """Our own key has signed these, but what they say is refused."""
    for header in ('{"alg":"RS256","alg":"RS256"}', '{"alg":"RS256","alg":"none"}',
                   '{"alg":"RS256","crit":["exp"],"exp":1}', '{"alg":"RS256","crit":[]}',
                   '{"alg":"RS256","crit":["b64"],"b64":false}', '{"alg":"RS256","b64":true}',
                   '{"alg":"RS256","zip":"DEF"}', '{"alg":"RS256","enc":"A128GCM"}',
                   '{"alg":"RS256","cty":"JWT"}', '{"alg":"RS256","typ":"secevent+jwt"}',
                   '{"alg":"RS256","typ":7}', '{"alg":"RS256","kid":7}', '{"alg":"RS256"',
                   '{"alg":"RS256"}x', "{'alg':'RS256'}", '["RS256"]', "null", '{"alg":"ES256"}',
                   '{"alg":"PS256"}', '{"alg":"EdDSA"}', '{"ALG":"RS256"}', "{}",
                   b'{"alg":"RS256","x":"\xff"}', b'\xef\xbb\xbf{"alg":"RS256"}'):
        yield f"header {header!r}", keys.token(payload, header)


def with_bad_claims(keys, leeway=30):
    """The same of payloads; a leeway of 30 s is over when it is reached."""
    now = int(time.time())
    for payload in ({"sub": "a"}, {"exp": now - leeway}, {"exp": now - leeway - 1}, {"exp": 0},
                    {"exp": -1}, {"exp": str(now + 600)}, {"exp": None}, {"exp": True},
                    {"exp": [now + 600]}, {"exp": "NaN"}, {"exp": now + 600, "nbf": now + 600},
                    {"exp": now + 600, "nbf": str(now)}, {"exp": now + 600, "iat": now + 600},
                    {"exp": now + 600, "iat": "now"}, {"exp": now + 600, "sub": 7},
                    {"exp": now + 600, "sub": {"a": 1}}, {"exp": now + 600, "iss": 7},
                    {"exp": now + 600, "aud": 7}, {"exp": now + 600, "aud": [7]},
                    {"exp": now + 600, "role": ["admin"]}, {"exp": now + 600, "role": None},
                    '{"exp":1e400}', '{"exp":1e300}', '{"exp":NaN}', '{"exp":Infinity}',
                    '{"exp":-1e300}', '{"exp":9999999999999999999999}', '{"exp":0x7fffffff}',
                    f'{{"exp":{now + 600},"exp":{now + 600}}}', f'{{"exp":{now + 600}}}x',
                    f'{{"exp":{now + 600},"sub":"a","s\\u0075b":"b"}}', f"[{now + 600}]", "null", "",
                    '{"exp":' * 100, f'{{"exp":{now + 600},"sub":"'.encode() + b'\xff"}'):
        yield f"payload {payload!r}", keys.token(payload)
    yield "a token in a token", keys.token(dumps(keys.token({"exp": now + 600})))


def of_bad_shape(good):
    """A good token, spoilt."""
    header, payload, signature = good.split(".")
    last = "B" if signature[-1] != "B" else "A"
    for text in ("", ".", "..", "...", header, f"{header}.{payload}", f"{header}.{payload}.",
                 f"{header}..{signature}", f".{payload}.{signature}", f"{good}.", f".{good}",
                 f"{good}.{signature}", f"{good}.x.y", f"{good}=", f"{header}=.{payload}.{signature}",
                 f"{header}.{payload}==.{signature}", f"{header}.{payload}.{signature[:-1]}",
                 f"{header}.{payload}.{signature[:-1]}{last}", f"{header}.{payload}.{signature}A",
                 f"{header}.{payload}.+{signature[1:]}", f"{header}.{payload}./{signature[1:]}",
                 f"{payload}.{header}.{signature}", f"{good} x", f"{good},{good}", f'"{good}"',
                 good.upper(), good.lower(), good[::-1], "null", "undefined", "e30.e30.e30",
                 "A" * 8193, f"{header}.{'A' * 8192}.{signature}", good + "\x80"):
        yield f"shape {text[:40]!r}", text
