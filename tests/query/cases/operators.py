"""Every operator of a filter, with `not`, lists, quotes and escapes; texts that are no values."""
from support.cases import case, fail, ids

T = "/texts?select=id&t="
POSTS = "/posts?select=id&body="


def texts(name, condition, *wanted):
    return case(name, "GET " + T + condition, 200, ids(*wanted))


def items(name, condition, *wanted):
    return case(name, "GET /items?id=" + condition, 200, ids(*wanted))


def maybe(name, condition, *wanted):
    return case(name, "GET /maybe?select=id&" + condition, 200, ids(*wanted))


def posts(name, condition, *wanted):
    return case(name, "GET " + POSTS + condition, 200, ids(*wanted))


COMPARE = [
    items("eq", "eq.3", 3),
    items("eq of nothing", "eq.99"),
    items("neq", "neq.1&limit=2", 2, 3),
    items("gt", "gt.13", 14, 15),
    items("gte", "gte.14", 14, 15),
    items("lt", "lt.3", 1, 2),
    items("lte", "lte.2", 1, 2),
    items("not eq", "not.eq.15&id=gte.14", 14),
    items("not neq", "not.neq.4", 4),
    items("not gt", "not.gt.2", 1, 2),
    items("not gte", "not.gte.3", 1, 2),
    items("not lt", "not.lt.14", 14, 15),
    items("not lte", "not.lte.13", 14, 15),
    items("two filters of one column", "gt.3&id=lt.6", 4, 5),
    items("a negative number", "lt.-1"),
    items("the largest integer", "lt.9223372036854775807&limit=1", 1),
    case("eq of the largest integer", "GET /big?select=n&n=eq.9223372036854775807", 200,
         [{"n": 9223372036854775807}]),
    case("eq of the smallest integer", "GET /big?select=n&n=eq.-9223372036854775808", 200,
         [{"n": -9223372036854775808}]),
    case("an integer that no double holds", "GET /big?select=id&n=eq.9007199254740993", 200,
         ids(4)),
    case("its neighbour", "GET /big?select=id&n=eq.9007199254740992", 200, []),
    case("eq of a decimal", "GET /big?select=id&dec=eq.99999999999999.9999", 200, ids(1)),
    case("a decimal with zeros behind", "GET /big?select=id&dec=eq.150.5000", 200, ids(4)),
    case("gt of a decimal", "GET /big?select=id&dec=gt.0", 200, ids(1, 3, 4)),
    case("lt of a number", "GET /big?select=id&num=lt.0.2", 200, ids(1, 3)),
    maybe("neq is not true of null", "b=neq.text", 3),
    maybe("nor is not.eq", "b=not.eq.text", 3),
    maybe("eq of a boolean", "c=eq.true", 2),
    maybe("eq of false", "c=eq.false", 3),
    maybe("eq of a number", "d=eq.1.5", 2, 4),
    maybe("eq of a decimal that can be null", "e=eq.2.25", 2),
    maybe("lt of a decimal", "e=lt.0", 3),
    maybe("eq of a uuid", "f=eq.11111111-1111-4111-8111-111111111111", 2),
    case("eq of a uuid in capitals",
         "GET /tokens?select=name&id=eq.AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA", 200,
         [{"name": "one"}]),
    texts("eq is by case", "eq.apple"),
    texts("eq to the end", "eq.x(y),z", 7),
    texts("eq of quotes, which are text here", 'eq.say "hi"', 11),
    texts("eq of a backslash", "eq.back\\slash", 12),
    texts("eq of an empty text", "eq.", 8),
    texts("eq of the text null", "eq.null", 14),
    texts("eq of a point", "eq.a.b", 13),
    texts("eq of a star", "eq.a*b", 15),
    texts("eq of a plus, and of a space", "eq.a%2Bb+c", 16),
    texts("eq of other letters", "eq.日本語", 9),
    texts("gt by code point", "gt.y", 3, 9),
    texts("lt by code point", "lt.A", 4, 8),
]

LISTS = [
    items("in", "in.(3,1,99)", 1, 3),
    items("in of one", "in.(7)", 7),
    items("in of nothing", "in.()"),
    items("not in", "not.in.(1,2,3,4,5,6,7,8,9,10,11,12,13)", 14, 15),
    items("in with a value twice", "in.(2,2)", 2),
    texts("in with quotes", 'in.("x(y),z",Apple)', 1, 7),
    texts("in with escapes", 'in.("say \\"hi\\"","back\\\\slash")', 11, 12),
    texts("in with an empty text", 'in.("",axb)', 6, 8),
    texts("in with a point", "in.(a.b,a_b)", 5, 13),
    texts("in with other letters", "in.(日本語,ÄPFEL)", 3, 9),
    maybe("not in is not true of null", "b=not.in.(text)", 3),
    maybe("in of booleans", "c=in.(true,false)", 2, 3),
]

