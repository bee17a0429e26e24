#include "query/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/parse_test_help.h"
#include "query/query_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

static const struct parse_row filters_rows[] = {
	{__LINE__, "", ""},
	{__LINE__, "&&", ""},
	{__LINE__, "a", ""},
	{__LINE__, "a&b&", ""},
	{__LINE__, "a=eq.5", "and(a eq <5>)"},
	{__LINE__, "a=neq.5", "and(a neq <5>)"},
	{__LINE__, "a=gt.5&b=lte.6", "and(a gt <5>,b lte <6>)"},
	{__LINE__, "a=gte.5&a=lt.6", "and(a gte <5>,a lt <6>)"},
	{__LINE__, "a=eq.", "and(a eq <>)"},
	{__LINE__, "a=eq.x,y)(\"z\"", "and(a eq <x,y)(\"z\">)"},
	{__LINE__, "a=eq.\"x\"", "and(a eq <\"x\">)"},
	{__LINE__, "a=eq.{x}", "and(a eq <{x}>)"},
	{__LINE__, "a=eq.x%20y+z%2B", "and(a eq <x y z+>)"},
	{__LINE__, "a=eq.b%3Dc", "and(a eq <b=c>)"},
	{__LINE__, "a=eq.b=c", "and(a eq <b=c>)"},
	{__LINE__, "a=not.eq.5", "and(not(a eq <5>))"},
	{__LINE__, "a=not.in.(5)", "and(not(a in <5>))"},
	{__LINE__, "a=not.is.null", "and(not(a is null))"},
	{__LINE__, "a=eq.not.eq.5", "and(a eq <not.eq.5>)"},
	{__LINE__, "a=like.x*&b=ilike.*%25y_", "and(a like <x*>,b ilike <*%y_>)"},
	{__LINE__, "a=match.^x.*$&b=imatch.y", "and(a match <^x.*$>,b imatch <y>)"},
	{__LINE__, "a=not.like.x*", "and(not(a like <x*>))"},
	{__LINE__, "a=isdistinct.5&b=not.isdistinct.", "and(a isdistinct <5>,not(b isdistinct <>))"},
	/* names */
	{__LINE__, "Date of birth=eq.5", "and(Date of birth eq <5>)"},
	{__LINE__, "Date+of+birth=eq.5", "and(Date of birth eq <5>)"},
	{__LINE__, "%20a%20=eq.5", "and(a eq <5>)"},
	{__LINE__, "a-b=eq.5", "and(a-b eq <5>)"},
	{__LINE__, "a-b-c$1=eq.5", "and(a-b-c$1 eq <5>)"},
	{__LINE__, "%C3%A9t%C3%A9=eq.5", "and(\xc3\xa9t\xc3\xa9 eq <5>)"},
	{__LINE__, "\"a.b\"=eq.5", "and(a.b eq <5>)"},
	{__LINE__, "%22a%5C%22b%22=eq.5", "and(a\"b eq <5>)"},
	{__LINE__, "\"limit\"=eq.5", "and(limit eq <5>)"},
	{__LINE__, "\"or\"=eq.5", "and(or eq <5>)"},
	{__LINE__, "not=eq.5", "and(not eq <5>)"},
	/* is */
	{__LINE__, "a=is.null", "and(a is null)"},
	{__LINE__, "a=is.NULL", "and(a is null)"},
	{__LINE__, "a=is.Not_Null", "and(a is not_null)"},
	{__LINE__, "a=is.true&b=is.FALSE&c=is.unknown", "and(a is true,b is false,c is unknown)"},
	/* in */
	{__LINE__, "a=in.()", "and(a in )"},
	{__LINE__, "a=in.( )", "and(a in )"},
	{__LINE__, "a=in.(\"\")", "and(a in <>)"},
	{__LINE__, "a=in.(,)", "and(a in <><>)"},
	{__LINE__, "a=in.(1,2)", "and(a in <1><2>)"},
	{__LINE__, "a=in.(\"a,b\",c)", "and(a in <a,b><c>)"},
	{__LINE__, "a=in.(\"a\\\"b\\\\c\\d\")", "and(a in <a\"b\\cd>)"},
	{__LINE__, "a=in.(\"a\"b,c)", "and(a in <\"a\"b><c>)"},
	{__LINE__, "a=in.(\"a,c)", "and(a in <\"a><c>)"},
	{__LINE__, "a=in.(\"a\" , \"b\" )", "and(a in <a><b>)"},
	{__LINE__, "a=in.(1,2,3,4)", "and(a in <1><2><3><4>)"},
	{__LINE__, "a=in.({x},y)", "and(a in <{x}><y>)"},
	{__LINE__, "a=in.(%20a%20,b)", "and(a in <a ><b>)"},
	/* any and all */
	{__LINE__, "a=eq(any).{1,2}", "and(a eq any<1><2>)"},
	{__LINE__, "a=eq(all).{1,2}&b=not.gt(any).{3}", "and(a eq all<1><2>,not(b gt any<3>))"},
	{__LINE__, "a=gt(any).{1}&a=gte(any).{1}&a=lt(any).{1}&a=lte(all).{1}",
	 "and(a gt any<1>,a gte any<1>,a lt any<1>,a lte all<1>)"},
	{__LINE__, "a=like(any).{x*,*y}&b=ilike(all).{x*,*y}&c=match(any).{^x}&d=imatch(all).{y$}",
	 "and(a like any<x*><*y>,b ilike all<x*><*y>,c match any<^x>,d imatch all<y$>)"},
	{__LINE__, "a=eq(any).{}", "and(a eq any)"},
	{__LINE__, "a=eq(any).{ }", "and(a eq any)"},
	{__LINE__, "a=eq(any).{\"a,b\", e f ,\"g\\\"h\\\\i\",\"\"}",
	 "and(a eq any<a,b><e f><g\"h\\i><>)"},
	{__LINE__, "a=eq(any).{a\\,b,c\\}d,\\\"e,f\\\\g}", "and(a eq any<a,b><c}d><\"e><f\\g>)"},
	{__LINE__, "a=eq(any).{1,2,3,4}", "and(a eq any<1><2><3><4>)"},
	{__LINE__, "a=eq(any).{NULL}", "and(a eq any<NULL>)"},
	/* words */
	{__LINE__, "a=fts.x y&b=plfts.x&c=phfts.x&d=wfts.\"x\" or -y",
	 "and(a fts <x y>,b plfts <x>,c phfts <x>,d wfts <\"x\" or -y>)"},
	{__LINE__, "a=fts(english).x&b=not.wfts(simple_2).y",
	 "and(a fts(english) <x>,not(b wfts(simple_2) <y>))"},
	{__LINE__, "a=fts(any).x", "and(a fts(any) <x>)"},
	/* json paths */
	{__LINE__, "a->b=eq.1", "and(a->'b' eq <1>)"},
	{__LINE__, "a->>b=eq.1", "and(a->>'b' eq <1>)"},
	{__LINE__, "a->b->0->>-1=eq.1", "and(a->'b'->0->>-1 eq <1>)"},
	{__LINE__, "a->\"b.c\"->>\"0\"=eq.1", "and(a->'b.c'->>'0' eq <1>)"},
	{__LINE__, "a->>0x=eq.1", "and(a->>'0x' eq <1>)"},
	{__LINE__, "a->0-b=eq.1", "and(a->'0-b' eq <1>)"},
	{__LINE__, "a-b->c-d->>e=is.null", "and(a-b->'c-d'->>'e' is null)"},
	{__LINE__, "a -> b ->> c =eq.1", "and(a->'b'->>'c' eq <1>)"},
	{__LINE__, "a->9223372036854775807=eq.1", "and(a->9223372036854775807 eq <1>)"},
	{__LINE__, "a->-99999999999999999999=eq.1", "and(a->-9223372036854775807 eq <1>)"},
	/* of embedded resources */
	{__LINE__, "r.a=eq.1", " r[and(a eq <1>)]"},
	{__LINE__, "r.s.t=eq.1&r.s.u=gt.2&r.v=is.null&a=eq.1",
	 "and(a eq <1>) r.s[and(t eq <1>,u gt <2>)] r[and(v is null)]"},
	{__LINE__, "r.a->b->>0=in.(1,2)", " r[and(a->'b'->>0 in <1><2>)]"},
	{__LINE__, "\"r.s\".t=eq.1&r.\"s.t\"=eq.2", " r.s[and(t eq <1>)] r[and(s.t eq <2>)]"},
	{__LINE__, "r=is.null&s=not.is.null", "and(r is null,not(s is null))"},
	{__LINE__, "r.or=(a.eq.1,b.eq.2)", " r[and(or(a eq <1>,b eq <2>))]"},
	{__LINE__, "r.and=(a.eq.1)&r.not.or=(a.eq.1)&r.s.not.and=(a.eq.1)",
	 " r[and(and(a eq <1>),not(or(a eq <1>)))] r.s[and(not(and(a eq <1>)))]"},
	{__LINE__, "not.or=(a.eq.1)", "and(not(or(a eq <1>)))"},
	{__LINE__, "r.not=eq.1", " r[and(not eq <1>)]"},
	{__LINE__, "r.order=a.desc&r.limit=5&r.offset=2&r.order=b&r.limit=6&r.offset=7",
	 " r[ order a desc nullsfirst limit 5 offset 2]"},
	{__LINE__, "r.s.limit=1&r.s.order=t(a).asc", " r.s[ order t(a) limit 1]"},
	{__LINE__, "r.limit=0&r.offset=-5&r.offset=3", " r[ limit 0 offset 3]"},
	{__LINE__, "r.\"limit\"=eq.5", " r[and(limit eq <5>)]"},
	{__LINE__, "r.\"order\"=eq.5&\"r\".\"or\"=eq.6", " r[and(order eq <5>,or eq <6>)]"},
	{__LINE__, "r.select=eq.1&r.columns=eq.1&r.after=eq.1&r.distinct=eq.1",
	 " r[and(select eq <1>,columns eq <1>,after eq <1>,distinct eq <1>)]"},
	{__LINE__, "limit.a=eq.1", " limit[and(a eq <1>)]"},
	{__LINE__, "r.s.limit->b=eq.1", " r.s[and(limit->'b' eq <1>)]"},
};

