"""Item paths, ETag and its conditions, Idempotency-Key."""
import re

from support.cases import case, fail, ids

REP = "return=representation"
ETAG = {"ETag": re.compile('^"[^"]+"$')}
SAME = {"If-Match": "{etag}"}
NEW = {"k": "new", "extra": "e"}
OLD = {"k": "xyyx", "extra": "u"}

PATHS = [
    case("a row", "GET /simple/xyyx", 200, OLD, has=ETAG),
    case("a row by number", "GET /items/3", 200, {"id": 3}),
    case("a row by a composite key", "GET /pairs/1,y", 200, {"a": 1, "b": "y", "note": "two"}),
    case("a row by a key in quotes", 'GET /pairs/1,"y"', 200, {"a": 1, "b": "y", "note": "two"}),
    case("a row by a uuid", "GET /tokens/aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa?select=name", 200,
         {"name": "one"}),
    case("a row with a select", "GET /films/3?select=id,directors(name)", 200,
         {"id": 3, "directors": {"name": "Ozu"}}),
    case("a row with a slash behind", "GET /items/3/", 200, {"id": 3}),
    case("HEAD of a row", "HEAD /items/3", 200, None, has=ETAG),
    case("a percent-encoded key", "GET /settings/%63olor", 200, {"name": "color", "value": "red"}),
    case("a row of odd names", 'GET /odd names. "quoted" ü/1?select=größe', 200, {"größe": 10}),
    fail("no row", "GET /simple/nope", 404, "RL404"),
    fail("no row by number", "GET /items/99", 404, "RL404"),
    fail("no row by a composite key", "GET /pairs/9,x", 404, "RL404"),
    fail("a key of another type", "GET /items/three", 404, "RL404"),
    fail("half of a key", "GET /pairs/1", 404, "RL404"),
    fail("more than a key", "GET /items/1,2", 404, "RL404"),
    case("PUT of a new row", "PUT /simple/new", 201, NEW, body={"extra": "e"}, prefer=REP,
         after=("/simple?k=eq.new", [NEW])),
    case("PUT with the key in the body", "PUT /simple/new", 201, NEW, body=NEW, prefer=REP),
    case("PUT of a row that is there", "PUT /simple/xyyx", 200, {"k": "xyyx", "extra": "z"},
         body={"extra": "z"}, prefer=REP),
    case("PUT replaces the whole row", "PUT /members/1", 200,
         {"id": 1, "email": "z@x", "first": None, "last": None, "points": 0},
         body={"email": "z@x"}, prefer=REP),
    fail("PUT with another key in the body", "PUT /simple/new", 400, "PGRST115",
         body={"k": "other", "extra": "e"}),
    fail("PUT without a required field", "PUT /members/1", 400, "23502", body={"points": 1}),
    case("PUT keeps what is written once", "PUT /notes/1", 200,
         {"id": 1, "text": "uno", "stars": 3, "state": "draft", "author": "ann",
         "secret": "sealed"},
         body={"text": "uno", "author": "eve", "secret": "x"}, prefer=REP),
    case("a key with a comma", "PUT /pairs/5,%22x,y%22", 201, {"a": 5, "b": "x,y", "note": "n"},
         body={"note": "n"}, prefer=REP, then=[
             case("", 'GET /pairs/5,"x,y"', 200, {"a": 5, "b": "x,y", "note": "n"})]),
    case("a key with a slash, a space and other letters", "PUT /simple/a%2Fb%20ü", 201,
         {"k": "a/b ü", "extra": "e"}, body={"extra": "e"}, prefer=REP, then=[
             case("", "GET /simple/a%2Fb%20%C3%BC", 200, {"k": "a/b ü", "extra": "e"})]),
    case("PATCH of a row", "PATCH /pairs/1,x", 200, {"a": 1, "b": "x", "note": "n"},
         body={"note": "n"}, prefer=REP),
    case("PATCH of a row, nothing back", "PATCH /pairs/1,x", 204, None, body={"note": "n"},
         after=("/pairs?note=eq.n&select=a,b", [{"a": 1, "b": "x"}])),
    fail("PATCH of no row", "PATCH /pairs/9,x", 404, "RL404", body={"note": "n"}),
    case("DELETE of a row", "DELETE /items/3", 204, None, after=("/items?id=lt.5", ids(1, 2, 4))),
    case("DELETE of a row that comes back", "DELETE /items/3", 200, {"id": 3}, prefer=REP),
    fail("DELETE of no row", "DELETE /items/99", 404, "RL404"),
    fail("DELETE of a row that is referred to", "DELETE /directors/1", 409, "23503"),
    fail("POST is not for a row", "POST /items/3", 405, "PGRST117", body={"id": 3}),
    fail("deeper than a row", "GET /items/3/x", 404, "PGRST125",
         "Invalid path specified in request URL"),
]

