"""Methods, paths, headers, CORS, profiles; errors that belong to no topic."""
import re

from support.cases import ANY, JSON, case, fail, ids

FORM = "application/x-www-form-urlencoded"
APP = {"Origin": "https://app.example"}
PREFLIGHT = {**APP, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "Foo, Bar"}


def words(*each):
    """A pattern that holds when all of these stand in a list."""
    return re.compile("^" + "".join(rf"(?=.*\b{word}\b)" for word in each))


CASES = [
    case("what every answer carries", "GET /items?id=eq.1", 200, ids(1),
         has={"Server": "rowlock", "Vary": words("Accept", "Prefer", "Range"),
              "Cache-Control": "no-cache", "Content-Type": JSON, "Content-Length": "10"}),
    case("Content-Location", "GET /items?order=id&limit=1", 200, ids(1),
         has={"Content-Location": "/items?limit=1&order=id"}),
    case("Content-Location without parameters", "GET /blank", 200, [],
         has={"Content-Location": "/blank"}),
    case("a slash behind", "GET /items/?id=eq.1", 200, ids(1)),
    case("Supabase's path", "GET /rest/v1/items?id=eq.1", 200, ids(1)),
    case("Supabase's path and a write", "POST /rest/v1/simple", 201, None, body={"k": "new"},
         send={"apikey": "secret"}, after=("/simple?k=eq.new", [{"k": "new", "extra": None}])),
    case("an apikey is ignored", "GET /items?id=eq.1", 200, ids(1), send={"apikey": "secret"}),
    case("a name that is percent-encoded", "GET /%69tems?id=eq.1", 200, ids(1)),
    case("the profile public", "GET /items?id=eq.1", 200, ids(1),
         send={"Accept-Profile": "public"}),
    fail("another profile", "GET /items", 406, "PGRST106", send={"Accept-Profile": "private"}),
    fail("another profile for a write", "POST /simple", 406, "PGRST106", body={"k": "new"},
         send={"Content-Profile": "private"}),
    case("QUERY", "QUERY /items", 200, ids(1, 2), body="id=lt.3", type=FORM),
    case("QUERY with an order", "QUERY /films", 200, ids(7, 6), type=FORM,
         body="select=id&order=id.desc&limit=2", has={"Content-Range": "0-1/*"}),
    case("QUERY with an embed and a plus", "QUERY /texts", 200, ids(16), type=FORM,
         body="select=id&t=eq.a%2Bb+c"),
    case("QUERY with a count", "QUERY /items", 206, ids(1), body="limit=1", type=FORM,
         prefer="count=exact", has={"Content-Range": "0-0/15"}),
    fail("QUERY with parameters in its target", "QUERY /items?id=eq.1", 400, "PGRST102",
         body="select=id", type=FORM),
    fail("QUERY with a bad filter", "QUERY /items", 400, "PGRST100", body="id=0", type=FORM),
    case("OPTIONS", "OPTIONS /items", 200, None,
         has={"Allow": words("OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
              "Content-Length": "0"}),
    case("OPTIONS of a read-only resource", "OPTIONS /archive", 200, None,
         has={"Allow": re.compile("^(?!.*(POST|PUT|PATCH|DELETE)).*GET")}),
    case("OPTIONS without a key", "OPTIONS /logs", 200, None,
         has={"Allow": re.compile(r"^(?!.*\bPUT\b).*\bPOST\b")}),
    fail("OPTIONS of nothing", "OPTIONS /nothing", 404, "PGRST205"),
    case("HEAD has the headers of GET", "HEAD /items?id=eq.1", 200, None,
         has={"Content-Type": JSON, "Content-Range": "0-0/*", "ETag": re.compile('"')}),
    case("CORS: a known origin", "GET /items?id=eq.1", 200, ids(1), send=APP,
         has={"Access-Control-Allow-Origin": "https://app.example",
              "Access-Control-Expose-Headers": words(
                  "Content-Encoding", "Content-Location", "Content-Range", "Content-Type", "Date",
                  "Location", "Server", "Transfer-Encoding", "Range-Unit")}),
    case("CORS: another origin", "GET /items?id=eq.1", 200, ids(1),
         send={"Origin": "https://other.example"}, has={"Access-Control-Allow-Origin": None}),
    case("CORS: no origin", "GET /items?id=eq.1", 200, ids(1),
         has={"Access-Control-Allow-Origin": None}),
    case("CORS: preflight", "OPTIONS /items", 200, None, send=PREFLIGHT,
         has={"Access-Control-Allow-Origin": "https://app.example",
              "Access-Control-Allow-Methods": words("GET", "POST", "PATCH", "PUT", "DELETE",
                                                    "OPTIONS", "HEAD"),
              "Access-Control-Allow-Headers":
                  "Authorization, Foo, Bar, Accept, Accept-Language, Content-Language",
              "Access-Control-Max-Age": "86400"}),
    case("CORS: preflight of another origin", "OPTIONS /items", 200, None,
         send={**PREFLIGHT, "Origin": "https://other.example"},
         has={"Access-Control-Allow-Origin": None}),
    case("CORS: a write of a known origin", "POST /simple", 201, None, send=APP, body={"k": "new"},
         has={"Access-Control-Allow-Origin": "https://app.example"}),
    fail("CORS: a write of another origin", "POST /simple", 403, "42501", body={"k": "new"},
         send={"Origin": "https://other.example"}),
    fail("CORS: an error carries it too", "GET /items?id=0", 400, "PGRST100", send=APP,
         has={"Access-Control-Allow-Origin": "https://app.example"}),
    fail("an unknown resource", "GET /film", 404, "PGRST205",
         "Could not find the table 'film' in the schema cache", None,
         "Perhaps you meant the table 'films'"),
    fail("an unknown resource, nothing near", "GET /zzzzzzzz", 404, "PGRST205",
         "Could not find the table 'zzzzzzzz' in the schema cache", None, None),
    fail("a resource in capitals", "GET /Items", 404, "PGRST205",
         "Could not find the table 'Items' in the schema cache"),
    fail("a function", "GET /rpc/add?a=1", 404, "PGRST202"),
    fail("a function by POST", "POST /rpc/add", 404, "PGRST202", body={"a": 1}),
    fail("a path that is too deep", "GET /a/b/c", 404, "PGRST125",
         "Invalid path specified in request URL", ANY, ANY),
    fail("HEAD of an unknown resource", "HEAD /nothing", 404, "PGRST205"),
]
