#include "query/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/query_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

struct row {
	int line;
	const char *input;
	const char *want;
};

static void small_limits(struct limits *limits)
{
	limits_init(limits);
	limits->filter_terms = 6;
	limits->filter_depth = 3;
	limits->in_items = 4;
}

static void write_query(struct buf *buf, const struct parsed_query *query)
{
	if (query->where != NULL) {
		test_write_parsed_cond(buf, query->where);
	}
	for (const struct parsed_item *item = query->select; item != NULL; item = item->next) {
		buf_append(buf, item == query->select ? STR(" select ") : STR(","));
		buf_printf(buf, "%.*s%s%.*s", STR_ARG(item->alias), item->alias.len > 0 ? ":" : "",
				   STR_ARG(item->column));
		buf_append(buf, item->all ? STR("!") : STR(""));
	}
	for (const struct parsed_order *term = query->order; term != NULL; term = term->next) {
		buf_append(buf, term == query->order ? STR(" order ") : STR(","));
		buf_printf(buf, "%.*s%s%s", STR_ARG(term->column), term->descending ? " desc" : "",
				   term->nulls_first ? " nullsfirst" : "");
	}
	if (query->limit != UINT64_MAX) {
		buf_printf(buf, " limit %llu", (unsigned long long)query->limit);
	}
	if (query->offset != 0) {
		buf_printf(buf, " offset %llu", (unsigned long long)query->offset);
	}
}

static bool skip_own(const void *context, struct str name)
{
	return str_equal(name, *(const struct str *)context);
}

enum kind { QUERY_STRING, CONDITION };

