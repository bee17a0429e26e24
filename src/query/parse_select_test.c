#include "query/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/parse_test_help.h"
#include "query/query_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

static const struct parse_row select_rows[] = {
	{__LINE__, "select=", ""},
	{__LINE__, "select=%20", ""},
	{__LINE__, "select=*", " select *!"},
	{__LINE__, "select=a", " select a"},
	{__LINE__, "select=a,b, c", " select a,b,c"},
	{__LINE__, "select=*,a", " select *!,a"},
	{__LINE__, "select=x:a,b", " select x:a,b"},
	{__LINE__, "select=\"x:y\":\"a,b\"", " select x:y:a,b"},
	{__LINE__, "select=\"*\"", " select *"},
	{__LINE__, "select=a+b", " select a b"},
	{__LINE__, "select=a&select=b", " select a"},
	{__LINE__, "select=&select=b", ""},
	{__LINE__, "select=a-b,c$d,\xc3\xa9", " select a-b,c$d,\xc3\xa9"},
	{__LINE__, "select=%20*%20,%20a%20", " select *!,a"},
	{__LINE__, "select=x :a, y: b", " select x:a,y:b"},
	/* json paths */
	{__LINE__, "select=a->b", " select a->'b'"},
	{__LINE__, "select=x:a->>b,c->0->-1->>\"d.e\"", " select x:a->>'b',c->0->-1->>'d.e'"},
	{__LINE__, "select=a->b->>0::int,c->0.max(),x:d->0::text.min()",
	 " select a->'b'->>0::int,c->0.max(),x:d->0::text.min()"},
	/* casts and aggregates */
	{__LINE__, "select=a::text", " select a::text"},
	{__LINE__, "select=a::text[],b:: double precision ,c::\"char\"",
	 " select a::text[],b::double precision,c::\"char\""},
	{__LINE__, "select=a.sum(),a.avg(),a.count(),a.max(),a.min()",
	 " select a.sum(),a.avg(),a.count(),a.max(),a.min()"},
	{__LINE__, "select=a::int.sum()::text", " select a::int.sum()::text"},
	{__LINE__, "select=x:a.sum()::text", " select x:a.sum()::text"},
	{__LINE__, "select=a->>b::int.avg()::text", " select a->>'b'::int.avg()::text"},
	{__LINE__, "select=count()", " select count()"},
	{__LINE__, "select=x:count()::text,b", " select x:count()::text,b"},
	{__LINE__, "select=\"count\",count,\"count\".count()", " select count,count,count.count()"},
	{__LINE__, "select=counts,count2", " select counts,count2"},
	/* embedded resources */
	{__LINE__, "select=r(a)", " select r(a)"},
	{__LINE__, "select=b,r(a,b),c", " select b,r(a,b),c"},
	{__LINE__, "select=x:r(a)", " select x:r(a)"},
	{__LINE__, "select=r(*),s(*, t(*))", " select r(*!),s(*!,t(*!))"},
	{__LINE__, "select=r()", " select r()"},
	{__LINE__, "select=r( )", " select r()"},
	{__LINE__, "select=r!inner(a)", " select r!inner(a)"},
	{__LINE__, "select=r!left(a)", " select r!left(a)"},
	{__LINE__, "select=r!hint(a)", " select r!hint(a)"},
	{__LINE__, "select=r!hint!inner(a),s!left!hint2(a),t!h1!h2(a)",
	 " select r!inner!hint(a),s!left!hint2(a),t!h1!h2(a)"},
	{__LINE__, "select=r!inner!left(a)", " select r!inner(a)"},
	{__LINE__, "select=x:r!\"fk one\"!inner(a)", " select x:r!inner!fk one(a)"},
	{__LINE__, "select=r!innerly(a)", " select r!innerly(a)"},
	{__LINE__, "select=r ! inner ( a , b ) , c", " select r!inner(a,b),c"},
	{__LINE__, "select=\"r s\"(a),\"inner\"(b)", " select r s(a),inner(b)"},
	{__LINE__, "select=...r(a)", " select ...r(a)"},
	{__LINE__, "select=...r!hint!inner(a,x:b)", " select ...r!inner!hint(a,x:b)"},
	{__LINE__, "select=r(...s(a.sum(),count()),b)", " select r(...s(a.sum(),count()),b)"},
	{__LINE__, "select=r(count())", " select r(count())"},
	{__LINE__, "select=r(count)", " select r(count)"},
	{__LINE__, "select=count(a)", " select count(a)"},
	{__LINE__, "select=r(a->b,c::text)", " select r(a->'b',c::text)"},
	{__LINE__, "select=... r(a)", " select ...r(a)"},
};

