"""and, or, not: nested, with quotes, lists and spaces; what is no tree."""
from support.cases import case, fail, ids


def items(name, condition, *wanted):
    return case(name, "GET /items?" + condition, 200, ids(*wanted))


def texts(name, condition, *wanted):
    return case(name, "GET /texts?select=id&" + condition, 200, ids(*wanted))


CASES = [
    items("or", "or=(id.eq.1,id.eq.15)", 1, 15),
    items("and", "and=(id.gt.3,id.lt.6)", 4, 5),
    items("or of one", "or=(id.eq.2)", 2),
    items("not or", "not.or=(id.lt.14,id.eq.15)", 14),
    items("not and", "not.and=(id.gt.1,id.lt.15)", 1, 15),
    items("and within or", "or=(id.eq.1,and(id.gt.12,id.lt.15))", 1, 13, 14),
    items("or within and", "and=(id.lt.5,or(id.eq.1,id.eq.3,id.eq.9))", 1, 3),
    items("not and within or", "or=(id.eq.5,not.and(id.gt.1,id.lt.15))", 1, 5, 15),
    items("not or within and", "and=(id.lte.5,not.or(id.eq.1,id.eq.3))", 2, 4, 5),
    items("four deep", "or=(and(or(and(id.eq.1,id.gt.0),id.eq.2),id.lt.9),id.eq.15)", 1, 2, 15),
    items("not of an operator", "or=(id.not.gt.2,id.eq.15)", 1, 2, 15),
    items("two trees", "or=(id.eq.1,id.eq.2)&or=(id.eq.2,id.eq.3)", 2),
    items("a tree and a filter", "or=(id.eq.1,id.eq.2)&id=gt.1", 2),
    items("in within or", "or=(id.in.(1,2),id.eq.9)", 1, 2, 9),
    items("not in within and", "and=(id.not.in.(1,2),id.lt.5)", 3, 4),
    items("spaces around", "or=( id.eq.1 , id.eq.2 )", 1, 2),
    items("any within or", "or=(id.eq(any).{3,4},id.eq.9)", 3, 4, 9),
    items("all within and", "and=(id.gt(all).{3,4},id.lt.7)", 5, 6),
    case("is within or", "GET /maybe?select=id&or=(a.is.null,c.is.true)", 200, ids(1, 2, 4)),
    case("is not_null within and", "GET /maybe?select=id&and=(a.is.not_null,c.is.false)", 200,
         ids(3)),
    case("isdistinct within or", "GET /maybe?select=id&or=(b.isdistinct.text,a.eq.5)", 200,
         ids(1, 2, 3)),
    case("unknown or true", "GET /maybe?select=id&or=(a.gt.0,b.eq.text)", 200, ids(2, 4)),
    case("not of unknown is unknown", "GET /maybe?select=id&not.and=(a.gt.0,c.is.true)", 200,
         ids(1, 3, 4)),
    texts("quotes around a value", 'or=(t.eq."x(y),z",t.eq.Apple)', 1, 7),
    texts("escapes between quotes", 'or=(t.eq."say \\"hi\\"",t.eq."back\\\\slash")', 11, 12),
    texts("quotes in a list in a tree", 'or=(t.in.("x(y),z",axb),t.eq.null)', 6, 7, 14),
    texts("a point in a value", "or=(t.eq.a.b,t.eq.axb)", 6, 13),
    texts("an empty value in quotes", 'or=(t.eq."",t.eq.axb)', 6, 8),
    texts("like within or", "or=(t.like.*pple,t.ilike.*PIE)", 1, 2),
    texts("like with quotes", 'or=(t.like."x(*",t.eq.axb)', 6, 7),
    texts("match within or", "or=(t.match.^a.b$,t.imatch.^APP)", 1, 2, 5, 6, 13, 15),
    texts("braces within or", "or=(t.like(any).{*pple,a.b},t.eq.axb)", 1, 6, 13),
    texts("other letters", "or=(t.eq.日本語,t.eq.ÄPFEL)", 3, 9),
    case("fts within or", "GET /posts?select=id&or=(body.fts.mat,body.plfts.dog)", 200, ids(1, 2)),
    case("a quoted column", 'GET /odd names. "quoted" ü?select=größe&or=("a.b".eq.dot,größe.gt.99)',
         200, [{"größe": 10}]),
    case("a JSON path",
         "GET /documents?select=id&or=(data->>name.eq.Ann,data->address->>city.eq.Rome)",
         200, ids(1, 2)),
    case("a negated JSON path", "GET /documents?select=id&and=(data->>name.not.eq.Ann,id.lt.9)",
         200,
         ids(2)),
    fail("a tree without conditions", "GET /items?or=()", 400, "PGRST100"),
    fail("a tree that is not closed", "GET /items?or=(id.eq.1,id.eq.2", 400, "PGRST100"),
    fail("text behind a tree", "GET /items?or=(id.eq.1)x", 400, "PGRST100"),
    fail("a tree without brackets", "GET /items?or=id.eq.1", 400, "PGRST100"),
    fail("a condition without operator", "GET /items?or=(id,id.eq.1)", 400, "PGRST100"),
    fail("an unknown operator in a tree", "GET /items?or=(id.equals.1)", 400, "PGRST100"),
    fail("a comma too many", "GET /items?or=(id.eq.1,,id.eq.2)", 400, "PGRST100"),
    fail("an unknown column in a tree", "GET /items?or=(nope.eq.1,id.eq.2)", 400, "PGRST204"),
    fail("a bad value in a tree", "GET /items?or=(id.eq.x,id.eq.2)", 400, "22P02"),
]