IS = [
    maybe("is null", "a=is.null", 1, 4),
    maybe("is not_null", "a=is.not_null", 2, 3),
    maybe("not is null", "a=not.is.null", 2, 3),
    maybe("not is not_null", "a=not.is.not_null", 1, 4),
    maybe("is true", "c=is.true", 2),
    maybe("is false", "c=is.false", 3),
    maybe("is unknown", "c=is.unknown", 1, 4),
    maybe("not is true", "c=not.is.true", 1, 3, 4),
    maybe("is in capitals", "a=is.NULL", 1, 4),
    maybe("is in mixed case", "c=is.True", 2),
    texts("is null of a text", "is.null", 10),
    maybe("is null of json", "g=is.null", 1),
    maybe("is null of a uuid", "f=is.null", 1, 4),
    maybe("isdistinct", "b=isdistinct.text", 1, 3),
    maybe("not isdistinct", "b=not.isdistinct.text", 2, 4),
    maybe("isdistinct of a number", "a=isdistinct.5", 1, 3, 4),
    fail("is something else", "GET /maybe?a=is.nothing", 400, "PGRST100"),
    fail("is a number", "GET /maybe?a=is.5", 400, "PGRST100"),
]

LIKE = [
    texts("like with a star in front", "like.*pple", 1),
    texts("like with a star behind", "like.apple*", 2),
    texts("like with stars around", "like.*ppl*", 1, 2),
    texts("like with a percent sign", "like.%25pple", 1),
    texts("like of one code point", "like.a_b", 5, 6, 13, 15),
    texts("like counts code points", "like.___", 5, 6, 9, 13, 15),
    texts("like with an escaped _", "like.a\\_b", 5),
    texts("like with an escaped %", "like.100\\%25", 4),
    texts("like with an escaped backslash", "like.back\\\\slash", 12),
    texts("like without wildcards is eq", "like.Apple", 1),
    texts("like of an empty text", "like.", 8),
    texts("like is by case", "like.APPLE*"),
    texts("not like", "not.like.*a*", 1, 3, 4, 7, 8, 9, 14),
    texts("ilike", "ilike.APPLE*", 1, 2),
    texts("ilike folds other letters", "ilike.äpfel", 3),
    texts("ilike keeps accents apart", "ilike.apfel"),
    texts("ilike with a _", "ilike.A_B", 5, 6, 13, 15),
    texts("not ilike", "not.ilike.*a*", 3, 4, 7, 8, 9, 14),
    case("like does not match null", "HEAD /texts?t=like.*", 200, None, prefer="count=exact",
         has={"Content-Range": "0-14/15"}),
    texts("match", "match.^a.b$", 5, 6, 13, 15),
    texts("match anywhere", "match.pp", 1, 2),
    texts("match is by case", "match.^APPLE"),
    texts("imatch", "imatch.^APPLE", 1, 2),
    texts("not match", "not.match.[a-z]", 3, 4, 8, 9),
    texts("not imatch", "not.imatch.[a-z]", 4, 8, 9),
    fail("match of no pattern", "GET /texts?t=match.(", 400, "2201B"),
    fail("imatch of no pattern", "GET /texts?t=imatch.[", 400, "2201B"),
]

ANY_ALL = [
    items("eq any", "eq(any).{3,1}", 1, 3),
    items("eq all", "eq(all).{3,1}"),
    items("gt all", "gt(all).{12,13}", 14, 15),
    items("gt any", "gt(any).{13,14}", 14, 15),
    items("gte any", "gte(any).{14,15}", 14, 15),
    items("gte all", "gte(all).{14,15}", 15),
    items("lt all", "lt(all).{3,5}", 1, 2),
    items("lt any", "lt(any).{2,3}", 1, 2),
    items("lte any", "lte(any).{1,2}", 1, 2),
    items("lte all", "lte(all).{1,2}", 1),
    items("not eq any", "not.eq(any).{1,2,3,4,5,6,7,8,9,10,11,12,13}", 14, 15),
    items("eq any of nothing", "eq(any).{}"),
    texts("like any", "like(any).{*pple,a.b}", 1, 13),
    texts("like all", "like(all).{a*,*pie}", 2),
    texts("ilike any", "ilike(any).{APPLE*,äpfel}", 1, 2, 3),
    texts("ilike all", "ilike(all).{A*,*PIE}", 2),
    texts("match any", "match(any).{^App,^日}", 1, 9),
    texts("match all", "match(all).{^a,b$}", 5, 6, 13, 15),
    texts("imatch any", "imatch(any).{^APP,^N}", 1, 2, 14),
    texts("quotes between braces", 'eq(any).{"x(y),z",Apple}', 1, 7),
    fail("neq knows no any", "GET /items?id=neq(any).{1}", 400, "PGRST100"),
    fail("in knows no any", "GET /items?id=in(any).(1)", 400, "PGRST100"),
    fail("neither any nor all", "GET /items?id=eq(some).{1}", 400, "PGRST100"),
]