static void test_select(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(select_rows, PARSE_QUERY_STRING);
}

static const struct parse_row select_errors_rows[] = {
	{__LINE__, "select=a,",
	 "PARSE@2 \"failed to parse select parameter (a,)\" (line 1, "
	 "column 3) / unexpected end of input expecting \"...\", field "
	 "name (* or [a..z0..9_$]), \"*\" or \"count()\""},
	{__LINE__, "select=,a",
	 "PARSE@0 \"failed to parse select parameter (,a)\" (line 1, "
	 "column 1) / unexpected \",\" expecting \"...\", field name (* "
	 "or [a..z0..9_$]), \"*\" or \"count()\""},
	{__LINE__, "select=a)",
	 "PARSE@1 \"failed to parse select parameter (a))\" (line 1, "
	 "column 2) / unexpected \")\" expecting \",\" or end of input"},
	{__LINE__, "select=x:",
	 "PARSE@2 \"failed to parse select parameter (x:)\" (line 1, "
	 "column 3) / unexpected end of input expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "select=x:*",
	 "PARSE@2 \"failed to parse select parameter (x:*)\" (line 1, "
	 "column 3) / unexpected \"*\" expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "select=a.b",
	 "PARSE@2 \"failed to parse select parameter (a.b)\" (line 1, "
	 "column 3) / unexpected \"b\" expecting \"sum()\", \"avg()\", "
	 "\"count()\", \"max()\" or \"min()\""},
	{__LINE__, "select=a.sum",
	 "PARSE@2 \"failed to parse select parameter (a.sum)\" (line 1, "
	 "column 3) / unexpected \"sum\" expecting \"sum()\", \"avg()\", "
	 "\"count()\", \"max()\" or \"min()\""},
	{__LINE__, "select=a.sum()x",
	 "PARSE@7 \"failed to parse select parameter (a.sum()x)\" (line "
	 "1, column 8) / unexpected \"x\" expecting \",\" or end of input"},
	{__LINE__, "select=a.",
	 "PARSE@2 \"failed to parse select parameter (a.)\" (line 1, "
	 "column 3) / unexpected end of input expecting \"sum()\", "
	 "\"avg()\", \"count()\", \"max()\" or \"min()\""},
	{__LINE__, "select=a::",
	 "PARSE@3 \"failed to parse select parameter (a::)\" (line 1, "
	 "column 4) / unexpected end of input expecting the name of a type"},
	{__LINE__, "select=a::::b",
	 "PARSE@3 \"failed to parse select parameter (a::::b)\" (line 1, "
	 "column 4) / unexpected \":\" expecting the name of a type"},
	{__LINE__, "select=a->",
	 "PARSE@3 \"failed to parse select parameter (a->)\" (line 1, "
	 "column 4) / unexpected end of input expecting key or position "
	 "of a json path"},
	{__LINE__, "select=a->>b->c",
	 "PARSE@5 \"failed to parse select parameter (a->>b->c)\" (line "
	 "1, column 6) / unexpected \"-\" expecting \",\" or end of input"},
	{__LINE__, "select=a::int::text",
	 "PARSE@6 \"failed to parse select parameter (a::int::text)\" "
	 "(line 1, column 7) / unexpected \":\" expecting \",\" or end of "
	 "input"},
	{__LINE__, "select=a.sum().max()",
	 "PARSE@7 \"failed to parse select parameter (a.sum().max())\" "
	 "(line 1, column 8) / unexpected \".\" expecting \",\" or end of "
	 "input"},
	{__LINE__, "select=count()x",
	 "PARSE@7 \"failed to parse select parameter (count()x)\" (line "
	 "1, column 8) / unexpected \"x\" expecting \",\" or end of input"},
	{__LINE__, "select=count().sum()",
	 "PARSE@7 \"failed to parse select parameter (count().sum())\" "
	 "(line 1, column 8) / unexpected \".\" expecting \",\" or end of "
	 "input"},
	{__LINE__, "select=x:y:a",
	 "PARSE@3 \"failed to parse select parameter (x:y:a)\" (line 1, "
	 "column 4) / unexpected \":\" expecting \",\" or end of input"},
	{__LINE__, "select=*:a",
	 "PARSE@1 \"failed to parse select parameter (*:a)\" (line 1, "
	 "column 2) / unexpected \":\" expecting \",\" or end of input"},
	{__LINE__, "select=*a",
	 "PARSE@1 \"failed to parse select parameter (*a)\" (line 1, "
	 "column 2) / unexpected \"a\" expecting \",\" or end of input"},
	{__LINE__, "select=r(",
	 "PARSE@2 \"failed to parse select parameter (r()\" (line 1, "
	 "column 3) / unexpected end of input expecting \"...\", field "
	 "name (* or [a..z0..9_$]), \"*\" or \"count()\""},
	{__LINE__, "select=r(a",
	 "PARSE@3 \"failed to parse select parameter (r(a)\" (line 1, "
	 "column 4) / unexpected end of input expecting \",\" or \")\""},
	{__LINE__, "select=r(a,",
	 "PARSE@4 \"failed to parse select parameter (r(a,)\" (line 1, "
	 "column 5) / unexpected end of input expecting \"...\", field "
	 "name (* or [a..z0..9_$]), \"*\" or \"count()\""},
	{__LINE__, "select=r(,a)",
	 "PARSE@2 \"failed to parse select parameter (r(,a))\" (line 1, "
	 "column 3) / unexpected \",\" expecting \"...\", field name (* "
	 "or [a..z0..9_$]), \"*\" or \"count()\""},
	{__LINE__, "select=r(a))",
	 "PARSE@4 \"failed to parse select parameter (r(a)))\" (line 1, "
	 "column 5) / unexpected \")\" expecting \",\" or end of input"},
	{__LINE__, "select=r(a)b",
	 "PARSE@4 \"failed to parse select parameter (r(a)b)\" (line 1, "
	 "column 5) / unexpected \"b\" expecting \",\" or end of input"},
	{__LINE__, "select=r!(a)",
	 "PARSE@2 \"failed to parse select parameter (r!(a))\" (line 1, "
	 "column 3) / unexpected \"(\" expecting \"inner\", \"left\" or "
	 "the name of a relation"},
	{__LINE__, "select=r!inner",
	 "PARSE@7 \"failed to parse select parameter (r!inner)\" (line 1, "
	 "column 8) / unexpected end of input expecting \"(\""},
	{__LINE__, "select=r!a!b!c(a)",
	 "PARSE@5 \"failed to parse select parameter (r!a!b!c(a))\" (line "
	 "1, column 6) / unexpected \"!\" expecting \"(\""},
	{__LINE__, "select=...",
	 "PARSE@3 \"failed to parse select parameter (...)\" (line 1, "
	 "column 4) / unexpected end of input expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "select=...r",
	 "PARSE@4 \"failed to parse select parameter (...r)\" (line 1, "
	 "column 5) / unexpected end of input expecting \"(\""},
	{__LINE__, "select=...x:r(a)",
	 "PARSE@4 \"failed to parse select parameter (...x:r(a))\" (line "
	 "1, column 5) / unexpected \":\" expecting \"(\""},
	{__LINE__, "select=...*",
	 "PARSE@3 \"failed to parse select parameter (...*)\" (line 1, "
	 "column 4) / unexpected \"*\" expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "select=...a.sum()",
	 "PARSE@4 \"failed to parse select parameter (...a.sum())\" (line "
	 "1, column 5) / unexpected \".\" expecting \"(\""},
	{__LINE__, "select=r->a(b)",
	 "PARSE@4 \"failed to parse select parameter (r->a(b))\" (line 1, "
	 "column 5) / unexpected \"(\" expecting \",\" or end of input"},
	{__LINE__, "select=r(s(t(a)))", "PARSE@6 Embedded resources nested deeper than 2 levels"},
	{__LINE__, "select=r(s(a,t()))", "PARSE@8 Embedded resources nested deeper than 2 levels"},
};

