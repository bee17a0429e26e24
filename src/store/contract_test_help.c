#include "store/contract_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "query/check.h"
#include "query/claims.h"

static const struct {
	const char *word;
	enum query_action action;
} actions[] = {
	{"list", QUERY_LIST},     {"get", QUERY_GET},         {"insert", QUERY_INSERT},
	{"upsert", QUERY_UPSERT}, {"replace", QUERY_REPLACE}, {"update", QUERY_UPDATE},
	{"delete", QUERY_DELETE},
};

static enum query_action find_action(struct str word)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (str_equal(word, str_from(actions[i].word))) {
			return actions[i].action;
		}
	}
	fail_msg("unknown action %.*s", STR_ARG(word));
	return QUERY_LIST;
}

static bool cut(struct str *word, struct str end)
{
	bool found = str_ends_with(*word, end);
	word->len -= found ? end.len : 0;
	return found;
}

/* What may stand at the end of a request. */
struct flags {
	bool total;
	bool quiet;   /* nothing is answered */
	bool ignore;  /* rows that meet another stay as they are */
	bool missing; /* what a row lacks gets its default */
	bool batches; /* rows come one by one */
	bool leave;   /* rows come at once, and those that are refused are left out */
	bool strip;   /* nulls */
};

static struct flags cut_flags(struct str *text)
{
	struct flags flags = {.total = false};
	const struct {
		struct str word;
		bool *flag;
	} words[] = {
		{STR("&total"), &flags.total},     {STR("&quiet"), &flags.quiet},
		{STR("&ignore"), &flags.ignore},   {STR("&missing"), &flags.missing},
		{STR("&batches"), &flags.batches}, {STR("&strip"), &flags.strip},
		{STR("&leave"), &flags.leave},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (cut(text, words[i].word)) {
			*words[i].flag = true;
			i = SIZE_MAX; /* any may stand before it */
		}
	}
	return flags;
}

static enum query_format cut_format(struct str *word)
{
	return cut(word, STR("{}")) ? FORMAT_OBJECT
		: cut(word, STR("="))   ? FORMAT_VALUES
		: cut(word, STR("#"))   ? FORMAT_CSV
		: cut(word, STR("/"))   ? FORMAT_NDJSON
								: FORMAT_ARRAY;
}

/* Rows that are there already, given one by one or at once. */
struct parts {
	struct query_batches base;
	const struct query *query;
	size_t part_rows;
	size_t next;
};

static bool next_part(struct query_batches *base, const struct value **ret_values,
					  size_t *ret_row_count, struct error *error)
{
	(void)error;
	struct parts *parts = (struct parts *)base;
	const struct query *query = parts->query;
	size_t left = query->row_count - parts->next;
	*ret_row_count = left < parts->part_rows ? left : parts->part_rows;
	*ret_values = left == 0 ? NULL : &query->values[parts->next * query->given.count];
	parts->next += *ret_row_count;
	return true;
}

static bool leave_out(struct query_batches *base, size_t row, const struct error *error)
{
	const struct parts *parts = (const struct parts *)base;
	assert_true(row < parts->part_rows);
	assert_true(error->code != ERROR_NONE && error->message[0] != '\0');
	return true;
}

static void split(struct fixture *fixture, struct query *query, bool leave)
{
	struct parts *parts = ARENA_NEW(&fixture->arena, struct parts);
	struct query *whole = ARENA_NEW(&fixture->arena, struct query);
	*whole = *query;
	*parts = (struct parts){
		.base = {.next = next_part, .refused = leave ? leave_out : NULL},
		.query = whole,
		.part_rows = leave ? query->row_count : 1,
	};
	query->batches = &parts->base;
	query->values = NULL;
	query->row_count = 0;
}