static void run(const struct row *rows, size_t count, enum kind kind)
{
	static const struct str own = STR_INIT("own");
	struct limits limits;
	struct arena arena;
	struct buf got;
	small_limits(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		struct parsed_query query;
		struct error error = {.code = ERROR_NONE};
		struct str input = str_from(rows[i].input);
		parsed_query_init(&query);
		bool ok = kind == QUERY_STRING
			? parse_query_string(input, &limits, skip_own, &own, &arena, &query, &error)
			: parse_condition(input, &limits, &arena, &query, &error);
		buf_clear(&got);
		if (ok) {
			assert_int_equal(error.code, ERROR_NONE);
			write_query(&got, &query);
		} else {
			test_write_error(&got, &error);
		}
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
}

#define RUN(rows, kind) run((rows), sizeof(rows) / sizeof((rows)[0]), (kind))

static void test_filters(void **state)
{
	(void)state;
	static const struct row rows[] = {
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
		{__LINE__, "own=5&a=eq.1", "and(a eq <1>)"},
		{__LINE__, "o%77n=%zz&a=eq.1", "and(a eq <1>)"},
		/* names */
		{__LINE__, "Date of birth=eq.5", "and(Date of birth eq <5>)"},
		{__LINE__, "Date+of+birth=eq.5", "and(Date of birth eq <5>)"},
		{__LINE__, "%20a%20=eq.5", "and(a eq <5>)"},
		{__LINE__, "a-b=eq.5", "and(a-b eq <5>)"},
		{__LINE__, "%C3%A9t%C3%A9=eq.5", "and(\xc3\xa9t\xc3\xa9 eq <5>)"},
		{__LINE__, "\"a.b\"=eq.5", "and(a.b eq <5>)"},
		{__LINE__, "%22a%5C%22b%22=eq.5", "and(a\"b eq <5>)"},
		{__LINE__, "\"limit\"=eq.5", "and(limit eq <5>)"},
		{__LINE__, "\"or\"=eq.5", "and(or eq <5>)"},
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
	};
	RUN(rows, QUERY_STRING);
}

static const struct row filter_errors_rows[] = {
	{__LINE__, "id=0",
	 "PARSE@0 \"failed to parse filter (0)\" (line 1, column 1) / unexpected \"0\" expecting "
	 "\"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=",
	 "PARSE@0 \"failed to parse filter ()\" (line 1, column 1) / unexpected end of input "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=equals.5",
	 "PARSE@0 \"failed to parse filter (equals.5)\" (line 1, column 1) / unexpected \"equals\" "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=EQ.5",
	 "PARSE@0 \"failed to parse filter (EQ.5)\" (line 1, column 1) / unexpected \"EQ\" "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=not.not.eq.5",
	 "PARSE@4 \"failed to parse filter (not.not.eq.5)\" (line 1, column 5) / unexpected \"not\" "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=eq",
	 "PARSE@2 \"failed to parse filter (eq)\" (line 1, column 3) / unexpected end of input "
	 "expecting delimiter (.)"},
	{__LINE__, "id=like",
	 "PARSE@4 \"failed to parse filter (like)\" (line 1, column 5) / unexpected end of input "
	 "expecting delimiter (.)"},
	{__LINE__, "id=%C3%A9",
	 "PARSE@0 \"failed to parse filter (\xc3\xa9)\" (line 1, column 1) / unexpected \"\xc3\xa9\" "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "id=in.5",
	 "PARSE@3 \"failed to parse filter (in.5)\" (line 1, column 4) / unexpected \"5\" "
	 "expecting \"(\""},
	{__LINE__, "id=in.(1,2",
	 "PARSE@7 \"failed to parse filter (in.(1,2)\" (line 1, column 8) / unexpected end of input "
	 "expecting \",\" or \")\""},
	{__LINE__, "id=in.(1)2",
	 "PARSE@6 \"failed to parse filter (in.(1)2)\" (line 1, column 7) / unexpected \"2\" "
	 "expecting end of input"},
	{__LINE__, "id=in.(\xc3\xa9)2",
	 "PARSE@7 \"failed to parse filter (in.(\xc3\xa9)2)\" (line 1, column 7) / unexpected \"2\" "
	 "expecting end of input"},
	{__LINE__, "id=in.(1,2,3,4,5)", "PARSE More than 4 values in a list"},
	{__LINE__, "id=is.nothing",
	 "PARSE@3 \"failed to parse filter (is.nothing)\" (line 1, column 4) / unexpected "
	 "\"nothing\" expecting isVal: (null, not_null, true, false, unknown)"},
	{__LINE__, "id=is.null2",
	 "PARSE@3 \"failed to parse filter (is.null2)\" (line 1, column 4) / unexpected \"null2\" "
	 "expecting isVal: (null, not_null, true, false, unknown)"},
	{__LINE__, "id=is.null.",
	 "PARSE@7 \"failed to parse filter (is.null.)\" (line 1, column 8) / unexpected \".\" "
	 "expecting end of input"},
	{__LINE__, "a=eq.1&a=eq.2&a=eq.3&a=eq.4&a=eq.5&a=eq.6&a=eq.7",
	 "PARSE More than 6 conditions / many values of one column are column=in.(a,b,...)"},
	{__LINE__, "=eq.5",
	 "PARSE@0 \"failed to parse tree path ()\" (line 1, column 1) / unexpected end of input "
	 "expecting field name (* or [a..z0..9_$])"},
	{__LINE__, "a,b=eq.5",
	 "PARSE@1 \"failed to parse tree path (a,b)\" (line 1, column 2) / unexpected \",\" "
	 "expecting \"->\", delimiter (.) or end of input"},
	{__LINE__, "a=eq.%zz",
	 "PARSE The query string is not well percent-encoded / each % needs two hexadecimal digits, "
	 "and the result must be UTF-8 without NUL"},
	{__LINE__, "a=eq.%00",
	 "PARSE The query string is not well percent-encoded / each % needs two hexadecimal digits, "
	 "and the result must be UTF-8 without NUL"},
	{__LINE__, "%ff=eq.5",
	 "PARSE The query string is not well percent-encoded / each % needs two hexadecimal digits, "
	 "and the result must be UTF-8 without NUL"},
	/* of the grammar, but later */
	{__LINE__, "a=like.x*", "UNSUPPORTED@0 Feature not implemented / the operator \"like\""},
	{__LINE__, "a=not.ilike.x", "UNSUPPORTED@4 Feature not implemented / the operator \"ilike\""},
	{__LINE__, "a=match.x", "UNSUPPORTED@0 Feature not implemented / the operator \"match\""},
	{__LINE__, "a=imatch.x", "UNSUPPORTED@0 Feature not implemented / the operator \"imatch\""},
	{__LINE__, "a=isdistinct.x",
	 "UNSUPPORTED@0 Feature not implemented / the operator \"isdistinct\""},
	{__LINE__, "a=fts(english).x",
	 "UNSUPPORTED@0 Feature not implemented / the operator \"fts(...)\""},
	{__LINE__, "a=wfts.x", "UNSUPPORTED@0 Feature not implemented / the operator \"wfts\""},
	{__LINE__, "a=cs.{1}", "UNSUPPORTED@0 Feature not implemented / the operator \"cs\""},
	{__LINE__, "a=adj.[1,2]", "UNSUPPORTED@0 Feature not implemented / the operator \"adj\""},
	{__LINE__, "a=eq(any).{1,2}",
	 "UNSUPPORTED@0 Feature not implemented / the operator \"eq(...)\""},
	{__LINE__, "a=like(all).{1}",
	 "UNSUPPORTED@0 Feature not implemented / the operator \"like(...)\""},
	{__LINE__, "a->b=eq.1", "UNSUPPORTED@1 Feature not implemented / json paths"},
	{__LINE__, "a->>b=eq.1", "UNSUPPORTED@1 Feature not implemented / json paths"},
	{__LINE__, "r.a=eq.1",
	 "UNSUPPORTED@1 Feature not implemented / parameters of an embedded resource"},
	{__LINE__, "r.limit=1",
	 "UNSUPPORTED@1 Feature not implemented / parameters of an embedded resource"},
	{__LINE__, "r.or=(a.eq.1)",
	 "UNSUPPORTED@1 Feature not implemented / parameters of an embedded resource"},
	{__LINE__, "columns=a,b", "UNSUPPORTED Feature not implemented / the parameter \"columns\""},
	{__LINE__, "on_conflict=a",
	 "UNSUPPORTED Feature not implemented / the parameter \"on_conflict\""},
};

static void test_filter_errors(void **state)
{
	(void)state;
	RUN(filter_errors_rows, QUERY_STRING);
}

static const struct row logic_rows[] = {
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
	{__LINE__, "or=(a.eq.,b.eq.y)", "and(or(a eq <>,b eq <y>))"},
	{__LINE__, "or=(a.eq.{1,2},b.eq.y)", "and(or(a eq <{1,2}>,b eq <y>))"},
	{__LINE__, "or=(a.eq.{1,b.eq.y)", "and(or(a eq <{1>,b eq <y>))"},
	{__LINE__, "or=(\"a.b\".eq.1,c-d.eq.2)", "and(or(a.b eq <1>,c-d eq <2>))"},
	{__LINE__, "and=( and ( a.in.( 1, 2 ) , b.is.null ) , or ( a.eq.2 , \"b\" .eq.3 ) )",
	 "and(and(and(a in <1>< 2 >,b is null),or(a eq <2 >,b eq <3 >)))"},
	{__LINE__, "or=(and.eq.1,or.eq.2,not.eq.3)", "and(or(and eq <1>,or eq <2>,not eq <3>))"},
	{__LINE__, "or=(order.eq.1,android.eq.2)", "and(or(order eq <1>,android eq <2>))"},
	{__LINE__, "or=(a.is.TRUE,b.is.not_null)", "and(or(a is true,b is not_null))"},
	{__LINE__, "and=(and(and(a.eq.1)))", "and(and(and(and(a eq <1>))))"},
	/* errors */
	{__LINE__, "or=()",
	 "PARSE@1 \"failed to parse logic tree (())\" (line 1, column 4) / unexpected \")\" "
	 "expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator "
	 "(and, "
	 "or)"},
	{__LINE__, "or=)(",
	 "PARSE@0 \"failed to parse logic tree ()()\" (line 1, column 3) / unexpected \")\" "
	 "expecting \"(\""},
	{__LINE__, "or=(id.in.1,2,id.eq.3)",
	 "PARSE@7 \"failed to parse logic tree ((id.in.1,2,id.eq.3))\" (line 1, column 10) / "
	 "unexpected \"1\" expecting \"(\""},
	{__LINE__, "or=(ord(id.eq.1),id.eq.2)",
	 "PARSE@4 \"failed to parse logic tree ((ord(id.eq.1),id.eq.2))\" (line 1, column 7) / "
	 "unexpected \"(\" expecting delimiter (.)"},
	{__LINE__, "or=",
	 "PARSE@0 \"failed to parse logic tree ()\" (line 1, column 3) / unexpected end of input "
	 "expecting \"(\""},
	{__LINE__, "or=(a.eq.1",
	 "PARSE@7 \"failed to parse logic tree ((a.eq.1)\" (line 1, column 10) / unexpected end of "
	 "input expecting \",\" or \")\""},
	{__LINE__, "or=(a.eq.1)x",
	 "PARSE@8 \"failed to parse logic tree ((a.eq.1)x)\" (line 1, column 11) / unexpected "
	 "\"x\" "
	 "expecting end of input"},
	{__LINE__, "or=(a.eq.1,)",
	 "PARSE@8 \"failed to parse logic tree ((a.eq.1,))\" (line 1, column 11) / unexpected "
	 "\")\" "
	 "expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator "
	 "(and, "
	 "or)"},
	{__LINE__, "or=(a.5)",
	 "PARSE@3 \"failed to parse logic tree ((a.5))\" (line 1, column 6) / unexpected \"5\" "
	 "expecting \"not\" or operator (eq, gt, ...)"},
	{__LINE__, "and=(and(and(and(a.eq.1))))", "PARSE@12 Conditions nested deeper than 3 levels"},
	{__LINE__, "or=(a.eq.1,a.eq.2,a.eq.3,a.eq.4,a.eq.5,a.eq.6)",
	 "and(or(a eq <1>,a eq <2>,a eq <3>,a eq <4>,a eq <5>,a eq <6>))"},
	{__LINE__, "b=eq.1&or=(a.eq.1,a.eq.2,a.eq.3,a.eq.4,a.eq.5,a.eq.6)",
	 "PARSE More than 6 conditions / many values of one column are column=in.(a,b,...)"},
	{__LINE__, "or=(a->b.eq.1)", "UNSUPPORTED@2 Feature not implemented / json paths"},
	{__LINE__, "or=(a.like.1)", "UNSUPPORTED@3 Feature not implemented / the operator \"like\""},
};

static void test_logic(void **state)
{
	(void)state;
	RUN(logic_rows, QUERY_STRING);
}

static void test_select(void **state)
{
	(void)state;
	static const struct row rows[] = {
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
		{__LINE__, "select=a,",
		 "PARSE@2 \"failed to parse select parameter (a,)\" (line 1, column 3) / unexpected end of "
		 "input expecting \"...\", field name (* or [a..z0..9_$]), \"*\" or \"count()\""},
		{__LINE__, "select=,a",
		 "PARSE@0 \"failed to parse select parameter (,a)\" (line 1, column 1) / unexpected \",\" "
		 "expecting \"...\", field name (* or [a..z0..9_$]), \"*\" or \"count()\""},
		{__LINE__, "select=a)",
		 "PARSE@1 \"failed to parse select parameter (a))\" (line 1, column 2) / unexpected \")\" "
		 "expecting \",\" or end of input"},
		{__LINE__, "select=x:",
		 "PARSE@2 \"failed to parse select parameter (x:)\" (line 1, column 3) / unexpected end of "
		 "input expecting field name (* or [a..z0..9_$])"},
		{__LINE__, "select=x:*",
		 "PARSE@2 \"failed to parse select parameter (x:*)\" (line 1, column 3) / unexpected \"*\" "
		 "expecting field name (* or [a..z0..9_$])"},
		{__LINE__, "select=a.b",
		 "PARSE@1 \"failed to parse select parameter (a.b)\" (line 1, column 2) / unexpected \".\" "
		 "expecting \",\" or end of input"},
		{__LINE__, "select=a->b", "UNSUPPORTED@1 Feature not implemented / json paths"},
		{__LINE__, "select=x:a->>b", "UNSUPPORTED@3 Feature not implemented / json paths"},
		{__LINE__, "select=a::text", "UNSUPPORTED@1 Feature not implemented / casts"},
		{__LINE__, "select=b,r(a)", "UNSUPPORTED@3 Feature not implemented / embedded resources"},
		{__LINE__, "select=x:r(a)", "UNSUPPORTED@3 Feature not implemented / embedded resources"},
		{__LINE__, "select=r!inner(a)",
		 "UNSUPPORTED@1 Feature not implemented / embedded resources"},
		{__LINE__, "select=...r(a)", "UNSUPPORTED@0 Feature not implemented / embedded resources"},
		{__LINE__, "select=count()", "UNSUPPORTED@5 Feature not implemented / aggregate functions"},
		{__LINE__, "select=a.sum()", "UNSUPPORTED@1 Feature not implemented / aggregate functions"},
	};
	RUN(rows, QUERY_STRING);
}

static void test_order_and_range(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "order=a", " order a"},
		{__LINE__, "order=a.asc", " order a"},
		{__LINE__, "order=a.desc", " order a desc nullsfirst"},
		{__LINE__, "order=a.nullsfirst", " order a nullsfirst"},
		{__LINE__, "order=a.desc.nullslast", " order a desc"},
		{__LINE__, "order=a.asc.nullsfirst, \"b\".desc ,c",
		 " order a nullsfirst,b desc nullsfirst,c"},
		{__LINE__, "order=a&order=b", " order a"},
		{__LINE__, "order=",
		 "PARSE@0 \"failed to parse order ()\" (line 1, column 1) / unexpected end of input "
		 "expecting field name (* or [a..z0..9_$])"},
		{__LINE__, "order=a.sideways",
		 "PARSE@2 \"failed to parse order (a.sideways)\" (line 1, column 3) / unexpected "
		 "\"sideways\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\""},
		{__LINE__, "order=a.nullsfirst.asc",
		 "PARSE@13 \"failed to parse order (a.nullsfirst.asc)\" (line 1, column 14) / unexpected "
		 "\"asc\" expecting \",\" or end of input"},
		{__LINE__, "order=a.asc.desc",
		 "PARSE@6 \"failed to parse order (a.asc.desc)\" (line 1, column 7) / unexpected \"desc\" "
		 "expecting \"nullsfirst\" or \"nullslast\""},
		{__LINE__, "order=a b)",
		 "PARSE@3 \"failed to parse order (a b))\" (line 1, column 4) / unexpected \")\" expecting "
		 "delimiter (.), \",\" or end of input"},
		{__LINE__, "order=a,",
		 "PARSE@2 \"failed to parse order (a,)\" (line 1, column 3) / unexpected end of input "
		 "expecting field name (* or [a..z0..9_$])"},
		{__LINE__, "order=a->b", "UNSUPPORTED@1 Feature not implemented / json paths"},
		{__LINE__, "order=r(a)",
		 "UNSUPPORTED@1 Feature not implemented / order by a field of an embedded resource"},
		{__LINE__, "limit=5&offset=2", " limit 5 offset 2"},
		{__LINE__, "limit=0", " limit 0"},
		{__LINE__, "limit=05", " limit 5"},
		{__LINE__, "limit=-0", " limit 0"},
		{__LINE__, "limit=5&limit=6&offset=1&offset=x", " limit 5 offset 1"},
		{__LINE__, "limit=9223372036854775807", " limit 9223372036854775807"},
		{__LINE__, "limit=9223372036854775808", " limit 9223372036854775807"},
		{__LINE__, "offset=99999999999999999999999999", " offset 9223372036854775807"},
		{__LINE__, "offset=-5", ""},
		{__LINE__, "limit=-1",
		 "RANGE Requested range not satisfiable / Limit should be greater than or equal to zero."},
		{__LINE__, "limit=x",
		 "PARSE@0 \"failed to parse limit (x)\" (line 1, column 1) / unexpected \"x\" expecting "
		 "digits"},
		{__LINE__, "limit=",
		 "PARSE@0 \"failed to parse limit ()\" (line 1, column 1) / unexpected end of input "
		 "expecting digits"},
		{__LINE__, "limit=5x",
		 "PARSE@1 \"failed to parse limit (5x)\" (line 1, column 2) / unexpected \"x\" expecting "
		 "digits"},
		{__LINE__, "offset=-",
		 "PARSE@1 \"failed to parse offset (-)\" (line 1, column 2) / unexpected end of input "
		 "expecting digits"},
	};
	RUN(rows, QUERY_STRING);
}