WORDS = [
    posts("fts of a word, which has no stem", "fts.cat", 1, 3),
    posts("fts in the configuration simple", "fts(simple).cats", 2),
    posts("fts of two words", "fts.fat%26cat", 1, 3),
    posts("fts of either word", "fts.dog|mat", 1, 2),
    posts("fts without a word", "fts.!cat", 2),
    posts("fts of a prefix", "fts.ca:*", 1, 2, 3),
    posts("fts of a phrase", "fts.fat<->cat", 1),
    posts("fts with brackets", "fts.(dog|rat)%26fat", 2, 3),
    posts("fts in capitals", "fts.CAT", 1, 3),
    posts("not fts", "not.fts.cat", 2),
    posts("plfts", "plfts.fat cat", 1, 3),
    posts("plfts passes over signs", "plfts.fat, cat!", 1, 3),
    posts("phfts", "phfts.fat cat", 1),
    posts("phfts of three words", "phfts.the fat cats", 2),
    posts("wfts without a word", "wfts.cat -rat", 1),
    posts("wfts of a phrase", 'wfts."fat cats"', 2),
    posts("wfts of either", "wfts.dog or rat", 2, 3),
    posts("not wfts", "not.wfts.dog", 1, 3),
    posts("wfts(simple)", "wfts(simple).chased", 2),
    fail("fts of two words without an operator", "GET /posts?body=fts.fat cat", 400, "42601"),
]

WRONG = [
    fail("no operator", "GET /items?id=0", 400, "PGRST100",
         '"failed to parse filter (0)" (line 1, column 1)',
         'unexpected "0" expecting "not" or operator (eq, gt, ...)', None),
    fail("an unknown operator", "GET /items?id=equals.1", 400, "PGRST100"),
    fail("no point", "GET /items?id=eq", 400, "PGRST100"),
    fail("not twice", "GET /items?id=not.not.eq.1", 400, "PGRST100"),
    fail("a list without brackets", "GET /items?id=in.1,2", 400, "PGRST100"),
    fail("a list that is not closed", "GET /items?id=in.(1,2", 400, "PGRST100"),
    fail("a word for an integer", "GET /items?id=eq.one", 400, "22P02"),
    fail("an empty text for an integer", "GET /items?id=eq.", 400, "22P02"),
    fail("a fraction for an integer", "GET /items?id=eq.1.5", 400, "22P02"),
    fail("null for an integer", "GET /items?id=eq.null", 400, "22P02"),
    fail("a word in a list", "GET /items?id=in.(1,two)", 400, "22P02"),
    fail("beyond 64 bits", "GET /items?id=eq.9223372036854775808", 400, "22003"),
    fail("below 64 bits", "GET /items?id=gt.-9223372036854775809", 400, "22003"),
    fail("a word for a boolean", "GET /maybe?c=eq.maybe", 400, "22P02"),
    fail("no uuid", "GET /maybe?f=eq.1111", 400, "22P02"),
    fail("a word for a number", "GET /maybe?d=gt.much", 400, "22P02"),
    fail("a word for a decimal", "GET /maybe?e=gt.much", 400, "22P02"),
    fail("an unknown column", "GET /items?nope=eq.1", 400, "PGRST204"),
    fail("a column in capitals", "GET /items?ID=eq.1", 400, "PGRST204"),
    fail("cs is for arrays", "GET /items?id=cs.{1}", 400, "PGRST127"),
    fail("cd is for arrays", "GET /items?id=cd.{1}", 400, "PGRST127"),
    fail("ov is for arrays", "GET /items?id=ov.{1}", 400, "PGRST127"),
    fail("sl is for ranges", "GET /items?id=sl.(1,2)", 400, "PGRST127"),
    fail("sr is for ranges", "GET /items?id=sr.(1,2)", 400, "PGRST127"),
    fail("nxr is for ranges", "GET /items?id=nxr.(1,2)", 400, "PGRST127"),
    fail("nxl is for ranges", "GET /items?id=nxl.(1,2)", 400, "PGRST127"),
    fail("adj is for ranges", "GET /items?id=adj.(1,2)", 400, "PGRST127"),
    case("a parameter without = is dropped", "GET /items?id=eq.1&nope", 200, ids(1)),
]

CASES = COMPARE + LISTS + IS + LIKE + ANY_ALL + WORDS + WRONG
