"""Strings that break what builds text out of text: SQL, URLs, headers, JSON, CSV, patterns, paths.

STRINGS are bytes, all different, some of them no UTF-8; TEXTS are those that are UTF-8, as str.
None holds a word that the tests look for in answers (an error text of SQLite).
"""

_SQL = [
    "", "'", "''", "'''", '"', '""', '"""', "`", "``", "\u00b4", "[", "]", "[id]", "]]", "';",
    '";', "`;", "')", "'))", '")', "' --", "'--", "'#", "'/*", "*/", "/*", "/**/", "--", "-- ",
    "#", ";", ";;", "; --", ";\x00", "'\\", "\\'", "\\\"", "\\", "\\\\", "\\\\'", "'||'", "'+'",
    "' '", "'\n'", "'||(select 1)||'", "' or '1'='1", "' or 1=1 --", "' or 1=1#", "' or 1=1/*",
    "') or ('1'='1", "1 or 1=1", "1) or (1=1", "' or ''='", "x' or id is not null --",
    '" or "1"="1', '" or ""="', "` or `1`=`1", "or 1", "not 1", "' and 1=0 --",
    "' and (select count(*) from words)>0 --", "1 and 1=0", "' or true --", "' or word like '%",
    "' or word glob '*", "' collate nocase --", "x' collate nocase or '1",
    "'; drop table words; --", "1; drop table words", "'); delete from words; --",
    '"; drop table words; --', "x'; update words set word='taken'; --", "; vacuum", "; begin",
    "'; attach 'x.db' as x; --", "'; pragma writable_schema=1; --", "; commit; --", "; rollback",
    "'; insert into words values (99999,'y'); --", "1; shutdown", "'; savepoint a; release a; --",
    "' union select 1 --", "' union all select id, word from words --", "0 union select 1,2",
    "') union select sql from sqlite_schema --", "' union select @@version #", "1 union values(1)",
    "' intersect select 1 --", "' except select 1 --", "(select 1)",
    "(select word from words limit 1)", "(select group_concat(word) from words)",
    "id from words --", "words", "main.words", "temp.x", "sqlite_schema", "sqlite_sequence",
    "_rl_model", "_rl_idem", "information_schema.tables", "pg_catalog.pg_class", "mysql.user",
    "rowid", "_rowid_", "oid", "words.word", '"words"."word"', "case when 1 then 1 end",
    "exists(select 1)", "load_extension('x')", "randomblob(1000000000)", "zeroblob(9)",
    "abs(-9223372036854775808)", "sleep(5)", "pg_sleep(5)", "benchmark(1000000,md5(1))",
    "waitfor delay '0:0:5'", "char(39)", "chr(39)||chr(39)", "x'27'", "X'2727'", "0x27", "b'1'",
    "n'a'", "_utf8mb4'a'", "E'\\''", "$$a$$", "$tag$a$tag$", "q'[a]'", "{d '2020-01-01'}",
    "{fn now()}", "?", "?1", "?1000", ":a", ":word", "@a", "@@a", "$1", "$word", "#1", "%(word)s",
    "cast(1 as text)", "::text", "1::text", "'::regclass", "current_user", "current_timestamp",
    "null", "NULL", "Null", "default", "DEFAULT", "true", "false", "unknown", "not null",
    "is null", "/*!50000 or 1=1 */", "--+ hint", "1 -- \n or 1", "'\r\nor 1=1 --", "a' || 'b",
    "a', 'b", "a'), ('b", "(((", ")))", ")(", "()", "1,1", "returning *", "on conflict do nothing",
    "limit 0 offset 0", "order by 1", "group by 1 having 1", "window w as ()",
    "with a as (select 1) select * from a", "like '%'", "escape '\\'", "between 1 and 9",
]

