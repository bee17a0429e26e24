"""A service that answers few rows, and neither aggregates nor rolls back on request."""
from support.cases import case, fail, ids

LIMITS = "aggregates: off, answer_rows: 5"
REFUSED = "Use of aggregate functions is not allowed"
NEW = {"k": "new", "extra": "e"}

CASES = [
    fail("count()", "GET /items?select=count()", 400, "PGRST123", REFUSED, None, None),
    fail("count, as it was", "GET /items?select=count", 400, "PGRST123", REFUSED),
    fail("a sum", "GET /items?select=id.sum()", 400, "PGRST123", REFUSED),
    fail("a count in an embed", "GET /directors?select=id,films(count())", 400, "PGRST123",
         REFUSED),
    fail("a sum of what comes back", "POST /simple?select=k.max()", 400, "PGRST123", REFUSED,
         body=NEW, prefer="return=representation"),
    case("tx=rollback is ignored", "POST /simple", 201, None, body=NEW, prefer="tx=rollback",
         has={"Preference-Applied": None}, after=("/simple?k=eq.new", [NEW])),
    case("no more rows than allowed", "GET /items", 200, ids(1, 2, 3, 4, 5),
         has={"Content-Range": "0-4/*"}),
    case("a limit above what is allowed", "GET /items?limit=10&offset=2", 200, ids(3, 4, 5, 6, 7),
         has={"Content-Range": "2-6/*"}),
    case("a limit below what is allowed", "GET /items?limit=2", 200, ids(1, 2)),
    case("all are counted", "GET /items", 206, ids(1, 2, 3, 4, 5), prefer="count=exact",
         has={"Content-Range": "0-4/15"}),
]