static void test_filters(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(filters_rows, PARSE_QUERY_STRING);
}

static const struct parse_row filter_errors_rows[] = {
	{__LINE__, "id=0",
	 "PARSE@0 \"failed to parse filter (0)\" (line 1, column 1) / "
	 "unexpected \"0\" expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=",
	 "PARSE@0 \"failed to parse filter ()\" (line 1, column 1) / "
	 "unexpected end of input expecting \"not\" or operator (eq, gt, "
	 "...)"},
	{__LINE__, "id=equals.5",
	 "PARSE@0 \"failed to parse filter (equals.5)\" (line 1, column "
	 "1) / unexpected \"equals\" expecting \"not\" or operator (eq, "
	 "gt, ...)"},
	{__LINE__, "id=EQ.5",
	 "PARSE@0 \"failed to parse filter (EQ.5)\" (line 1, column 1) / "
	 "unexpected \"EQ\" expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=not.not.eq.5",
	 "PARSE@4 \"failed to parse filter (not.not.eq.5)\" (line 1, "
	 "column 5) / unexpected \"not\" expecting \"not\" or operator "
	 "(eq, gt, ...)"},
	{__LINE__, "id=eq",
	 "PARSE@2 \"failed to parse filter (eq)\" (line 1, column 3) / "
	 "unexpected end of input expecting delimiter (.)"},
	{__LINE__, "id=like",
	 "PARSE@4 \"failed to parse filter (like)\" (line 1, column 5) / "
	 "unexpected end of input expecting delimiter (.)"},
	{__LINE__, "id=%C3%A9",
	 "PARSE@0 \"failed to parse filter (\xc3\xa9)\" (line 1, column "
	 "1) / unexpected \"\xc3\xa9\" expecting \"not\" or operator (eq, "
	 "gt, ...)"},
	{__LINE__, "id=in.5",
	 "PARSE@3 \"failed to parse filter (in.5)\" (line 1, column 4) / "
	 "unexpected \"5\" expecting \"(\""},
	{__LINE__, "id=in.(1,2",
	 "PARSE@7 \"failed to parse filter (in.(1,2)\" (line 1, column 8) "
	 "/ unexpected end of input expecting \",\" or \")\""},
	{__LINE__, "id=in.(1)2",
	 "PARSE@6 \"failed to parse filter (in.(1)2)\" (line 1, column 7) "
	 "/ unexpected \"2\" expecting end of input"},
	{__LINE__, "id=in.(\xc3\xa9)2",
	 "PARSE@7 \"failed to parse filter (in.(\xc3\xa9)2)\" (line 1, "
	 "column 7) / unexpected \"2\" expecting end of input"},
	{__LINE__, "id=in.(1,2,3,4,5)", "PARSE More than 4 values in a list"},
	{__LINE__, "id=is.nothing",
	 "PARSE@3 \"failed to parse filter (is.nothing)\" (line 1, column "
	 "4) / unexpected \"nothing\" expecting isVal: (null, not_null, "
	 "true, false, unknown)"},
	{__LINE__, "id=is.null2",
	 "PARSE@3 \"failed to parse filter (is.null2)\" (line 1, column "
	 "4) / unexpected \"null2\" expecting isVal: (null, not_null, "
	 "true, false, unknown)"},
	{__LINE__, "id=is.null.",
	 "PARSE@7 \"failed to parse filter (is.null.)\" (line 1, column "
	 "8) / unexpected \".\" expecting end of input"},
	{__LINE__, "id=is.",
	 "PARSE@3 \"failed to parse filter (is.)\" (line 1, column 4) / "
	 "unexpected end of input expecting isVal: (null, not_null, true, "
	 "false, unknown)"},
	{__LINE__, "id=not.",
	 "PARSE@4 \"failed to parse filter (not.)\" (line 1, column 5) / "
	 "unexpected end of input expecting \"not\" or operator (eq, gt, "
	 "...)"},
	{__LINE__, "a=eq.1&a=eq.2&a=eq.3&a=eq.4&a=eq.5&a=eq.6&a=eq.7",
	 "PARSE More than 6 conditions / many values of one column are "
	 "column=in.(a,b,...)"},
	{__LINE__, "r.a=eq.1&a=eq.2&r.a=eq.3&s.a=eq.4&s.or=(a.eq.5,a.eq.6,a.eq.7)",
	 "PARSE More than 6 conditions / many values of one column are "
	 "column=in.(a,b,...)"},
	{__LINE__, "=eq.5",
	 "PARSE@0 \"failed to parse tree path ()\" (line 1, column 1) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "a,b=eq.5",
	 "PARSE@1 \"failed to parse tree path (a,b)\" (line 1, column 2) "
	 "/ unexpected \",\" expecting \"->\", delimiter (.) or end of "
	 "input"},
	{__LINE__, "a-=eq.5",
	 "PARSE@1 \"failed to parse tree path (a-)\" (line 1, column 2) / "
	 "unexpected \"-\" expecting \"->\", delimiter (.) or end of input"},
	{__LINE__, "\"a=eq.5",
	 "PARSE@0 \"failed to parse tree path (\"a)\" (line 1, column 1) "
	 "/ unexpected \"\"\" expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "a=eq.%zz",
	 "PARSE The query string is not well percent-encoded / each % "
	 "needs two hexadecimal digits, and the result must be UTF-8 "
	 "without NUL"},
	{__LINE__, "a=eq.%00",
	 "PARSE The query string is not well percent-encoded / each % "
	 "needs two hexadecimal digits, and the result must be UTF-8 "
	 "without NUL"},
	{__LINE__, "%ff=eq.5",
	 "PARSE The query string is not well percent-encoded / each % "
	 "needs two hexadecimal digits, and the result must be UTF-8 "
	 "without NUL"},
	/* any and all */
	{__LINE__, "a=eq(some).{1}",
	 "PARSE@3 \"failed to parse filter (eq(some).{1})\" (line 1, "
	 "column 4) / unexpected \"some\" expecting any or all"},
	{__LINE__, "a=eq(any.{1}",
	 "PARSE@6 \"failed to parse filter (eq(any.{1})\" (line 1, column "
	 "7) / unexpected \".\" expecting \")\""},
	{__LINE__, "a=eq(any){1}",
	 "PARSE@7 \"failed to parse filter (eq(any){1})\" (line 1, column "
	 "8) / unexpected \"{\" expecting delimiter (.)"},
	{__LINE__, "a=eq().{1}",
	 "PARSE@3 \"failed to parse filter (eq().{1})\" (line 1, column "
	 "4) / unexpected \")\" expecting any or all"},
	{__LINE__, "a=neq(any).{1}",
	 "PARSE@3 \"failed to parse filter (neq(any).{1})\" (line 1, "
	 "column 4) / unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "a=in(any).{1}",
	 "PARSE@2 \"failed to parse filter (in(any).{1})\" (line 1, "
	 "column 3) / unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "a=is(any).{1}",
	 "PARSE@2 \"failed to parse filter (is(any).{1})\" (line 1, "
	 "column 3) / unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "a=isdistinct(any).{1}",
	 "PARSE@10 \"failed to parse filter (isdistinct(any).{1})\" (line "
	 "1, column 11) / unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "a=eq(any).1",
	 "PARSE@8 \"failed to parse filter (eq(any).1)\" (line 1, column "
	 "9) / unexpected \"1\" expecting \"{\""},
	{__LINE__, "a=eq(any).{1",
	 "PARSE@10 \"failed to parse filter (eq(any).{1)\" (line 1, "
	 "column 11) / unexpected end of input expecting \",\" or \"}\""},
	{__LINE__, "a=eq(any).{1}2",
	 "PARSE@11 \"failed to parse filter (eq(any).{1}2)\" (line 1, "
	 "column 12) / unexpected \"2\" expecting end of input"},
	{__LINE__, "a=eq(any).{1,,2}",
	 "PARSE@11 \"failed to parse filter (eq(any).{1,,2})\" (line 1, "
	 "column 12) / unexpected \",\" expecting an element of an array"},
	{__LINE__, "a=eq(any).{,}",
	 "PARSE@9 \"failed to parse filter (eq(any).{,})\" (line 1, "
	 "column 10) / unexpected \",\" expecting an element of an array"},
	{__LINE__, "a=eq(any).{{1},{2}}",
	 "PARSE@9 \"failed to parse filter (eq(any).{{1},{2}})\" (line 1, "
	 "column 10) / unexpected \"{\" expecting an element of an array"},
	{__LINE__, "a=eq(any).{\"a\"b}",
	 "PARSE@12 \"failed to parse filter (eq(any).{\"a\"b})\" (line 1, "
	 "column 13) / unexpected \"b\" expecting \",\" or \"}\""},
	{__LINE__, "a=eq(any).{\"a}",
	 "PARSE@9 \"failed to parse filter (eq(any).{\"a})\" (line 1, "
	 "column 10) / unexpected \"\"\" expecting an element of an array"},
	{__LINE__, "a=eq(any).{a\\",
	 "PARSE@10 \"failed to parse filter (eq(any).{a\\)\" (line 1, "
	 "column 11) / unexpected \"\\\" expecting \",\" or \"}\""},
	{__LINE__, "a=eq(any).{1,2,3,4,5}", "PARSE More than 4 values in a list"},
	/* words */
	{__LINE__, "a=fts().x",
	 "PARSE@4 \"failed to parse filter (fts().x)\" (line 1, column 5) "
	 "/ unexpected \")\" expecting a text search configuration"},
	{__LINE__, "a=fts(en-us).x",
	 "PARSE@6 \"failed to parse filter (fts(en-us).x)\" (line 1, "
	 "column 7) / unexpected \"-\" expecting \")\""},
	{__LINE__, "a=fts(english)x",
	 "PARSE@12 \"failed to parse filter (fts(english)x)\" (line 1, "
	 "column 13) / unexpected \"x\" expecting delimiter (.)"},
	{__LINE__, "a=fts",
	 "PARSE@3 \"failed to parse filter (fts)\" (line 1, column 4) / "
	 "unexpected end of input expecting delimiter (.)"},
	/* what needs PostgreSQL */
	{__LINE__, "a=cs.{1}", "UNSUPPORTED@0 Feature not implemented / the operator \"cs\""},
	{__LINE__, "a=not.cd.{1}", "UNSUPPORTED@4 Feature not implemented / the operator \"cd\""},
	{__LINE__, "a=ov.(1,2)", "UNSUPPORTED@0 Feature not implemented / the operator \"ov\""},
	{__LINE__, "a=sl.(1,2)", "UNSUPPORTED@0 Feature not implemented / the operator \"sl\""},
	{__LINE__, "a=sr.(1,2)", "UNSUPPORTED@0 Feature not implemented / the operator \"sr\""},
	{__LINE__, "a=nxr.(1,2)", "UNSUPPORTED@0 Feature not implemented / the operator \"nxr\""},
	{__LINE__, "a=nxl.(1,2)", "UNSUPPORTED@0 Feature not implemented / the operator \"nxl\""},
	{__LINE__, "a=adj.[1,2]", "UNSUPPORTED@0 Feature not implemented / the operator \"adj\""},
	{__LINE__, "a=cs",
	 "PARSE@2 \"failed to parse filter (cs)\" (line 1, column 3) / "
	 "unexpected end of input expecting delimiter (.)"},
	{__LINE__, "or=(a.cs.{1})", "UNSUPPORTED@3 Feature not implemented / the operator \"cs\""},
	/* paths */
	{__LINE__, "a->=eq.1",
	 "PARSE@3 \"failed to parse tree path (a->)\" (line 1, column 4) "
	 "/ unexpected end of input expecting key or position of a json "
	 "path"},
	{__LINE__, "a->b->=eq.1",
	 "PARSE@6 \"failed to parse tree path (a->b->)\" (line 1, column "
	 "7) / unexpected end of input expecting key or position of a "
	 "json path"},
	{__LINE__, "a->-x=eq.1",
	 "PARSE@3 \"failed to parse tree path (a->-x)\" (line 1, column "
	 "4) / unexpected \"-\" expecting key or position of a json path"},
	{__LINE__, "a->->b=eq.1",
	 "PARSE@3 \"failed to parse tree path (a->->b)\" (line 1, column "
	 "4) / unexpected \"-\" expecting key or position of a json path"},
	{__LINE__, "a->>b->c=eq.1",
	 "PARSE@5 \"failed to parse tree path (a->>b->c)\" (line 1, "
	 "column 6) / unexpected \"-\" expecting \"->\", delimiter (.) or "
	 "end of input"},
	{__LINE__, "r.=eq.1",
	 "PARSE@2 \"failed to parse tree path (r.)\" (line 1, column 3) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, ".a=eq.1",
	 "PARSE@0 \"failed to parse tree path (.a)\" (line 1, column 1) / "
	 "unexpected \".\" expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "r..a=eq.1",
	 "PARSE@2 \"failed to parse tree path (r..a)\" (line 1, column 3) "
	 "/ unexpected \".\" expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "r.limit=x",
	 "PARSE@0 \"failed to parse limit (x)\" (line 1, column 1) / "
	 "unexpected \"x\" expecting digits"},
	{__LINE__, "r.limit=-1",
	 "RANGE Requested range not satisfiable / Limit should be greater "
	 "than or equal to zero."},
	{__LINE__, "r.order=",
	 "PARSE@0 \"failed to parse order ()\" (line 1, column 1) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "r.or=a",
	 "PARSE@0 \"failed to parse logic tree (a)\" (line 1, column 3) / "
	 "unexpected \"a\" expecting \"(\""},
};