static void test_select_errors(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(select_errors_rows, PARSE_QUERY_STRING);
}

static const struct parse_row order_rows[] = {
	{__LINE__, "order=a", " order a"},
	{__LINE__, "order=a.asc", " order a"},
	{__LINE__, "order=a.desc", " order a desc nullsfirst"},
	{__LINE__, "order=a.nullsfirst", " order a nullsfirst"},
	{__LINE__, "order=a.nullslast", " order a"},
	{__LINE__, "order=a.asc.nullslast", " order a"},
	{__LINE__, "order=a.desc.nullslast", " order a desc"},
	{__LINE__, "order=a.desc.nullsfirst", " order a desc nullsfirst"},
	{__LINE__, "order=a.asc.nullsfirst, \"b\".desc ,c", " order a nullsfirst,b desc nullsfirst,c"},
	{__LINE__, "order=a&order=b", " order a"},
	{__LINE__, "order=a->b", " order a->'b'"},
	{__LINE__, "order=a->b->>0.desc,\"c.d\"->>\"e.f\".nullsfirst",
	 " order a->'b'->>0 desc nullsfirst,c.d->>'e.f' nullsfirst"},
	{__LINE__, "order=a->>desc.desc", " order a->>'desc' desc nullsfirst"},
	{__LINE__, "order=r(a)", " order r(a)"},
	{__LINE__, "order=r(a).desc,s(b->>c).asc.nullsfirst",
	 " order r(a) desc nullsfirst,s(b->>'c') nullsfirst"},
	{__LINE__, "order=r ( a ) .desc, \"r s\"(\"a b\")", " order r(a) desc nullsfirst,r s(a b)"},
	{__LINE__, "order=asc.desc", " order asc desc nullsfirst"},
	/* errors */
	{__LINE__, "order=",
	 "PARSE@0 \"failed to parse order ()\" (line 1, column 1) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "order=a.sideways",
	 "PARSE@2 \"failed to parse order (a.sideways)\" (line 1, column "
	 "3) / unexpected \"sideways\" expecting \"asc\", \"desc\", "
	 "\"nullsfirst\" or \"nullslast\""},
	{__LINE__, "order=a.nullsfirst.asc",
	 "PARSE@13 \"failed to parse order (a.nullsfirst.asc)\" (line 1, "
	 "column 14) / unexpected \"asc\" expecting \",\" or end of input"},
	{__LINE__, "order=a.nullsfirst.nullslast",
	 "PARSE@13 \"failed to parse order (a.nullsfirst.nullslast)\" "
	 "(line 1, column 14) / unexpected \"nullslast\" expecting \",\" "
	 "or end of input"},
	{__LINE__, "order=a.asc.desc",
	 "PARSE@6 \"failed to parse order (a.asc.desc)\" (line 1, column "
	 "7) / unexpected \"desc\" expecting \"nullsfirst\" or "
	 "\"nullslast\""},
	{__LINE__, "order=a.desc.asc",
	 "PARSE@7 \"failed to parse order (a.desc.asc)\" (line 1, column "
	 "8) / unexpected \"asc\" expecting \"nullsfirst\" or "
	 "\"nullslast\""},
	{__LINE__, "order=a.asc.nullsfirst.x",
	 "PARSE@17 \"failed to parse order (a.asc.nullsfirst.x)\" (line "
	 "1, column 18) / unexpected \"x\" expecting \",\" or end of input"},
	{__LINE__, "order=a b)",
	 "PARSE@3 \"failed to parse order (a b))\" (line 1, column 4) / "
	 "unexpected \")\" expecting delimiter (.), \",\" or end of input"},
	{__LINE__, "order=a,",
	 "PARSE@2 \"failed to parse order (a,)\" (line 1, column 3) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "order=,a",
	 "PARSE@0 \"failed to parse order (,a)\" (line 1, column 1) / "
	 "unexpected \",\" expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "order=a.",
	 "PARSE@2 \"failed to parse order (a.)\" (line 1, column 3) / "
	 "unexpected end of input expecting \"asc\", \"desc\", "
	 "\"nullsfirst\" or \"nullslast\""},
	{__LINE__, "order=r(",
	 "PARSE@2 \"failed to parse order (r()\" (line 1, column 3) / "
	 "unexpected end of input expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "order=r(a",
	 "PARSE@3 \"failed to parse order (r(a)\" (line 1, column 4) / "
	 "unexpected end of input expecting \")\""},
	{__LINE__, "order=r()",
	 "PARSE@2 \"failed to parse order (r())\" (line 1, column 3) / "
	 "unexpected \")\" expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "order=r(a)b",
	 "PARSE@4 \"failed to parse order (r(a)b)\" (line 1, column 5) / "
	 "unexpected \"b\" expecting delimiter (.), \",\" or end of input"},
	{__LINE__, "order=r(s(a))",
	 "PARSE@3 \"failed to parse order (r(s(a)))\" (line 1, column 4) "
	 "/ unexpected \"(\" expecting \")\""},
	{__LINE__, "order=r.a",
	 "PARSE@2 \"failed to parse order (r.a)\" (line 1, column 3) / "
	 "unexpected \"a\" expecting \"asc\", \"desc\", \"nullsfirst\" or "
	 "\"nullslast\""},
	{__LINE__, "order=a->",
	 "PARSE@3 \"failed to parse order (a->)\" (line 1, column 4) / "
	 "unexpected end of input expecting key or position of a json path"},
	{__LINE__, "order=*",
	 "PARSE@0 \"failed to parse order (*)\" (line 1, column 1) / "
	 "unexpected \"*\" expecting field name (* or [a..z0..9_$])"},
};

static void test_order(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(order_rows, PARSE_QUERY_STRING);
}

static const struct parse_row range_rows[] = {
	{__LINE__, "limit=5&offset=2", " limit 5 offset 2"},
	{__LINE__, "limit=0", " limit 0"},
	{__LINE__, "limit=05", " limit 5"},
	{__LINE__, "limit=-0", " limit 0"},
	{__LINE__, "limit=5&limit=6&offset=1&offset=x", " limit 5 offset 1"},
	{__LINE__, "limit=9223372036854775807", " limit 9223372036854775807"},
	{__LINE__, "limit=9223372036854775808", " limit 9223372036854775807"},
	{__LINE__, "offset=99999999999999999999999999", " offset 9223372036854775807"},
	{__LINE__, "offset=-5", ""},
	{__LINE__, "offset=-5&offset=3", " offset 3"},
	{__LINE__, "offset=-0", ""},
	{__LINE__, "limit=-1",
	 "RANGE Requested range not satisfiable / Limit should be greater than or equal to zero."},
	{__LINE__, "limit=x",
	 "PARSE@0 \"failed to parse limit (x)\" (line 1, column 1) / "
	 "unexpected \"x\" expecting digits"},
	{__LINE__, "limit=",
	 "PARSE@0 \"failed to parse limit ()\" (line 1, column 1) / "
	 "unexpected end of input expecting digits"},
	{__LINE__, "limit=5x",
	 "PARSE@1 \"failed to parse limit (5x)\" (line 1, column 2) / "
	 "unexpected \"x\" expecting digits"},
	{__LINE__, "limit=+5",
	 "PARSE@0 \"failed to parse limit ( 5)\" (line 1, column 1) / "
	 "unexpected \" \" expecting digits"},
	{__LINE__, "offset=-",
	 "PARSE@1 \"failed to parse offset (-)\" (line 1, column 2) / "
	 "unexpected end of input expecting digits"},
	{__LINE__, "offset=1.5",
	 "PARSE@1 \"failed to parse offset (1.5)\" (line 1, column 2) / "
	 "unexpected \".\" expecting digits"},
};

static void test_range(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(range_rows, PARSE_QUERY_STRING);
}

static const struct parse_row others_rows[] = {
	{__LINE__, "columns=a,b", " columns a,b"},
	{__LINE__, "columns=\"a\",\"b c\",d-e", " columns a,b c,d-e"},
	{__LINE__, "columns= a , b ", " columns a,b"},
	{__LINE__, "columns=", ""},
	{__LINE__, "columns=a&columns=b", " columns a"},
	{__LINE__, "columns=&columns=b", " columns b"},
	{__LINE__, "on_conflict=a", " conflict a"},
	{__LINE__, "on_conflict=\"a b\",c", " conflict a b,c"},
	{__LINE__, "on_conflict=", ""},
	{__LINE__, "on_conflict=a&on_conflict=b", " conflict a"},
	{__LINE__, "after=", " after <>"},
	{__LINE__, "after=WzFd.x", " after <WzFd.x>"},
	{__LINE__, "after=WzFd&after=WzJd", " after <WzFd>"},
	{__LINE__, "after=gt.5", "and(after gt <5>)"},
	{__LINE__, "after=not.in.(5)", "and(not(after in <5>))"},
	{__LINE__, "after=eq(any).{5}", "and(after eq any<5>)"},
	{__LINE__, "after=eq", " after <eq>"},
	{__LINE__, "distinct=true", " distinct"},
	{__LINE__, "distinct=false", ""},
	{__LINE__, "distinct=true&distinct=false", ""},
	{__LINE__, "distinct=eq.true", "and(distinct eq <true>)"},
	{__LINE__, "distinct=not.is.null", "and(not(distinct is null))"},
	{__LINE__, "r.distinct=true",
	 "PARSE@0 \"failed to parse filter (true)\" (line 1, column 1) / "
	 "unexpected \"true\" expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "r.after=x",
	 "PARSE@0 \"failed to parse filter (x)\" (line 1, column 1) / "
	 "unexpected \"x\" expecting \"not\" or operator (eq, gt, ...)"},
	/* errors */
	{__LINE__, "columns=a,",
	 "PARSE@2 \"failed to parse columns parameter (a,)\" (line 1, "
	 "column 3) / unexpected end of input expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "columns=a.b",
	 "PARSE@1 \"failed to parse columns parameter (a.b)\" (line 1, "
	 "column 2) / unexpected \".\" expecting \",\" or end of input"},
	{__LINE__, "columns=a->b",
	 "PARSE@1 \"failed to parse columns parameter (a->b)\" (line 1, "
	 "column 2) / unexpected \"-\" expecting \",\" or end of input"},
	{__LINE__, "columns=,",
	 "PARSE@0 \"failed to parse columns parameter (,)\" (line 1, "
	 "column 1) / unexpected \",\" expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "columns=a b)",
	 "PARSE@3 \"failed to parse columns parameter (a b))\" (line 1, "
	 "column 4) / unexpected \")\" expecting \",\" or end of input"},
	{__LINE__, "on_conflict=a,,b",
	 "PARSE@2 \"failed to parse on_conflict parameter (a,,b)\" (line "
	 "1, column 3) / unexpected \",\" expecting field name (* or "
	 "[a..z0..9_$])"},
	{__LINE__, "on_conflict=a(",
	 "PARSE@1 \"failed to parse on_conflict parameter (a()\" (line 1, "
	 "column 2) / unexpected \"(\" expecting \",\" or end of input"},
	{__LINE__, "distinct=",
	 "PARSE@0 \"failed to parse distinct parameter ()\" (line 1, "
	 "column 1) / unexpected end of input expecting true, false or an "
	 "operator"},
	{__LINE__, "distinct=yes",
	 "PARSE@0 \"failed to parse distinct parameter (yes)\" (line 1, "
	 "column 1) / unexpected \"yes\" expecting true, false or an "
	 "operator"},
	{__LINE__, "distinct=TRUE",
	 "PARSE@0 \"failed to parse distinct parameter (TRUE)\" (line 1, "
	 "column 1) / unexpected \"TRUE\" expecting true, false or an "
	 "operator"},
	{__LINE__, "after=gt", " after <gt>"},
	{__LINE__, "after=in.5",
	 "PARSE@3 \"failed to parse filter (in.5)\" (line 1, column 4) / "
	 "unexpected \"5\" expecting \"(\""},
	{__LINE__, "distinct=is.maybe",
	 "PARSE@3 \"failed to parse filter (is.maybe)\" (line 1, column "
	 "4) / unexpected \"maybe\" expecting isVal: (null, not_null, "
	 "true, false, unknown)"},
};

