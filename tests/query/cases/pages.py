"""Order, limit, offset, Range, counts, 206 and 416, keyset pages, distinct."""
import re

from support.cases import ANY, case, fail, ids

FILMS = "GET /films?select=id&order="
NEXT = re.compile(r'^<[^>]+>; rel="next"$')


def films(name, order, *wanted):
    return case(name, FILMS + order, 200, ids(*wanted))


def window(name, request, status, wanted, content_range, **more):
    return case(name, request, status, wanted, has={"Content-Range": content_range}, **more)


ORDER = [
    films("without a direction", "year", 3, 1, 4, 6, 2, 5, 7),
    films("asc: nulls last", "year.asc", 3, 1, 4, 6, 2, 5, 7),
    films("desc: nulls first", "year.desc", 7, 2, 5, 6, 4, 1, 3),
    films("asc.nullsfirst", "year.asc.nullsfirst", 7, 3, 1, 4, 6, 2, 5),
    films("desc.nullslast", "year.desc.nullslast", 2, 5, 6, 4, 1, 3, 7),
    films("nullsfirst alone", "year.nullsfirst", 7, 3, 1, 4, 6, 2, 5),
    films("nullslast alone", "year.nullslast", 3, 1, 4, 6, 2, 5, 7),
    films("asc.nullslast", "year.asc.nullslast", 3, 1, 4, 6, 2, 5, 7),
    films("desc.nullsfirst", "year.desc.nullsfirst", 7, 2, 5, 6, 4, 1, 3),
    films("two columns", "year.desc.nullslast,title.desc", 5, 2, 6, 4, 1, 3, 7),
    films("a text and a number", "genre.desc,rating.desc.nullslast", 2, 7, 1, 3, 6, 4, 5),
    films("a decimal", "gross.nullslast", 4, 1, 6, 2, 3, 5, 7),
    films("a number; equal rows by their key", "rating.desc.nullslast", 2, 1, 3, 6, 4, 5, 7),
    films("a column that is not answered", "title", 4, 1, 3, 6, 2, 7, 5),
    case("text by code point", "GET /texts?select=id&order=t", 200,
         ids(8, 4, 1, 15, 16, 13, 5, 2, 6, 12, 14, 11, 7, 3, 9, 10)),
    case("a boolean: false before true", "GET /maybe?select=id&order=c", 200, ids(3, 2, 1, 4)),
    case("without order: by the key", "GET /simple?select=k", 200, [{"k": "xYYx"}, {"k": "xyyx"}]),
    case("without order: by a composite key", "GET /roles?select=film_id,actor_id&limit=3", 200,
         [{"film_id": 1, "actor_id": 1}, {"film_id": 1, "actor_id": 2},
          {"film_id": 2, "actor_id": 1}]),
    case("big integers", "GET /big?select=id&order=n.desc", 200, ids(1, 4, 3, 2)),
    case("big decimals", "GET /big?select=id&order=dec", 200, ids(2, 3, 4, 1)),
    case("a uuid", "GET /tokens?select=name&order=id.desc", 200, [{"name": "two"},
         {"name": "one"}]),
    fail("an unknown column", FILMS + "nope", 400, "PGRST204"),
    fail("an unknown direction", FILMS + "year.up", 400, "PGRST100"),
    fail("an unknown place of nulls", FILMS + "year.asc.nullsmiddle", 400, "PGRST100"),
    fail("nulls before the direction", FILMS + "year.nullsfirst.asc", 400, "PGRST100"),
    fail("a comma at the end", FILMS + "year,", 400, "PGRST100"),
]

WINDOWS = [
    window("all rows", "GET /items", 200, ids(*range(1, 16)), "0-14/*"),
    window("limit and offset", "GET /items?select=id&order=id.asc&limit=3&offset=2", 200,
           ids(3, 4, 5), "2-4/*"),
    window("a limit", "GET /items?limit=2", 200, ids(1, 2), "0-1/*"),
    window("an offset", "GET /items?offset=13", 200, ids(14, 15), "13-14/*"),
    window("limit 0", "GET /items?limit=0", 200, [], "*/*"),
    window("an offset behind the end", "GET /items?offset=100", 200, [], "*/*"),
    window("a negative offset", "GET /items?offset=-3&limit=2", 200, ids(1, 2), "0-1/*"),
    window("a limit behind the end", "GET /items?limit=99&offset=14", 200, ids(15), "14-14/*"),
    window("one row", "GET /items?id=eq.4", 200, ids(4), "0-0/*"),
    window("the first of two limits", "GET /items?limit=1&limit=5", 200, ids(1), "0-0/*"),
    fail("a negative limit", "GET /items?limit=-1", 416, "PGRST103",
         "Requested range not satisfiable", "Limit should be greater than or equal to zero.", None),
    window("count=exact, all", "GET /items", 200, ids(*range(1, 16)), "0-14/15",
           prefer="count=exact"),
    window("count=exact, a part", "GET /items?limit=2&offset=3", 206, ids(4, 5), "3-4/15",
           prefer="count=exact"),
    window("count=planned is exact", "GET /items?limit=2", 206, ids(1, 2), "0-1/15",
           prefer="count=planned"),
    window("count=estimated is exact", "GET /items?id=lt.3", 200, ids(1, 2), "0-1/2",
           prefer="count=estimated"),
    window("a count of what is filtered", "GET /items?id=gt.10&limit=1", 206, ids(11), "0-0/5",
           prefer="count=exact"),
    window("a count of nothing", "GET /items?id=eq.0", 200, [], "*/0", prefer="count=exact"),
    window("an offset at the end", "GET /items?offset=15", 206, [], "*/15", prefer="count=exact"),
    case("the preference is told", "GET /items?id=eq.1", 200, ids(1), prefer="count=exact",
         has={"Preference-Applied": "count=exact"}),
    fail("an offset behind the count", "GET /items?offset=100", 416, "PGRST103",
         "Requested range not satisfiable",
         "An offset of 100 was requested, but there are only 15 rows.", None, prefer="count=exact",
         has={"Content-Range": "*/15"}),
    case("HEAD with a count", "HEAD /items?limit=2&offset=3", 206, None, prefer="count=planned",
         has={"Content-Range": "3-4/15", "Content-Length": None}),
    case("HEAD", "HEAD /items", 200, None,
         has={"Content-Range": "0-14/*", "Content-Type": "application/json; charset=utf-8"}),
    fail("HEAD behind the count", "HEAD /items?offset=100", 416, "PGRST103", prefer="count=exact"),
]