static void test_filter_errors(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(filter_errors_rows, PARSE_QUERY_STRING);
}

static const struct parse_row logic_rows[] = {
	{__LINE__, "and=(a.eq.1)", "and(and(a eq <1>))"},
	{__LINE__, "or=(a.eq.1,b.gt.2)", "and(or(a eq <1>,b gt <2>))"},
	{__LINE__, "not.or=(a.eq.1,b.gt.2)", "and(not(or(a eq <1>,b gt <2>)))"},
	{__LINE__, "not.and=(a.eq.1,b.gt.2)", "and(not(and(a eq <1>,b gt <2>)))"},
	{__LINE__, "a=eq.1&or=(b.eq.1,c.eq.2)&d=lt.3", "and(a eq <1>,or(b eq <1>,c eq <2>),d lt <3>)"},
	{__LINE__, "or=(a.eq.1,and(b.gt.2,c.is.null))", "and(or(a eq <1>,and(b gt <2>,c is null)))"},
	{__LINE__, "or=(a.not.eq.1,not.and(b.gt.2,c.lt.3))",
	 "and(or(not(a eq <1>),not(and(b gt <2>,c lt <3>))))"},
	{__LINE__, "or=(a.in.(1,\"2,)\"),b.eq.3)", "and(or(a in <1><2,)>,b eq <3>))"},
	{__LINE__, "or=(a.eq.\"x,)\",b.eq.y)", "and(or(a eq <x,)>,b eq <y>))"},
	{__LINE__, "or=(a.eq.\"x\"y,b.eq.y)", "and(or(a eq <\"x\"y>,b eq <y>))"},
	{__LINE__, "or=(a.eq.\"x\\\"\\\\y\",b.eq.y)", "and(or(a eq <x\"\\y>,b eq <y>))"},
	{__LINE__, "or=(a.eq.,b.eq.y)", "and(or(a eq <>,b eq <y>))"},
	{__LINE__, "or=(a.eq.{1,2},b.eq.y)", "and(or(a eq <{1,2}>,b eq <y>))"},
	{__LINE__, "or=(a.eq.{1,b.eq.y)", "and(or(a eq <{1>,b eq <y>))"},
	{__LINE__, "or=(\"a.b\".eq.1,c-d.eq.2)", "and(or(a.b eq <1>,c-d eq <2>))"},
	{__LINE__,
	 "and=( and ( a.in.( 1, 2 ) , b.is.null ) , or ( a.eq.2 , \"b\" "
	 ".eq.3 ) )",
	 "and(and(and(a in <1>< 2 >,b is null),or(a eq <2 >,b eq <3 >)))"},
	{__LINE__, "or=(and.eq.1,or.eq.2,not.eq.3)", "and(or(and eq <1>,or eq <2>,not eq <3>))"},
	{__LINE__, "or=(order.eq.1,android.eq.2)", "and(or(order eq <1>,android eq <2>))"},
	{__LINE__, "or=(a.is.TRUE,b.is.not_null)", "and(or(a is true,b is not_null))"},
	{__LINE__, "and=(and(and(a.eq.1)))", "and(and(and(and(a eq <1>))))"},
	{__LINE__, "or=(a.eq(any).{1,2},b.not.like(all).{x*,\"y,)\"})",
	 "and(or(a eq any<1><2>,not(b like all<x*><y,)>)))"},
	{__LINE__, "or=(a.eq(any).\"{1,\\\"2 3\\\"}\",b.eq.1)", "and(or(a eq any<1><2 3>,b eq <1>))"},
	{__LINE__, "or=(a.fts(english).x y,b.wfts.\"p,q\")",
	 "and(or(a fts(english) <x y>,b wfts <p,q>))"},
	{__LINE__, "or=(a->b->>0.eq.1,a->>\"b.c\".is.null,a->0.eq.2)",
	 "and(or(a->'b'->>0 eq <1>,a->>'b.c' is null,a->0 eq <2>))"},
	{__LINE__, "or=(a.isdistinct.5,b.not.isdistinct.\"6,7\")",
	 "and(or(a isdistinct <5>,not(b isdistinct <6,7>)))"},
	{__LINE__, "or=(r.is.null,s.not.is.null)", "and(or(r is null,not(s is null)))"},
	{__LINE__, "or=(a.eq.1.2.3,b.eq.x.y)", "and(or(a eq <1.2.3>,b eq <x.y>))"},
	{__LINE__, "or=(a.like.*x*,b.imatch.\"^(a|b)\")", "and(or(a like <*x*>,b imatch <^(a|b)>))"},
	/* errors */
	{__LINE__, "or=()",
	 "PARSE@1 \"failed to parse logic tree (())\" (line 1, column 4) "
	 "/ unexpected \")\" expecting field name (* or [a..z0..9_$]), "
	 "negation operator (not) or logic operator (and, or)"},
	{__LINE__, "or=)(",
	 "PARSE@0 \"failed to parse logic tree ()()\" (line 1, column 3) "
	 "/ unexpected \")\" expecting \"(\""},
	{__LINE__, "or=(id.in.1,2,id.eq.3)",
	 "PARSE@7 \"failed to parse logic tree ((id.in.1,2,id.eq.3))\" "
	 "(line 1, column 10) / unexpected \"1\" expecting \"(\""},
	{__LINE__, "or=(ord(id.eq.1),id.eq.2)",
	 "PARSE@4 \"failed to parse logic tree ((ord(id.eq.1),id.eq.2))\" "
	 "(line 1, column 7) / unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "or=",
	 "PARSE@0 \"failed to parse logic tree ()\" (line 1, column 3) / "
	 "unexpected end of input expecting \"(\""},
	{__LINE__, "or=(a.eq.1",
	 "PARSE@7 \"failed to parse logic tree ((a.eq.1)\" (line 1, "
	 "column 10) / unexpected end of input expecting \",\" or \")\""},
	{__LINE__, "or=(a.eq.1)x",
	 "PARSE@8 \"failed to parse logic tree ((a.eq.1)x)\" (line 1, "
	 "column 11) / unexpected \"x\" expecting end of input"},
	{__LINE__, "or=(a.eq.1,)",
	 "PARSE@8 \"failed to parse logic tree ((a.eq.1,))\" (line 1, "
	 "column 11) / unexpected \")\" expecting field name (* or "
	 "[a..z0..9_$]), negation operator (not) or logic operator (and, "
	 "or)"},
	{__LINE__, "or=(a.5)",
	 "PARSE@3 \"failed to parse logic tree ((a.5))\" (line 1, column "
	 "6) / unexpected \"5\" expecting \"not\" or operator (eq, gt, "
	 "...)"},
	{__LINE__, "or=(a)",
	 "PARSE@2 \"failed to parse logic tree ((a))\" (line 1, column 5) "
	 "/ unexpected \")\" expecting delimiter (.)"},
	{__LINE__, "or=(a.not.and(b.eq.1))",
	 "PARSE@7 \"failed to parse logic tree ((a.not.and(b.eq.1)))\" "
	 "(line 1, column 10) / unexpected \"and\" expecting \"not\" or "
	 "operator (eq, gt, ...)"},
	{__LINE__, "or=(r.a.eq.1)",
	 "PARSE@3 \"failed to parse logic tree ((r.a.eq.1))\" (line 1, "
	 "column 6) / unexpected \"a\" expecting \"not\" or operator (eq, "
	 "gt, ...)"},
	{__LINE__, "or=(a.eq(any).1,b.eq.2)",
	 "PARSE@11 \"failed to parse logic tree ((a.eq(any).1,b.eq.2))\" "
	 "(line 1, column 14) / unexpected \"1\" expecting \"{\""},
	{__LINE__, "or=(a.eq(any).\"1\",b.eq.2)",
	 "PARSE@12 \"failed to parse logic tree (1)\" (line 1, column 1) "
	 "/ unexpected \"1\" expecting \"{\""},
	{__LINE__, "or=(a.is.x)",
	 "PARSE@6 \"failed to parse logic tree ((a.is.x))\" (line 1, "
	 "column 9) / unexpected \"x\" expecting isVal: (null, not_null, "
	 "true, false, unknown)"},
	{__LINE__, "not.or=(a.5)",
	 "PARSE@3 \"failed to parse logic tree ((a.5))\" (line 1, column "
	 "10) / unexpected \"5\" expecting \"not\" or operator (eq, gt, "
	 "...)"},
	{__LINE__, "and=(and(and(and(a.eq.1))))", "PARSE@12 Conditions nested deeper than 3 levels"},
	{__LINE__, "r.and=(and(and(and(a.eq.1))))", "PARSE@12 Conditions nested deeper than 3 levels"},
	{__LINE__, "or=(a.eq.1,a.eq.2,a.eq.3,a.eq.4,a.eq.5,a.eq.6)",
	 "and(or(a eq <1>,a eq <2>,a eq <3>,a eq <4>,a eq <5>,a eq <6>))"},
	{__LINE__, "b=eq.1&or=(a.eq.1,a.eq.2,a.eq.3,a.eq.4,a.eq.5,a.eq.6)",
	 "PARSE More than 6 conditions / many values of one column are "
	 "column=in.(a,b,...)"},
	{__LINE__, "or=(a.eq(any).\"{1,2,3\",b.eq.2)",
	 "PARSE@18 \"failed to parse logic tree ({1,2,3)\" (line 1, "
	 "column 7) / unexpected end of input expecting \",\" or \"}\""},
	{__LINE__, "or=(a.eq(any).\"{1}2\",b.eq.2)",
	 "PARSE@15 \"failed to parse logic tree ({1}2)\" (line 1, column "
	 "4) / unexpected \"2\" expecting end of input"},
};