TAGS = [
    case("a tag of a list", "GET /items", 200, has=ETAG),
    case("not modified", "GET /simple/xyyx", 200, OLD, then=[
        case("", "GET /simple/xyyx", 304, None, send={"If-None-Match": "{etag}"})]),
    case("a list, not modified", "GET /items?id=lt.3", 200, ids(1, 2), then=[
        case("", "GET /items?id=lt.3", 304, None, send={"If-None-Match": "{etag}"})]),
    case("one of several tags", "GET /items?id=lt.3", 200, ids(1, 2), then=[
        case("", "GET /items?id=lt.3", 304, None, send={"If-None-Match": '"other", {etag}'})]),
    case("a weak tag is enough to read", "GET /items?id=lt.3", 200, ids(1, 2), then=[
        case("", "GET /items?id=lt.3", 304, None, send={"If-None-Match": "W/{etag}"})]),
    case("the tag of another query", "GET /items?id=lt.3", 200, ids(1, 2), then=[
        case("", "GET /items?id=lt.4", 200, ids(1, 2, 3), send={"If-None-Match": "{etag}"})]),
    case("the tag of another representation", "GET /items?id=eq.1", 200, ids(1), then=[
        case("", "GET /items?id=eq.1", 200, "id\n1", accept="text/csv",
             send={"If-None-Match": "{etag}"})]),
    case("any tag is enough not to read", "GET /items?id=lt.3", 304, None,
         send={"If-None-Match": "*"}),
    case("HEAD, not modified", "GET /items?id=lt.3", 200, ids(1, 2), then=[
        case("", "HEAD /items?id=lt.3", 304, None, send={"If-None-Match": "{etag}"})]),
    case("modified by an embedded row", "GET /tags?id=eq.3&select=id,films(id)", 200,
         [{"id": 3, "films": []}], then=[
             case("", "GET /tags?id=eq.3&select=id,films(id)", 304, None,
                  send={"If-None-Match": "{etag}"}),
             case("", "POST /film_tags", 201, None, body={"film_id": 7, "tag_id": 3}),
             case("", "GET /tags?id=eq.3&select=id,films(id)", 200, [{"id": 3, "films": ids(7)}])]),
    case("a tally has a tag too", "GET /films_per_genre", 200, has=ETAG, then=[
        case("", "GET /films_per_genre", 304, None, send={"If-None-Match": "{etag}"})]),
    case("modified", "GET /simple?k=eq.xyyx", 200, [OLD], then=[
        case("", "GET /simple?k=eq.xyyx", 304, None, send={"If-None-Match": "{etag}"}),
        case("", "PATCH /simple/xyyx", 204, None, body={"extra": "z"}),
        case("", "GET /simple?k=eq.xyyx", 200, [{"k": "xyyx", "extra": "z"}], has=ETAG)]),
    case("If-Match: the same row", "GET /simple/xyyx", 200, OLD, then=[
        case("", "PATCH /simple/xyyx", 204, None, body={"extra": "z"}, send=SAME)],),
    case("If-Match: PUT", "GET /simple/xyyx", 200, OLD, then=[
        case("", "PUT /simple/xyyx", 200, {"k": "xyyx", "extra": "z"}, body={"extra": "z"},
             send=SAME, prefer=REP)]),
    case("If-Match: DELETE", "GET /simple/xyyx", 200, OLD, then=[
        case("", "DELETE /simple/xyyx", 204, None, send=SAME)]),
    case("If-Match of another form of the row", "GET /simple/xyyx?select=extra", 200,
         {"extra": "u"}, then=[
             case("", "PATCH /simple/xyyx", 204, None, body={"extra": "z"}, send=SAME)]),
    case("If-Match: any", "PATCH /simple/xyyx", 204, None, body={"extra": "z"},
         send={"If-Match": "*"}),
    case("If-Match with several tags", "GET /simple/xyyx", 200, OLD, then=[
        case("", "DELETE /simple/xyyx", 204, None, send={"If-Match": '"other.x", {etag}'})]),
    case("If-Match: a weak tag never matches", "GET /simple/xyyx", 200, OLD, then=[
        fail("", "DELETE /simple/xyyx", 412, "RL412", send={"If-Match": "W/{etag}"})]),
    fail("If-Match: another tag", "PATCH /simple/xyyx", 412, "RL412", body={"extra": "z"},
         send={"If-Match": '"other.tag"'}),
    fail("If-Match: another tag, PUT", "PUT /simple/xyyx", 412, "RL412", body={"extra": "z"},
         send={"If-Match": '"other.tag"'}),
    fail("If-Match: another tag, DELETE", "DELETE /simple/xyyx", 412, "RL412",
         send={"If-Match": '"other.tag"'}),
    case("If-None-Match: * creates", "PUT /simple/new", 201, NEW, body={"extra": "e"}, prefer=REP,
         send={"If-None-Match": "*"}),
    fail("If-None-Match: * does not replace", "PUT /simple/xyyx", 412, "RL412", body={"extra": "e"},
         send={"If-None-Match": "*"}),
    case("a tag that is behind", "GET /pairs/1,x", 200, {"a": 1, "b": "x", "note": "one"}, then=[
        case("", "GET /pairs/1,x", 200, {"a": 1, "b": "x", "note": "one"}),
        case("", "PUT /pairs/1,x", 200, {"a": 1, "b": "x", "note": "two"}, body={"note": "two"},
             prefer=REP, send=SAME),
        case("", "GET /pairs/1,x", 200, {"a": 1, "b": "x", "note": "two"}, has=ETAG)]),
]