static void test_others(void **state)
{
	(void)state;
	TEST_PARSE_ROWS(others_rows, PARSE_QUERY_STRING);
}

static const struct parse_row keys_rows[] = {
	{__LINE__, "5", "<5>"},
	{__LINE__, "1,2", "<1><2>"},
	{__LINE__, "a b,c", "<a b><c>"},
	{__LINE__, "\"a,b\",c", "<a,b><c>"},
	{__LINE__, "\"a\\\"b\\\\c\",d", "<a\"b\\c><d>"},
	{__LINE__, "\"a\"b,c", "<\"a\"b><c>"},
	{__LINE__, "\"a,b", "<\"a><b>"},
	{__LINE__, "", "<>"},
	{__LINE__, ",", "<><>"},
	{__LINE__, "\"\"", "<>"},
	{__LINE__, "a/b.c", "<a/b.c>"},
	{__LINE__, "1, 2", "<1>< 2>"},
};

static void test_keys(void **state)
{
	(void)state;
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(keys_rows) / sizeof(keys_rows[0]); i++) {
		struct parsed_names values;
		struct error error;
		assert_true(parse_key(str_from(keys_rows[i].input), &arena, &values, &error));
		buf_clear(&got);
		for (size_t v = 0; v < values.count; v++) {
			buf_printf(&got, "<%.*s>", STR_ARG(values.items[v]));
		}
		test_equal(keys_rows[i].line, keys_rows[i].input, &got, keys_rows[i].want);
	}
	buf_clear(&got);
	for (size_t i = 1; i < 2000; i++) {
		buf_append_byte(&got, ',');
	}
	struct parsed_names values;
	struct error error;
	assert_true(parse_key(buf_str(&got), &arena, &values, &error));
	assert_int_equal(values.count, 2000);
	buf_append_byte(&got, ',');
	assert_false(parse_key(buf_str(&got), &arena, &values, &error));
	assert_int_equal(error.code, ERROR_PARSE);
	buf_finish(&got);
	arena_finish(&arena);
}