RANGES = [
    window("a range", "GET /items", 200, ids(1, 2, 3), "0-2/*",
           send={"Range-Unit": "items", "Range": "0-2"}),
    window("a range without its unit", "GET /items", 200, ids(6, 7), "5-6/*",
           send={"Range": "5-6"}),
    window("a range without end", "GET /items", 200, ids(13, 14, 15), "12-14/*",
           send={"Range": "12-"}),
    window("a range and a count", "GET /items", 206, ids(1, 2), "0-1/15", send={"Range": "0-1"},
           prefer="count=exact"),
    window("a range within limit", "GET /items?limit=2", 200, ids(1, 2), "0-1/*",
           send={"Range": "0-4"}),
    window("a range that meets limit and offset", "GET /items?offset=1&limit=3", 200, ids(3, 4),
           "2-3/*", send={"Range": "2-9"}),
    window("a bad range is ignored", "GET /items?limit=1", 200, ids(1), "0-0/*",
           send={"Range": "some"}),
    fail("a range the wrong way round", "GET /items", 416, "PGRST103",
         "Requested range not satisfiable",
         "The lower boundary must be lower than or equal to the upper boundary "
         "in the Range header.",
         None, send={"Range": "5-2"}),
    fail("a range behind the count", "GET /items", 416, "PGRST103", ANY,
         "An offset of 20 was requested, but there are only 15 rows.", None,
         send={"Range": "20-30"}, prefer="count=exact"),
    case("a range of a write is ignored", "DELETE /items?id=lt.3", 200, ids(1, 2),
         send={"Range": "0-0"}, prefer="return=representation"),
]

KEYSET = [
    case("pages by the key", "GET /items?order=id&limit=6&after=", 200, ids(*range(1, 7)),
         has={"Link": NEXT}, then=[
             case("", "GET {next}", 200, ids(*range(7, 13)), has={"Link": NEXT}),
             case("", "GET {next}", 200, ids(13, 14, 15), has={"Link": None})]),
    case("pages by a column with equal values and nulls",
         "GET /films?select=id&order=year.desc&limit=2&after=", 200, ids(7, 2), then=[
             case("", "GET {next}", 200, ids(5, 6), has={"Link": NEXT}),
             case("", "GET {next}", 200, ids(4, 1), has={"Link": NEXT}),
             case("", "GET {next}", 200, ids(3), has={"Link": None})]),
    case("pages with nulls last", "GET /films?select=id&order=year&limit=5&after=", 200,
         ids(3, 1, 4, 6, 2), then=[case("", "GET {next}", 200, ids(5, 7), has={"Link": None})]),
    case("pages by a composite key", "GET /pairs?select=note&order=a,b&limit=2&after=", 200,
         [{"note": "one"}, {"note": "two"}], then=[
             case("", "GET {next}", 200, [{"note": None}], has={"Link": None})]),
    case("pages with a filter", "GET /items?id=gt.10&order=id.desc&limit=3&after=", 200, ids(15, 14,
         13),
         then=[case("", "GET {next}", 200, ids(12, 11))]),
    case("no limit, no next", "GET /items?order=id&id=lt.3", 200, ids(1, 2), has={"Link": None}),
    fail("a cursor of another order", "GET /items?order=id.desc&limit=2&after=WzFd", 400, "RLCUR"),
    fail("a cursor that is none", "GET /items?order=id&limit=2&after=!!", 400, "RLCUR"),
    case("a cursor of another filter", "GET /items?order=id&limit=2&after=", 200, ids(1, 2), then=[
        fail("", "GET {next}&id=gt.0", 400, "RLCUR")]),
    case("a filter of a column named after", "GET /cursors?select=id&after=eq.5", 200, ids(1)),
    case("a filter of a column named distinct", "GET /cursors?select=id&distinct=eq.true", 200,
         ids(2)),
    case("distinct", "GET /films?select=genre&distinct=true&order=genre", 200,
         [{"genre": "drama"}, {"genre": "war"}]),
    case("distinct of two columns", "GET /employees?select=team,manager_id&distinct=true"
         "&order=team,manager_id", 200,
         [{"team": "core", "manager_id": 1}, {"team": "core", "manager_id": 2},
          {"team": "core", "manager_id": None}, {"team": "web", "manager_id": 1},
          {"team": "web", "manager_id": None}]),
    case("distinct with a limit", "GET /orders?select=day&distinct=true&order=day.desc&limit=1",
         200,
         [{"day": "2024-05-02"}]),
    case("distinct counts a null once", "GET /maybe?select=b&distinct=true&order=b", 200,
         [{"b": ""}, {"b": "text"}, {"b": None}]),
]

CASES = ORDER + WINDOWS + RANGES + KEYSET