def again(key):
    return {"Idempotency-Key": key}


ONCE = [
    case("a POST twice", "POST /notes?select=id", 201, ids(4), body={"text": "four"}, prefer=REP,
         send=again("a"), then=[
             case("", "POST /notes?select=id", 201, ids(4), body={"text": "four"}, prefer=REP,
                  send=again("a")),
             case("", "GET /notes?select=id&id=gt.2", 200, ids(3, 4))]),
    case("the Location is answered again", "POST /notes", 201, None, body={"text": "four"},
         prefer="return=headers-only", send=again("b"), has={"Location": "/notes?id=eq.4"}, then=[
             case("", "POST /notes", 201, None, body={"text": "four"}, send=again("b"),
                  prefer="return=headers-only", has={"Location": "/notes?id=eq.4"})]),
    case("another key is another request", "POST /notes?select=id", 201, ids(4),
         body={"text": "four"}, prefer=REP, send=again("c"), then=[
             case("", "POST /notes?select=id", 201, ids(5), body={"text": "four"}, prefer=REP,
                  send=again("d"))]),
    case("a DELETE twice", "DELETE /items/3", 204, None, send=again("e"), then=[
        case("", "DELETE /items/3", 204, None, send=again("e")),
        fail("", "DELETE /items/3", 404, "RL404")]),
    case("a PATCH twice", "PATCH /items?id=eq.1", 200, ids(21), body={"id": 21}, prefer=REP,
         send=again("f"), then=[
             case("", "PATCH /items?id=eq.1", 200, ids(21), body={"id": 21}, prefer=REP,
                  send=again("f"))]),
    case("a PUT twice", "PUT /simple/new", 201, NEW, body={"extra": "e"}, prefer=REP,
         send=again("g"), then=[
             case("", "PUT /simple/new", 201, NEW, body={"extra": "e"}, prefer=REP,
                  send=again("g"))]),
    case("the key of another body", "POST /simple", 201, None, body=NEW, send=again("h"), then=[
        fail("", "POST /simple", 422, "RL422", body={"k": "other", "extra": "e"},
             send=again("h"))]),
    case("the key of another path", "POST /simple", 201, None, body=NEW, send=again("i"), then=[
        fail("", "POST /blank", 422, "RL422", body={"id": 1, "name": "x"}, send=again("i"))]),
    case("a rolled back request is not kept", "POST /simple", 201, None, body=NEW,
         prefer="tx=rollback", send=again("k"), then=[
             case("", "POST /simple", 201, None, body=NEW, send=again("k")),
             case("", "GET /simple?k=eq.new", 200, [NEW])]),
    fail("a refused request is not kept", "POST /simple", 409, "23505", body=OLD, send=again("j"),
         then=[case("", "DELETE /simple?k=eq.xyyx", 204, None),
               case("", "POST /simple", 201, None, body=OLD, send=again("j"))]),
]

CASES = PATHS + TAGS + ONCE
