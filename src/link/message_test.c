#include "link/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ONE "00000000-0000-4000-8000-000000000001"
#define TWO "00000000-0000-4000-8000-000000000002"
#define ENDS "{\"resource\":\"places\",\"from\":\"people\","

/* The service that owns places, rooms and tags; people of another refer to them. */
static const char owner_file[] =
	"service: owner\n"
	"resources:\n"
	"  places: { key: id, fields: { id: integer } }\n"
	"  rooms: { key: [house, day], fields: { house: text, day: date, note: text } }\n"
	"  tags: { key: id, fields: { id: integer } }\n"
	"  others: { key: id, fields: { id: integer, place: { type: integer, references: places } } }\n"
	"  people:\n"
	"    at: http://127.0.0.1:1\n"
	"    key: id\n"
	"    fields:\n"
	"      id: integer\n"
	"      place: { type: integer, references: places }\n"
	"      tag: { type: integer, references: { resource: tags, check: get } }\n"
	"      house: text\n"
	"      day: date\n"
	"    references: { room: { fields: [house, day], to: rooms } }\n";

enum reader { HOLDS, RELEASES, DECIDE, DECISIONS, MISSING_PLACES, MISSING_ROOMS };

struct row {
	int line;
	enum reader reader;
	const char *input;
	const char *want; /* written again; NULL: the same */
	const char *want_error;
	size_t want_at;
};

static const struct row rows[] = {
	{__LINE__, HOLDS, ENDS "\"holds\":[]}"},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":-5}}]}"},
	{__LINE__, HOLDS,
	 ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":9223372036854775807}},{\"id\":\"" TWO
		  "\",\"key\":{\"id\":2}}]}"},
	{__LINE__, HOLDS,
	 "{\"resource\":\"rooms\",\"from\":\"people\",\"holds\":[{\"id\":\"" ONE
	 "\",\"key\":{\"house\":\"\\u00fc\\\"\",\"day\":\"2024-02-29\"}}]}",
	 "{\"resource\":\"rooms\",\"from\":\"people\",\"holds\":[{\"id\":\"" ONE
	 "\",\"key\":{\"house\":\"\u00fc\\\"\",\"day\":\"2024-02-29\"}}]}"},
	/* The fields of a key in another order, white space, large letters. */
	{__LINE__, HOLDS,
	 " {\"resource\":\"rooms\", \"from\":\"people\",\n\"holds\":[{\"id\":"
	 "\"ABCDEF00-0000-4000-8000-000000000001\",\"key\":{\"day\":\"2024-02-29\",\"house\":\"\"}}]} ",
	 "{\"resource\":\"rooms\",\"from\":\"people\",\"holds\":[{\"id\":"
	 "\"abcdef00-0000-4000-8000-000000000001\",\"key\":{\"house\":\"\",\"day\":\"2024-02-29\"}}]}"},
	{__LINE__, RELEASES, ENDS "\"ids\":[]}"},
	{__LINE__, RELEASES, ENDS "\"ids\":[\"" ONE "\",\"" TWO "\",\"" ONE "\"]}"},
	{__LINE__, DECIDE, "{\"ids\":[]}"},
	{__LINE__, DECIDE, "{\"ids\":[\"" ONE "\"]}"},
	{__LINE__, DECISIONS, "{\"used\":[],\"void\":[]}"},
	{__LINE__, DECISIONS, "{\"used\":[\"" ONE "\"],\"void\":[\"" TWO "\"]}"},
	{__LINE__, MISSING_PLACES, "{\"missing\":[]}"},
	{__LINE__, MISSING_PLACES, "{\"missing\":[{\"id\":1},{\"id\":2}]}"},
	{__LINE__, MISSING_ROOMS, "{\"missing\":[{\"house\":\"a\",\"day\":\"2024-01-01\"}]}"},
};