_PATTERNS = [
    "%", "%%", "_", "__", "%_", "_%", "*", "**", "a*", "*a", "*a*", "a%", "a_", "\\%", "\\_",
    "\\*", "%\\", "*\\", "\\\\%", "a\\b", "[a-z]", "[^a]", "[!a]", "?*", "{a,b}", "*%*_", "%" * 50,
    "*a" * 40, ".", ".*", "^", "$", "^$", "(a+)+$", "(a|a)*b", "(a|aa)+$", "((a*)*)*b",
    "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)(.*)(.*)(.*)b", "a{1,65535}", "a{65536}",
    "(a{1,900}){1,900}", "(?:", "(?=a)", "(?<a>b)", "(?R)", "(?1)", "(*UTF)",
    "(*LIMIT_MATCH=999999999)", "(*COMMIT)", "(?C)", "(?i)A", "\\1", "\\k<a>", "\\p{L}", "\\p{",
    "\\Qa\\E", "\\Q", "\\x{110000}", "\\x{d800}", "\\C", "\\K", "[[:alpha:]]", "[[:x:]]", "[a",
    "[z-a]", "a**", "+", "++a", "?a", "|", "||", "a|b", "(", ")", "(" * 300, "[" * 300, "\\" * 301,
    "a & b", "a | b", "!a", "!!a", "a <-> b", "a <2> b", "a:*", "a:ABCD", "(a", "a & ", "& a",
    "'a'", "<->", '"a b"', "-a", "a or b", "a OR", "a AND b NOT c", "NEAR(a b)", "word:a", "^a",
    "{word}:a", "a*b",
]

_GRAMMAR = [
    "eq.1", "not.eq.1", "eq.", ".eq", ".eq.1", "not.", "not.not.eq.1", "in.(1,2)", "in.(", "in.()",
    "(1,2)", "(1,2", "1,2)", '("a","b")', '("a)', "is.null", "is.not_null", "isdistinct.1",
    "fts(simple).a", "any", "eq(any).{1,2}", "eq(all).{}", "{1,2}", "{", "}", "{}", "{{}}", "{a",
    "{\"a\"}", "{NULL}", "cs.{1}", "and", "or", "not.and", "not.or", "and(id.eq.1)",
    "or(id.gt.0,id.lt.0)", "and()", "or(", "(id.gt.0)", "id.gt.0)", "(id.gt.0,or(id.gt.0)", ",",
    ",,", "a,b", ".", "..", "...", "...shelves(*)", "shelves(*)", "shelves!inner(*)", "!inner",
    "!", "!!", "*,", "count()", "count", "id.count()", "id.sum()", ".sum()", "a:b", ":", "::",
    "a::b::c", "->", "->>", "->a", "->>a", "extra->", "extra->>", "extra->a->", "->-1",
    "->99999999999999999999", "->>'a'", "->\"a", "$.a", "$[0]", "$[#-1]", "$.a[*]", "$**.a", "a.b",
    "\"a\".\"b\"", "a[0]", "#>>{a}", "select", "order", "limit", "offset", "columns",
    "on_conflict", "after", "distinct", "select=*", "asc", "desc", "nullsfirst",
    "id.desc.nullsfirst.asc", ".desc", "id.up", "id,", "id desc", "a-b", "a$b", "id-", "--id",
    "id ", " id", "ID", "iD", "word ", "wor\u0064\u200b", "rpc/x", "~", "=", "==", "=eq.1", "&",
    "&&", "&id=eq.1", "a=b&c=d", "a&select=id", "+", "a+b", " ", "  ", "a b",
]