static void test_logic(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(logic_rows, PARSE_QUERY_STRING);
}

static const struct parse_row conditions_rows[] = {
	{__LINE__, "a=eq.{x}", "and(a eq {x})"},
	{__LINE__, "a=eq.{x?}", "and(a eq {x?})"},
	{__LINE__, "a=gte.{after?}&a=lte.{before?}", "and(a gte {after?},a lte {before?})"},
	{__LINE__, "a=eq.5", "and(a eq <5>)"},
	{__LINE__, "\"a\"=eq.{Last Name}", "and(a eq {Last Name})"},
	{__LINE__, "a=in.({x}, {y?},z)", "and(a in {x}{y?}<z>)"},
	{__LINE__, "a=in.(\"{x}\")", "and(a in <{x}>)"},
	{__LINE__, "or=(a.is.null,b.eq.{x})", "and(or(a is null,b eq {x}))"},
	{__LINE__, "or=(a.eq.\"{x}\",b.eq. {x} )", "and(or(a eq <{x}>,b eq {x}))"},
	{__LINE__, "and=(a.eq.\"R&D\",b.eq.1)&c=eq.2", "and(and(a eq <R&D>,b eq <1>),c eq <2>)"},
	{__LINE__, "\"a=b\"=eq.1", "and(a=b eq <1>)"},
	{__LINE__, "a=eq.5\"", "and(a eq <5\">)"},
	{__LINE__, "limit=eq.5", "and(limit eq <5>)"},
	{__LINE__, "a=eq.5%20", "and(a eq <5%20>)"},
	{__LINE__, "a=like.{x}&b=not.ilike.{y?}", "and(a like {x},not(b ilike {y?}))"},
	{__LINE__, "a=fts(english).{x}&b=match.{y}", "and(a fts(english) {x},b match {y})"},
	{__LINE__, "a->>b=eq.{x}", "and(a->>'b' eq {x})"},
	{__LINE__, "a=eq(any).{x}", "and(a eq any<x>)"},
	{__LINE__, "a=isdistinct.{x}", "and(a isdistinct {x})"},
	{__LINE__, "r.a=eq.{x}", " r[and(a eq {x})]"},
	{__LINE__, "r.limit=eq.5", " r[and(limit eq <5>)]"},
	{__LINE__, "not.or=(a.eq.{x?},b.in.({y},{z?}))", "and(not(or(a eq {x?},b in {y}{z?})))"},
	{__LINE__, "after=gt.{x}", "and(after gt {x})"},
	{__LINE__, "select=eq.1", "and(select eq <1>)"},
	/* errors */
	{__LINE__, "",
	 "PARSE@0 \"\" is no condition / COLUMN=OPERATOR.VALUE, and=(...) "
	 "or or=(...)"},
	{__LINE__, "a.eq.5",
	 "PARSE@0 \"a.eq.5\" is no condition / COLUMN=OPERATOR.VALUE, "
	 "and=(...) or or=(...)"},
	{__LINE__, "a=eq.5&",
	 "PARSE@7 \"\" is no condition / COLUMN=OPERATOR.VALUE, and=(...) "
	 "or or=(...)"},
	{__LINE__, "a=eq.1&b=x",
	 "PARSE@9 \"failed to parse filter (x)\" (line 1, column 1) / "
	 "unexpected \"x\" expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "a=eq.1&b?=eq.1",
	 "PARSE@8 \"failed to parse tree path (b?)\" (line 1, column 2) / "
	 "unexpected \"?\" expecting \"->\", delimiter (.) or end of input"},
	{__LINE__, "a=eq.x{y}",
	 "PARSE@5 \"failed to parse filter (eq.x{y})\" (line 1, column 4) "
	 "/ unexpected \"x\" expecting a value, {NAME} or {NAME?} / a "
	 "parameter is a whole value; braces that are text stand in "
	 "quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=eq.{}",
	 "PARSE@5 \"failed to parse filter (eq.{})\" (line 1, column 4) / "
	 "unexpected \"{\" expecting a value, {NAME} or {NAME?} / a "
	 "parameter is a whole value; braces that are text stand in "
	 "quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=eq.{?}",
	 "PARSE@5 \"failed to parse filter (eq.{?})\" (line 1, column 4) "
	 "/ unexpected \"{\" expecting a value, {NAME} or {NAME?} / a "
	 "parameter is a whole value; braces that are text stand in "
	 "quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=eq.}",
	 "PARSE@5 \"failed to parse filter (eq.})\" (line 1, column 4) / "
	 "unexpected \"}\" expecting a value, {NAME} or {NAME?} / a "
	 "parameter is a whole value; braces that are text stand in "
	 "quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=eq.{x}{y}",
	 "PARSE@5 \"failed to parse filter (eq.{x}{y})\" (line 1, column "
	 "4) / unexpected \"{\" expecting a value, {NAME} or {NAME?} / a "
	 "parameter is a whole value; braces that are text stand in "
	 "quotes: and=(a.eq.\"{\")"},
	{__LINE__, "or=(a.eq. {x,b.eq.1)",
	 "PARSE@10 \"failed to parse logic tree ((a.eq. {x,b.eq.1))\" "
	 "(line 1, column 10) / unexpected \"{\" expecting a value, "
	 "{NAME} or {NAME?} / a parameter is a whole value; braces that "
	 "are text stand in quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=in.({x},{ )",
	 "PARSE@10 \"failed to parse filter (in.({x},{ ))\" (line 1, "
	 "column 9) / unexpected \"{\" expecting a value, {NAME} or "
	 "{NAME?} / a parameter is a whole value; braces that are text "
	 "stand in quotes: and=(a.eq.\"{\")"},
	{__LINE__, "a=eq.{claims.sub}", "and(a eq {claims.sub})"},
	{__LINE__, "a=in.({claims.a.b},1)&or=(b.gt.{claims.x},c.is.null)",
	 "and(a in {claims.a.b}<1>,or(b gt {claims.x},c is null))"},
	{__LINE__, "a=eq.{claims.sub?}",
	 "PARSE@5 \"failed to parse filter (eq.{claims.sub?})\" (line 1, column 4) / unexpected \"{\" "
	 "expecting {claims.NAME} / a claim is never left out, and is a value, no pattern"},
	{__LINE__, "a=eq.{claims.}",
	 "PARSE@5 \"failed to parse filter (eq.{claims.})\" (line 1, column 4) / unexpected \"{\" "
	 "expecting {claims.NAME} / a claim is never left out, and is a value, no pattern"},
	{__LINE__, "a=like.*{claims.x}",
	 "PARSE@7 \"failed to parse filter (like.*{claims.x})\" (line 1, column 6) / unexpected \"*\" "
	 "expecting {claims.NAME} / a claim is never left out, and is a value, no pattern"},
	{__LINE__, "a=like.{claims.x}*",
	 "PARSE@7 \"failed to parse filter (like.{claims.x}*)\" (line 1, column 6) / unexpected \"{\" "
	 "expecting {claims.NAME} / a claim is never left out, and is a value, no pattern"},
};