/* Names keep the place where they stand in the value of their parameter. */
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
	assert_true(parse_query_string(STR("select=a,x:b,r(c)&order=a,%20s(b)"), &limits, NULL, NULL,
								   &arena, &query, &error));
	const struct parsed_item *second = query.select->next;
	assert_int_equal(query.select->at, 0);
	assert_int_equal(second->at, 4);
	assert_int_equal(second->next->at, 6);
	assert_int_equal(second->next->children->at, 8);
	assert_int_equal(query.root.order->at, 0);
	assert_int_equal(query.root.order->next->at, 3);
	arena_finish(&arena);
}

/* A select and an order of their own, as a service file has them. */
static void test_alone(void **state)
{
	(void)state;
	static const struct parse_row selects[] = {
		{__LINE__, "", ""},
		{__LINE__, "a, b:c,r(*)", " select a,b:c,r(*!)"},
		{__LINE__, "a%20",
		 "PARSE@1 \"failed to parse select parameter (a%20)\" (line 1, column 2) / "
		 "unexpected \"%\" expecting \",\" or end of input"},
	};
	static const struct parse_row orders[] = {
		{__LINE__, "a.desc,r(b)", " order a desc nullsfirst,r(b)"},
		{__LINE__, "",
		 "PARSE@0 \"failed to parse order ()\" (line 1, column 1) / unexpected end of input "
		 "expecting field name (* or [a..z0..9_$])"},
	};
	TEST_PARSE_ROWS(selects, PARSE_SELECT);
	TEST_PARSE_ROWS(orders, PARSE_ORDER);
}