_CODECS = [
    "\x00", "a\x00b", "a\x00' or 1=1", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1a", "\x1b[31m",
    "\x1f", "\x7f", b"\x80", b"\xff", b"\xfe\xff", b"\xc0\xaf", b"\xc0\xa7", b"\xe0\x80\xa7",
    b"\xc1\x81", b"\xf0\x80\x80\xa7", b"\xed\xa0\x80", b"\xed\xb0\x80",
    b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82",
    b"\xe2\x82'", b"a\xc3", b"\xbf", b"\xbf'", b"\xbf\\'", b"\x95\\'", b"' or 1=1 --\xff",
    "\ufeff", "\ufeffa", "\ufffe", "\uffff", "\ufffd", "\u2028", "\u2029", "\u0085", "\u00a0",
    "\u3000", "\u200b", "\u200d", "\u00ad", "\u202e", "\u202eabc", "\u200f\u05d0", "\u2066a\u2069",
    "\u061c", "e\u0301", "\u00e9", "a" + "\u0301" * 60, "\u0300", "\u1e9e", "\u00df", "\u0130",
    "\u0131", "\u017f", "\u212a", "\u03c2", "\ufb01", "\uff07 or 1=1", "\u02bc", "\u2019",
    "\uff02", "\uff1b", "\u2215", "\u0434\u0430", "\u65e5\u672c", "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\U0001d54f", "\ue000", "\u0e33",
    "\t", "\n", "\r", "\r\n", "a\tb", "a\nb", "a\rb", "a\r\nb", " a ", "\na", "a\n", "\n\n",
    "a\r\nSet-Cookie: b=c", "a\r\n\r\n<p>", "a\nLocation: /b",
    "a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK", "a\u560d\u560aSet-Cookie: b=c",
    "a\r Set-Cookie: b", "\x0d\x0a\x0d\x0a", "a,b\r\nc,d", '"a"\r\n"b"', '"a', 'a"b', '"a""b"',
    '","', '"\n"', "a;b", "a\tb\tc", '{"a":1}', '{"a":', "[1,2]", "[1,", '"}', '":"',
    '","id":1,"x":"', "\\u0000", "\\u0027", "\\ud800", "\\udc00\\ud800", "\\n", "\\x27", "\\r\\n",
    "\\/", "</script><script>", "<img src=x>", "&lt;", "&#39;", "<![CDATA[", "<!--", "{{7*7}}",
    "${7*7}", "<%= 1 %>", "=1+1", "+1+1", "-1+1", "@sum(1)", "=cmd|' /c x'!a0",
    "=HYPERLINK(\"x\")", "\t=1+1", "'=1", "|a", "%s", "%n", "%s%s%s%s%n", "%d%x%p", "%1$s",
    "%99999999d", "%.*s", "%%n", "{0}", "{0.__class__}", "{name}", "{name?}", "{claims.sub}",
    "{word}", "{id}", "${X}", "${HOME}", "${X:-a}", "$HOME", "$(id)", "`id`", "%PATH%", "%27",
    "%2527", "%252527", "%00", "%2500", "%0a", "%0d%0aA:b", "%", "%2", "%zz", "%u0027", "%c0%af",
    "%25", "..", "../", "../../etc/hosts", "..%2f", "..\\", "/", "//", "/a", "a/", "./a", "a/b",
    "a//b", "\\\\a\\b", "file:///a", "http://localhost/", "//a", "C:\\a", "nul", "con", "~a",
    ".git", "a.db", "a.db-wal", "|id", "&id",
]

_NUMBERS = [
    "0", "-0", "+0", "00", "01", "1", "-1", "+1", " 1", "1 ", "1.0", "1.", ".1", "-.5", "1e1",
    "1E+2", "1e-1", "1e400", "-1e400", "1e-400", "1e", "e1", "1e999999999", "2147483647",
    "2147483648", "-2147483649", "4294967296", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "1" + "0" * 400, "0." + "3" * 400, "0.1", "0.10", "1.005", "0x10",
    "0X1F", "0b11", "0o17", "1_000", "1,000", "1.000,00", "NaN", "nan", "-nan", "Infinity",
    "-Infinity", "inf", "+inf", "1/0", "1-1", "--1", "1+1", "1e1.5", "1;", "1'", "1\"", "\u0661",
    "\uff11", "\u00b2", "\u2212" + "1", "1\u00a0", "1\x00", "1\n", "t", "f", "yes", "on", "TRUE",
    "2020-01-01", "2020-13-45", "0000-00-00", "24:00:00", "now", "infinity",
    "00000000-0000-0000-0000-000000000000",
]

_LONG = [
    "a" * 300, "a" * 1025, "a" * 4097, "'" * 1000, "\"" * 1000, "a," * 700,
    "(" * 1000 + ")" * 1000, "a." * 700, "%27" * 300, "\U0001f600" * 200, "[" * 2000,
    "{\"a\":" * 300, "not." * 300, "a" * 17000,
]


def _unique(items):
    seen = {}
    for item in items:
        seen.setdefault(item.encode("utf-8") if isinstance(item, str) else item, None)
    return list(seen)


def _text(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


STRINGS = _unique(_SQL + _PATTERNS + _GRAMMAR + _CODECS + _NUMBERS + _LONG)
TEXTS = [text for text in map(_text, STRINGS) if text is not None]