static void test_conditions(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(conditions_rows, PARSE_CONDITION);
}

/* Several conditions, from several texts, are joined. */
static void test_joined(void **state)
{
	(void)state;
	struct limits limits;
	struct arena arena;
	struct buf got;
	struct parsed_query query;
	struct error error;
	parse_small_limits(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	parsed_query_init(&query);
	assert_true(parse_condition(STR("a=eq.{x}"), &limits, &arena, &query, &error));
	assert_true(parse_condition(STR("or=(b.eq.1,c.eq.2)"), &limits, &arena, &query, &error));
	assert_true(
		parse_query_string(STR("d=eq.3&limit=2"), &limits, NULL, NULL, &arena, &query, &error));
	test_write_parsed_query(&got, &query);
	test_equal(__LINE__, "", &got, "and(a eq {x},or(b eq <1>,c eq <2>),d eq <3>) limit 2");
	buf_finish(&got);
	arena_finish(&arena);
}

/* A parameter that is the caller's own is passed over, even when it is badly encoded. */
static bool skip_own(const void *context, struct str name)
{
	return str_equal(name, *(const struct str *)context);
}

static void test_own(void **state)
{
	(void)state;
	static const struct str own = STR_INIT("own");
	struct limits limits;
	struct arena arena;
	struct buf got;
	struct parsed_query query;
	struct error error;
	parse_small_limits(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	parsed_query_init(&query);
	assert_true(parse_query_string(STR("own=5&a=eq.1&o%77n=%zz&owned=eq.2"), &limits, skip_own,
								   &own, &arena, &query, &error));
	test_write_parsed_query(&got, &query);
	test_equal(__LINE__, "", &got, "and(a eq <1>,owned eq <2>)");
	buf_finish(&got);
	arena_finish(&arena);
}

/* Names keep the place where they stand: in the value of a parameter, or in a condition. */
static void test_places(void **state)
{
	(void)state;
	struct limits limits;
	struct arena arena;
	struct parsed_query query;
	struct error error;
	parse_small_limits(&limits);
	arena_init(&arena, BLOCK_BYTES);
	parsed_query_init(&query);
	assert_true(parse_query_string(STR("a=eq.1&r.or=(b.eq.2,%20c.eq.3)"), &limits, NULL, NULL,
								   &arena, &query, &error));
	assert_int_equal(query.root.where->children->at, 0);
	const struct parsed_cond * or = query.root.next->where->children;
	assert_int_equal(or->children->at, 1);
	assert_int_equal(or->children->next->at, 9);
	parsed_query_init(&query);
	assert_true(parse_condition(STR("a=eq.1&b=eq.2&or=(c.eq.3)"), &limits, &arena, &query, &error));
	const struct parsed_cond *first = query.root.where->children;
	assert_int_equal(first->at, 0);
	assert_int_equal(first->next->at, 7);
	assert_int_equal(first->next->next->children->at, 18);
	arena_finish(&arena);
}

/* Repeats `part` after `before`; then `after`. */
static void try_repeated(const char *before, const char *part, size_t count, const char *after,
						 const char *want)
{
	struct limits limits;
	struct arena arena;
	struct buf text;
	struct buf got;
	struct parsed_query query;
	struct error error = {.code = ERROR_NONE};
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&text, TEXT_BYTES);
	buf_init(&got, TEXT_BYTES);
	parsed_query_init(&query);
	buf_append(&text, str_from(before));
	for (size_t i = 0; i < count; i++) {
		buf_append(&text, str_from(part));
	}
	buf_append(&text, str_from(after));
	if (!parse_query_string(buf_str(&text), &limits, NULL, NULL, &arena, &query, &error)) {
		test_write_error(&got, &error);
	}
	test_equal(__LINE__, before, &got, want);
	buf_finish(&got);
	buf_finish(&text);
	arena_finish(&arena);
}

/* At the limit and one above; the limits of the service stand in the rows. */
static void test_limits(void **state)
{
	(void)state;
	try_repeated("a", "->b", 64, "=eq.1", "");
	try_repeated("a", "->b", 65, "=eq.1", "PARSE More than 64 steps in a json path");
	try_repeated("", "a.", 65, "b=eq.1", "");
	try_repeated("", "a.", 66, "b=eq.1", "PARSE More than 66 names in a parameter");
	try_repeated("", "a=eq.1&", 1000, "", "");
	try_repeated("", "a=eq.1&", 1001, "",
				 "PARSE More than 1000 conditions / many values of one column are "
				 "column=in.(a,b,...)");
	try_repeated("a=in.(1", ",1", 9999, ")", "");
	try_repeated("a=in.(1", ",1", 10000, ")", "PARSE More than 10000 values in a list");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters), cmocka_unit_test(test_filter_errors),
		cmocka_unit_test(test_logic),   cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_joined),  cmocka_unit_test(test_own),
		cmocka_unit_test(test_places),  cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