/* `part` so many times, with commas. */
static void try_repeated(const char *before, const char *part, size_t count, const char *want)
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
		buf_append(&text, i > 0 ? STR(",") : STR(""));
		buf_append(&text, str_from(part));
	}
	if (!parse_query_string(buf_str(&text), &limits, NULL, NULL, &arena, &query, &error)) {
		test_write_error(&got, &error);
	}
	test_equal(__LINE__, before, &got, want);
	buf_finish(&got);
	buf_finish(&text);
	arena_finish(&arena);
}

/* At the limit and one above; that of embeds stands in the rows, that of items is check's. */
static void test_limits(void **state)
{
	(void)state;
	try_repeated("order=", "a", 2000, "");
	try_repeated("order=", "a", 2001, "PARSE More than 2000 terms in an order");
	try_repeated("columns=", "a", 2000, "");
	try_repeated("columns=", "a", 2001, "PARSE More than 2000 names in a list");
	try_repeated("on_conflict=", "a", 2000, "");
	try_repeated("on_conflict=", "a", 2001, "PARSE More than 2000 names in a list");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select), cmocka_unit_test(test_select_errors),
		cmocka_unit_test(test_order),  cmocka_unit_test(test_range),
		cmocka_unit_test(test_others), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_places), cmocka_unit_test(test_alone),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