static const struct caller *make_caller(const struct contract_row *row, struct arena *arena)
{
	if (row->caller == NULL) {
		return &caller_trusted;
	}
	struct str rest = str_from(row->caller);
	struct str role = str_split(&rest, ' ');
	struct claims *claims = ARENA_NEW(arena, struct claims);
	struct caller *caller = ARENA_NEW(arena, struct caller);
	struct error error;
	assert_true(claims_read(rest, arena, claims, &error));
	claims->role = role;
	caller->claims = claims;
	return caller;
}

bool contract_query(struct fixture *fixture, const struct contract_row *row,
					struct query *ret_query, struct error *error)
{
	struct arena *arena = &fixture->arena;
	struct str rest = str_from(row->request);
	struct str word = str_split(&rest, ' ');
	struct str name = str_split(&rest, '?');
	struct flags flags = cut_flags(&rest);
	*ret_query = (struct query){.must_match = cut(&word, STR("!")), .total = flags.total};
	ret_query->format = cut_format(&word);
	ret_query->action = find_action(word);
	ret_query->nulls_stripped = flags.strip;
	ret_query->resolution = flags.ignore ? RESOLUTION_IGNORE : RESOLUTION_MERGE;
	ret_query->resource = model_resource(fixture->model, name);
	assert_non_null(ret_query->resource);
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	const struct check_options options = {
		.limits = &fixture->limits,
		.caller = make_caller(row, arena),
		.no_rows = flags.quiet,
		.tag = ret_query->action == QUERY_GET,
	};
	if (!parse_query_string(rest, &fixture->limits, NULL, NULL, arena, &parsed, error) ||
		!check_query(&parsed, ret_query->action, ret_query->resource, &options, arena, ret_query,
					 error)) {
		return false;
	}
	const struct body_options body = {
		.limits = &fixture->limits,
		.many = true,
		.columns = parsed.has_columns ? &parsed.columns : NULL,
		.missing_default = flags.missing,
	};
	if (row->body != NULL && !check_body(str_from(row->body), &body, arena, ret_query, error)) {
		return false;
	}
	if (flags.batches || flags.leave) {
		split(fixture, ret_query, flags.leave);
	}
	return true;
}

static void describe(const struct call *call, struct buf *text)
{
	if (!call->ok) {
		const struct error_info *info = error_info(call->error.code);
		buf_printf(text, "%d %s %s%s%s", info->status, info->wire, call->error.message,
				   call->error.details[0] != '\0' ? " | " : "", call->error.details);
		return;
	}
	buf_append_uint(text, call->result.rows);
	if (call->result.inserted > 0) {
		buf_printf(text, "+%llu", (unsigned long long)call->result.inserted);
	}
	if (call->result.total > 0) {
		buf_printf(text, "/%llu", (unsigned long long)call->result.total);
	}
	if (call->result.has_made_key) {
		buf_printf(text, "#%lld", (long long)call->result.made_key);
	}
	if (call->body.len > 0) {
		buf_append_byte(text, ' ');
		buf_append(text, buf_str(&call->body));
	}
}

static void run_row(struct fixture *fixture, const struct contract_row *row)
{
	struct query query;
	struct call call = {.ok = false};
	if (contract_query(fixture, row, &query, &call.error)) {
		call_run(fixture, &call, &query);
	}
	struct buf got;
	buf_init(&got, MIB(1));
	describe(&call, &got);
	bool other = row->maria != NULL && fixture->maria.name[0] != '\0';
	const char *want = other ? row->maria : row->want;
	if (!str_equal(buf_str(&got), str_from(want))) {
		fail_msg("%s:%d: %s: got\n%.*s\nwant\n%s", fixture->url, row->line, row->request,
				 STR_ARG(buf_str(&got)), want);
	}
	buf_finish(&got);
	call_finish(&call);
}

void contract_run(const char *service, const struct contract_row *rows, size_t count)
{
	const char *url;
	for (size_t u = 0; (url = fixture_store(u)) != NULL; u++) {
		struct fixture fixture;
		fixture_init(&fixture, service);
		fixture_open(&fixture, url);
		for (size_t i = 0; i < count; i++) {
			run_row(&fixture, &rows[i]);
		}
		fixture_finish(&fixture);
	}
}