static void test_conditions(void **state)
{
	(void)state;
	static const struct row rows[] = {
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
		{__LINE__, "",
		 "PARSE@0 \"\" is no condition / COLUMN=OPERATOR.VALUE, and=(...) or or=(...)"},
		{__LINE__, "a.eq.5",
		 "PARSE@0 \"a.eq.5\" is no condition / COLUMN=OPERATOR.VALUE, and=(...) or or=(...)"},
		{__LINE__, "a=eq.5&",
		 "PARSE@7 \"\" is no condition / COLUMN=OPERATOR.VALUE, and=(...) or or=(...)"},
		{__LINE__, "a=eq.1&b=x",
		 "PARSE@9 \"failed to parse filter (x)\" (line 1, column 1) / unexpected \"x\" expecting "
		 "\"not\" or operator (eq, gt, ...)"},
		{__LINE__, "a=eq.1&b?=eq.1",
		 "PARSE@8 \"failed to parse tree path (b?)\" (line 1, column 2) / unexpected \"?\" "
		 "expecting "
		 "\"->\", delimiter (.) or end of input"},
		{__LINE__, "a=eq.x{y}",
		 "PARSE@5 \"failed to parse filter (eq.x{y})\" (line 1, column 4) / unexpected \"x\" "
		 "expecting a value, {NAME} or {NAME?} / a parameter is a whole value; braces that are "
		 "text "
		 "stand in quotes: and=(a.eq.\"{\")"},
		{__LINE__, "a=eq.{}",
		 "PARSE@5 \"failed to parse filter (eq.{})\" (line 1, column 4) / unexpected \"{\" "
		 "expecting "
		 "a value, {NAME} or {NAME?} / a parameter is a whole value; braces that are text stand in "
		 "quotes: and=(a.eq.\"{\")"},
		{__LINE__, "a=eq.{?}",
		 "PARSE@5 \"failed to parse filter (eq.{?})\" (line 1, column 4) / unexpected \"{\" "
		 "expecting a value, {NAME} or {NAME?} / a parameter is a whole value; braces that are "
		 "text "
		 "stand in quotes: and=(a.eq.\"{\")"},
		{__LINE__, "a=eq.}",
		 "PARSE@5 \"failed to parse filter (eq.})\" (line 1, column 4) / unexpected \"}\" "
		 "expecting "
		 "a value, {NAME} or {NAME?} / a parameter is a whole value; braces that are text stand in "
		 "quotes: and=(a.eq.\"{\")"},
		{__LINE__, "a=eq.{x}{y}",
		 "PARSE@5 \"failed to parse filter (eq.{x}{y})\" (line 1, column 4) / unexpected \"{\" "
		 "expecting a value, {NAME} or {NAME?} / a parameter is a whole value; braces that are "
		 "text "
		 "stand in quotes: and=(a.eq.\"{\")"},
		{__LINE__, "a=eq.{claims.sub}",
		 "UNSUPPORTED@5 Feature not implemented / the claims of a token in a condition"},
	};
	RUN(rows, CONDITION);
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
	small_limits(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	parsed_query_init(&query);
	assert_true(parse_condition(STR("a=eq.{x}"), &limits, &arena, &query, &error));
	assert_true(parse_condition(STR("or=(b.eq.1,c.eq.2)"), &limits, &arena, &query, &error));
	assert_true(
		parse_query_string(STR("d=eq.3&limit=2"), &limits, NULL, NULL, &arena, &query, &error));
	write_query(&got, &query);
	test_equal(__LINE__, "", &got, "and(a eq {x},or(b eq <1>,c eq <2>),d eq <3>) limit 2");
	buf_finish(&got);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),         cmocka_unit_test(test_filter_errors),
		cmocka_unit_test(test_logic),           cmocka_unit_test(test_select),
		cmocka_unit_test(test_order_and_range), cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