static const struct row wrong_rows[] = {
	{__LINE__, HOLDS, "", NULL, "PGRST102", 0},
	{__LINE__, HOLDS, "[]", NULL, "PGRST102 an object expected", 0},
	{__LINE__, HOLDS, "{}", NULL, "PGRST102 \"resource\" expected", 1},
	{__LINE__, HOLDS, "{\"from\":\"people\"}", NULL, "PGRST102 \"resource\" expected", 1},
	{__LINE__, HOLDS, "{\"resource\":5}", NULL, "PGRST102 the name of a resource expected", 12},
	{__LINE__, HOLDS, "{\"resource\":\"places\"}", NULL, "PGRST102 \"from\" expected", 20},
	/* Not there, not referring to it, not elsewhere, only asking whether it is there. */
	{__LINE__, HOLDS, "{\"resource\":\"x\",\"from\":\"people\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 23},
	{__LINE__, HOLDS, "{\"resource\":\"places\",\"from\":\"x\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 28},
	{__LINE__, HOLDS, "{\"resource\":\"others\",\"from\":\"people\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 28},
	{__LINE__, HOLDS, "{\"resource\":\"places\",\"from\":\"others\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 28},
	{__LINE__, HOLDS, "{\"resource\":\"people\",\"from\":\"people\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 28},
	{__LINE__, HOLDS, "{\"resource\":\"tags\",\"from\":\"people\",\"holds\":[]}", NULL,
	 "PGRST205 This service knows of no such reference", 26},
	{__LINE__, HOLDS, ENDS "\"ids\":[]}", NULL, "PGRST102 \"holds\" expected", 37},
	{__LINE__, HOLDS, ENDS "\"holds\":{}}", NULL, "PGRST102 a list of holds expected", 45},
	{__LINE__, HOLDS, ENDS "\"holds\":[5]}", NULL, "PGRST102 a hold expected", 46},
	{__LINE__, HOLDS, ENDS "\"holds\":[{}]}", NULL, "PGRST102 \"id\" expected", 47},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":5}]}", NULL, "PGRST102 a uuid expected", 52},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"x\"}]}", NULL, "PGRST102 a uuid expected", 52},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\"}]}", NULL, "PGRST102 \"key\" expected",
	 90},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":5}]}", NULL,
	 "PGRST102 a key expected", 97},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{}}]}", NULL,
	 "PGRST102 a field of the key expected", 98},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"i\":5}}]}", NULL,
	 "PGRST102 a field of the key expected", 98},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":null}}]}", NULL,
	 "PGRST102 a value of the key expected", 103},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":\"5\"}}]}", NULL,
	 "22P02", 103},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":9223372036854775808}}]}",
	 NULL, "22003", 103},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":5,\"id\":5}}]}", NULL,
	 "PGRST102", 105},
	{__LINE__, HOLDS, ENDS "\"holds\":[{\"id\":\"" ONE "\",\"key\":{\"id\":5},\"x\":1}]}", NULL,
	 "PGRST102 the end of the hold expected", 106},
	{__LINE__, HOLDS, ENDS "\"holds\":[],\"x\":1}", NULL,
	 "PGRST102 the end of the message expected", 48},
	{__LINE__, HOLDS, ENDS "\"holds\":[]}{}", NULL, "PGRST102", 48},
	{__LINE__, HOLDS, ENDS "\"holds\":[", NULL, "PGRST102", 46},
	{__LINE__, RELEASES, "{\"ids\":[]}", NULL, "PGRST102 \"resource\" expected", 1},
	{__LINE__, RELEASES, ENDS "\"ids\":5}", NULL, "PGRST102 a list of ids expected", 43},
	{__LINE__, DECIDE, "{\"ids\":[null]}", NULL, "PGRST102 a uuid expected", 8},
	{__LINE__, DECIDE, "{\"ids\":[]} x", NULL, "PGRST102", 11},
	{__LINE__, DECISIONS, "{\"used\":[]}", NULL, "PGRST102 \"void\" expected", 10},
	{__LINE__, MISSING_PLACES, "{\"missing\":[1]}", NULL, "PGRST102 a key expected", 12},
	{__LINE__, MISSING_ROOMS, "{\"missing\":[{\"house\":\"a\"}]}", NULL,
	 "PGRST102 a field of the key expected", 24},
	{__LINE__, MISSING_ROOMS, "{\"missing\":[{\"house\":\"a\",\"day\":\"x\"}]}", NULL, "22P02", 31},
};

/* Reads the message and writes it again. */
static bool read_and_write(enum reader reader, struct str body, const struct model *model,
						   struct arena *arena, struct buf *buf, struct error *error)
{
	const struct resource *resource = model_resource(
		model, reader == MISSING_ROOMS ? STR("rooms") : STR("places"));
	struct message_holds holds;
	struct message_ids ids;
	struct message_decisions decisions;
	struct message_keys keys;
	switch (reader) {
	case HOLDS:
		if (message_read_holds(body, model, arena, &holds, error)) {
			message_write_holds(buf, &holds);
			return true;
		}
		return false;
	case RELEASES:
	case DECIDE:
		if (reader == RELEASES ? message_read_releases(body, model, arena, &ids, error)
							   : message_read_decide(body, arena, &ids, error)) {
			message_write_ids(buf, &ids);
			return true;
		}
		return false;
	case DECISIONS:
		if (message_read_decisions(body, arena, &decisions, error)) {
			message_write_decisions(buf, &decisions);
			return true;
		}
		return false;
	case MISSING_PLACES:
	case MISSING_ROOMS:
	default:
		if (message_read_missing(body, resource, arena, &keys, error)) {
			message_write_missing(buf, resource, &keys);
			return true;
		}
		return false;
	}
}

struct fixture {
	struct model *model;
	struct arena arena;
	struct buf buf;
	struct error error;
};

static struct fixture begin(void)
{
	struct fixture fixture = {0};
	struct model_report report;
	model_report_init(&report);
	fixture.model = model_parse(str_from(owner_file), STR("owner.yaml"), NULL, &report);
	assert_non_null(fixture.model);
	model_report_finish(&report);
	arena_init(&fixture.arena, 4096);
	buf_init(&fixture.buf, SIZE_MAX);
	return fixture;
}

static void end(struct fixture *fixture)
{
	buf_finish(&fixture->buf);
	arena_finish(&fixture->arena);
	model_destroy(fixture->model);
}

static void test_messages(void **state)
{
	struct fixture f = begin();
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct str want = str_from(row->want == NULL ? row->input : row->want);
		buf_clear(&f.buf);
		if (!read_and_write(row->reader, str_from(row->input), f.model, &f.arena, &f.buf,
							&f.error)) {
			fail_msg("line %d: %s at %zu", row->line, f.error.message, f.error.at);
		}
		if (!str_equal(buf_str(&f.buf), want)) {
			fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&f.buf)));
		}
	}
	end(&f);
}

static void test_wrong_messages(void **state)
{
	struct fixture f = begin();
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
		const struct row *row = &wrong_rows[i];
		buf_clear(&f.buf);
		if (read_and_write(row->reader, str_from(row->input), f.model, &f.arena, &f.buf,
						   &f.error)) {
			fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&f.buf)));
		}
		buf_printf(&f.buf, "%s %s", error_info(f.error.code)->wire, f.error.message);
		if (!str_starts_with(buf_str(&f.buf), str_from(row->want_error)) ||
			f.error.at != row->want_at) {
			fail_msg("line %d: %.*s at %zu", row->line, STR_ARG(buf_str(&f.buf)), f.error.at);
		}
	}
	end(&f);
}

/* A list with this many items in each message. */
static void write_many(struct buf *buf, enum reader reader, size_t count)
{
	static const struct {
		const char *before;
		const char *item;
		const char *after;
	} parts[] = {
		[HOLDS] = {ENDS "\"holds\":[", "{\"id\":\"" ONE "\",\"key\":{\"id\":1}}", "]}"},
		[RELEASES] = {ENDS "\"ids\":[", "\"" ONE "\"", "]}"},
		[DECIDE] = {"{\"ids\":[", "\"" ONE "\"", "]}"},
		[DECISIONS] = {"{\"used\":[],\"void\":[", "\"" ONE "\"", "]}"},
		[MISSING_PLACES] = {"{\"missing\":[", "{\"id\":1}", "]}"},
	};
	buf_append(buf, str_from(parts[reader].before));
	for (size_t i = 0; i < count; i++) {
		buf_append(buf, i == 0 ? STR("") : STR(","));
		buf_append(buf, str_from(parts[reader].item));
	}
	buf_append(buf, str_from(parts[reader].after));
}

static void test_limit(void **state)
{
	struct fixture f = begin();
	(void)state;
	for (enum reader reader = HOLDS; reader <= MISSING_PLACES; reader++) {
		struct buf body;
		buf_init(&body, SIZE_MAX);
		buf_clear(&f.buf);
		write_many(&body, reader, MESSAGE_MOST_HOLDS);
		assert_true(read_and_write(reader, buf_str(&body), f.model, &f.arena, &f.buf, &f.error));
		assert_true(str_equal(buf_str(&body), buf_str(&f.buf)));
		buf_clear(&body);
		write_many(&body, reader, MESSAGE_MOST_HOLDS + 1);
		assert_false(read_and_write(reader, buf_str(&body), f.model, &f.arena, &f.buf, &f.error));
		assert_int_equal(f.error.code, ERROR_BODY_TOO_LARGE);
		buf_finish(&body);
	}
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_wrong_messages),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
