#include "store/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define L __LINE__
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The data: books, each with an author, perhaps, and the author's books; every row is
 * {number, text}. The source is one table of pairs (key, row) for each embed.
 */
static const struct field number = {.name = STR_INIT("n"), .type = TYPE_INTEGER};
static const struct field text = {.name = STR_INIT("t"), .type = TYPE_TEXT};
static const struct field json = {.name = STR_INIT("j"), .type = TYPE_JSON};
static const struct field *key_fields[] = {&number};

static const struct query_fetch fetch[] = {
	{.term = {.field = &number}, .type = &number},
	{.term = {.field = &text}, .type = &text},
	{.term = {.field = &json}, .type = &json},
};

static const struct relation relation = {
	.from_fields = {key_fields, 1},
	.to_fields = {key_fields, 1},
};

static const size_t key_at[] = {0};

#define NONE                                                                                       \
	{                                                                                              \
		.kind = VALUE_NULL                                                                         \
	}
#define INT(n)                                                                                     \
	{                                                                                              \
		.kind = VALUE_INTEGER, .integer = (n)                                                      \
	}
#define TEXT(t)                                                                                    \
	{                                                                                              \
		.kind = VALUE_TEXT, .text = STR_INIT(t)                                                    \
	}
#define COLUMN(name_, at_)                                                                         \
	{                                                                                              \
		.name = STR_INIT(name_), .key = STR_INIT("\"" name_ "\":"), .at = (at_)                    \
	}

/* ---- a source of rows ---- */

struct fake_row {
	int64_t key;
	struct value values[3];
};

enum { EMBEDS = 4 };

struct fake_source {
	struct row_source base;
	struct {
		const struct fake_row *rows;
		size_t count;
	} tables[EMBEDS]; /* by embed->number */
	bool open[EMBEDS];
	int64_t key[EMBEDS];
	size_t next[EMBEDS];
	size_t calls;
	size_t fail_at; /* a call's number; SIZE_MAX: none */
	size_t opened;
	size_t closed;
};

static bool fails(struct fake_source *source)
{
	return source->calls++ == source->fail_at;
}

static bool fake_open(struct row_source *base, const struct query_embed *embed,
					  const struct value *keys)
{
	struct fake_source *source = (struct fake_source *)base;
	assert_false(source->open[embed->number]);
	assert_int_equal(keys[0].kind, VALUE_INTEGER);
	if (fails(source)) {
		return false;
	}
	source->open[embed->number] = true;
	source->key[embed->number] = keys[0].integer;
	source->next[embed->number] = 0;
	source->opened++;
	return true;
}

static enum row_step fake_next(struct row_source *base, const struct query_embed *embed,
							   const struct value **ret_values)
{
	struct fake_source *source = (struct fake_source *)base;
	size_t e = embed->number;
	assert_true(source->open[e]);
	if (fails(source)) {
		return ROW_FAILED;
	}
	while (source->next[e] < source->tables[e].count) {
		const struct fake_row *row = &source->tables[e].rows[source->next[e]++];
		if (row->key == source->key[e]) {
			*ret_values = row->values;
			return ROW_HERE;
		}
	}
	return ROW_NONE;
}

static void fake_close(struct row_source *base, const struct query_embed *embed)
{
	struct fake_source *source = (struct fake_source *)base;
	assert_true(source->open[embed->number]);
	source->open[embed->number] = false;
	source->closed++;
}

static const struct fake_row one_rows[] = {
	{1, {INT(10), TEXT("x"), NONE}},
	{2, {INT(20), NONE, NONE}},
};
static const struct fake_row many_rows[] = {
	{1, {INT(11), TEXT("p"), NONE}},
	{1, {INT(12), NONE, NONE}},
	{10, {INT(13), TEXT("q"), NONE}},
	{11, {INT(14), TEXT("r"), NONE}},
	{11, {INT(15), TEXT("s"), NONE}},
	{3, {INT(16), TEXT("u"), NONE}},
	{3, {INT(17), TEXT("longer than all the others are together"), NONE}},
};

static struct fake_source make_source(void)
{
	struct fake_source source = {
		.base = {.open = fake_open, .next = fake_next, .close = fake_close},
		.fail_at = SIZE_MAX,
	};
	for (size_t i = 0; i < EMBEDS; i++) {
		bool one = i < 2;
		source.tables[i].rows = one ? one_rows : many_rows;
		source.tables[i].count = one ? COUNT(one_rows) : COUNT(many_rows);
	}
	return source;
}

/* ---- queries ---- */

#define EMBED(name_, number_, one, spread_, columns_)                                              \
	static const struct query_embed name_ = {                                                      \
		.relation = &relation,                                                                     \
		.to_one = (one),                                                                           \
		.spread = (spread_),                                                                       \
		.query = {.fetch = fetch,                                                                  \
				  .fetch_count = 3,                                                                \
				  .columns = columns_,                                                             \
				  .column_count = COUNT(columns_)},                                                \
		.keys = key_at,                                                                            \
		.number = (number_),                                                                       \
	}

static const struct query_column plain[] = {COLUMN("n", 0), COLUMN("t", 1)};
static const struct query_column with_json[] = {COLUMN("n", 0), COLUMN("t", 1), COLUMN("j", 2)};
static const struct query_column inner[] = {COLUMN("a", 0), COLUMN("b", 1)};
static const struct query_column other[] = {COLUMN("c", 0), COLUMN("d", 1)};

EMBED(one, 0, true, false, inner);
EMBED(many, 2, false, false, inner);
EMBED(one_spread, 0, true, true, inner);
EMBED(many_spread, 2, false, true, inner);
EMBED(deep_one_spread, 1, true, true, other);
EMBED(deep_many_spread, 3, false, true, other);
EMBED(deep_many, 3, false, false, other);
EMBED(deep_one, 1, true, false, other);

#define WITH(name_, embed_)                                                                        \
	{                                                                                              \
		.name = STR_INIT(name_), .key = STR_INIT("\"" name_ "\":"), .embed = &(embed_)             \
	}
#define SPREAD(embed_)                                                                             \
	{                                                                                              \
		.name = STR_INIT("spread"), .embed = &(embed_)                                             \
	}

static const struct query_column to_one[] = {COLUMN("n", 0), WITH("one", one)};
static const struct query_column to_many[] = {WITH("many", many), COLUMN("n", 0)};
static const struct query_column spread_one[] = {COLUMN("n", 0), SPREAD(one_spread),
												 COLUMN("t", 1)};
static const struct query_column spread_many[] = {COLUMN("n", 0), SPREAD(many_spread)};
static const struct query_column only_spread[] = {SPREAD(many_spread)};

/* Of an embed that embeds, spreads, or spreads and embeds. */
static const struct query_column nested[] = {COLUMN("a", 0), WITH("deep", deep_many)};
static const struct query_column one_in_one[] = {COLUMN("a", 0), SPREAD(deep_one_spread)};
static const struct query_column many_in_one[] = {COLUMN("a", 0), SPREAD(deep_many_spread)};
static const struct query_column embed_in_many[] = {COLUMN("a", 0), WITH("deep", deep_one)};
EMBED(one_nested, 0, true, false, nested);
EMBED(many_nested, 2, false, false, nested);
EMBED(spread_one_one, 0, true, true, one_in_one);
EMBED(spread_one_many, 0, true, true, many_in_one);
EMBED(spread_many_one, 2, false, true, one_in_one);
EMBED(spread_many_many, 2, false, true, many_in_one);
EMBED(spread_many_embed, 2, false, true, embed_in_many);
EMBED(spread_one_embed, 0, true, true, nested);
static const struct query_column column_one_nested[] = {WITH("x", one_nested)};
static const struct query_column column_many_nested[] = {WITH("x", many_nested)};
static const struct query_column column_one_one[] = {SPREAD(spread_one_one)};
static const struct query_column column_one_many[] = {SPREAD(spread_one_many)};
static const struct query_column column_many_one[] = {SPREAD(spread_many_one)};
static const struct query_column column_many_many[] = {SPREAD(spread_many_many)};
static const struct query_column column_many_embed[] = {SPREAD(spread_many_embed)};
static const struct query_column column_one_embed[] = {SPREAD(spread_one_embed)};

static const struct value first[] = {INT(1), TEXT("a\"b"), TEXT("{\"k\":[1]}")};
static const struct value second[] = {INT(2), NONE, NONE};
static const struct value third[] = {INT(3), TEXT(""), NONE};
static const struct value keyless[] = {NONE, TEXT("z"), NONE};
static const struct value csv_text[] = {INT(4), TEXT("a,\"b\"\nc"), TEXT("\"x\"")};
static const struct value *const all_rows[] = {first, second, third, keyless, csv_text};

#define SHAPE(columns) columns, COUNT(columns)

/* `rows`: numbers in all_rows, each one digit. */
static const struct shape_row {
	int line;
	enum query_format format;
	bool stripped;
	const struct query_column *columns;
	size_t column_count;
	const char *rows;
	const char *want;
} shapes[] = {
	/* Formats. */
	{L, FORMAT_ARRAY, false, SHAPE(plain), "", "[]"},
	{L, FORMAT_ARRAY, false, SHAPE(plain), "01",
	 "[{\"n\":1,\"t\":\"a\\\"b\"},{\"n\":2,\"t\":null}]"},
	{L, FORMAT_ARRAY, false, SHAPE(with_json), "0",
	 "[{\"n\":1,\"t\":\"a\\\"b\",\"j\":{\"k\":[1]}}]"},
	{L, FORMAT_ARRAY, false, plain, 0, "01", "[{},{}]"},
	{L, FORMAT_ARRAY, true, SHAPE(plain), "13", "[{\"n\":2},{\"t\":\"z\"}]"},
	{L, FORMAT_OBJECT, false, SHAPE(plain), "", ""},
	{L, FORMAT_OBJECT, false, SHAPE(plain), "1", "{\"n\":2,\"t\":null}"},
	{L, FORMAT_OBJECT, true, SHAPE(plain), "1", "{\"n\":2}"},
	{L, FORMAT_OBJECT, false, SHAPE(plain), "12", "{\"n\":2,\"t\":null}"},
	{L, FORMAT_VALUES, false, SHAPE(plain), "", "[]"},
	{L, FORMAT_VALUES, false, SHAPE(plain), "01", "[1,2]"},
	{L, FORMAT_NDJSON, false, SHAPE(plain), "", ""},
	{L, FORMAT_NDJSON, false, SHAPE(plain), "12", "{\"n\":2,\"t\":null}\n{\"n\":3,\"t\":\"\"}\n"},
	{L, FORMAT_CSV, false, SHAPE(plain), "", "n,t"},
	{L, FORMAT_CSV, false, SHAPE(plain), "123", "n,t\n2,\n3,\"\"\n,z"},
	{L, FORMAT_CSV, false, SHAPE(with_json), "40",
	 "n,t,j\n4,\"a,\"\"b\"\"\nc\",\"\"\"x\"\"\"\n1,\"a\"\"b\",\"{\"\"k\"\":[1]}\""},
	/* Embedded rows: there, not there, no key. */
	{L, FORMAT_ARRAY, false, SHAPE(to_one), "023",
	 "[{\"n\":1,\"one\":{\"a\":10,\"b\":\"x\"}},{\"n\":3,\"one\":null},{\"n\":null,\"one\":null}]"},
	{L, FORMAT_ARRAY, true, SHAPE(to_one), "12", "[{\"n\":2,\"one\":{\"a\":20}},{\"n\":3}]"},
	{L, FORMAT_ARRAY, false, SHAPE(to_many), "013",
	 "[{\"many\":[{\"a\":11,\"b\":\"p\"},{\"a\":12,\"b\":null}],\"n\":1},"
	 "{\"many\":[],\"n\":2},{\"many\":[],\"n\":null}]"},
	{L, FORMAT_ARRAY, true, SHAPE(to_many), "0",
	 "[{\"many\":[{\"a\":11,\"b\":\"p\"},{\"a\":12}],\"n\":1}]"},
	{L, FORMAT_CSV, false, SHAPE(to_one), "02",
	 "n,one\n1,\"{\"\"a\"\":10,\"\"b\"\":\"\"x\"\"}\"\n3,"},
	{L, FORMAT_CSV, false, SHAPE(to_many), "1", "many,n\n[],2"},
	{L, FORMAT_ARRAY, false, SHAPE(column_one_nested), "012",
	 "[{\"x\":{\"a\":10,\"deep\":[{\"c\":13,\"d\":\"q\"}]}},{\"x\":{\"a\":20,\"deep\":[]}},"
	 "{\"x\":null}]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_many_nested), "0",
	 "[{\"x\":[{\"a\":11,\"deep\":[{\"c\":14,\"d\":\"r\"},{\"c\":15,\"d\":\"s\"}]},"
	 "{\"a\":12,\"deep\":[]}]}]"},
	/* Spreads of one row. */
	{L, FORMAT_ARRAY, false, SHAPE(spread_one), "023",
	 "[{\"n\":1,\"a\":10,\"b\":\"x\",\"t\":\"a\\\"b\"},{\"n\":3,\"a\":null,\"b\":null,\"t\":\"\"},"
	 "{\"n\":null,\"a\":null,\"b\":null,\"t\":\"z\"}]"},
	{L, FORMAT_ARRAY, true, SHAPE(spread_one), "12", "[{\"n\":2,\"a\":20},{\"n\":3,\"t\":\"\"}]"},
	{L, FORMAT_CSV, false, SHAPE(spread_one), "12", "n,a,b,t\n2,20,,\n3,,,\"\""},
	/* Spreads of several. */
	{L, FORMAT_ARRAY, false, SHAPE(spread_many), "013",
	 "[{\"n\":1,\"a\":[11,12],\"b\":[\"p\",null]},{\"n\":2,\"a\":[],\"b\":[]},"
	 "{\"n\":null,\"a\":[],\"b\":[]}]"},
	{L, FORMAT_ARRAY, true, SHAPE(spread_many), "0",
	 "[{\"n\":1,\"a\":[11,12],\"b\":[\"p\",null]}]"},
	{L, FORMAT_CSV, false, SHAPE(spread_many), "0", "n,a,b\n1,\"[11,12]\",\"[\"\"p\"\",null]\""},
	{L, FORMAT_NDJSON, false, SHAPE(only_spread), "1", "{\"a\":[],\"b\":[]}\n"},
	/* A row that does not fit where those before it did. */
	{L, FORMAT_ARRAY, false, SHAPE(only_spread), "2",
	 "[{\"a\":[16,17],\"b\":[\"u\",\"longer than all the others are together\"]}]"},
	{L, FORMAT_CSV, false, SHAPE(to_many), "2",
	 "many,n\n\"[{\"\"a\"\":16,\"\"b\"\":\"\"u\"\"},"
	 "{\"\"a\"\":17,\"\"b\"\":\"\"longer than all the others are together\"\"}]\",3"},
	/* Spreads in spreads. */
	{L, FORMAT_ARRAY, false, SHAPE(column_one_one), "02",
	 "[{\"a\":10,\"c\":null,\"d\":null},{\"a\":null,\"c\":null,\"d\":null}]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_one_many), "01",
	 "[{\"a\":10,\"c\":[13],\"d\":[\"q\"]},{\"a\":20,\"c\":[],\"d\":[]}]"},
	{L, FORMAT_CSV, false, SHAPE(column_one_many), "1", "a,c,d\n20,[],[]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_many_one), "0",
	 "[{\"a\":[11,12],\"c\":[null,null],\"d\":[null,null]}]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_many_many), "01",
	 "[{\"a\":[11,12],\"c\":[[14,15],[]],\"d\":[[\"r\",\"s\"],[]]},"
	 "{\"a\":[],\"c\":[],\"d\":[]}]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_many_embed), "0",
	 "[{\"a\":[11,12],\"deep\":[null,null]}]"},
	{L, FORMAT_ARRAY, false, SHAPE(column_one_embed), "02",
	 "[{\"a\":10,\"deep\":[{\"c\":13,\"d\":\"q\"}]},{\"a\":null,\"deep\":null}]"},
};

static struct query make_query(const struct shape_row *shape)
{
	return (struct query){
		.fetch = fetch,
		.fetch_count = COUNT(fetch),
		.columns = shape->columns,
		.column_count = shape->column_count,
		.format = shape->format,
		.nulls_stripped = shape->stripped,
	};
}

/* False when the source failed. */
static bool write_rows(struct rows *rows, const struct query *query, struct fake_source *source,
					   struct buf *buf, const char *numbers)
{
	rows_begin(rows, query, &source->base, buf);
	for (const char *c = numbers; *c != '\0'; c++) {
		if (!rows_write(rows, all_rows[*c - '0'])) {
			return false;
		}
	}
	rows_end(rows);
	return true;
}

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct fake_source source = make_source();
		struct query query = make_query(&shapes[i]);
		struct buf buf;
		struct rows rows;
		buf_init(&buf, 4096);
		assert_true(write_rows(&rows, &query, &source, &buf, shapes[i].rows));
		assert_int_equal(rows.count, strlen(shapes[i].rows));
		assert_int_equal(source.opened, source.closed);
		if (!str_equal(buf_str(&buf), str_from(shapes[i].want))) {
			fail_msg("line %d: %.*s", shapes[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

/* Every call fails once; what was opened is closed. */
static void test_a_source_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct query query = make_query(&shapes[i]);
		bool ok = false;
		for (size_t call = 0; !ok; call++) {
			struct fake_source source = make_source();
			struct buf buf;
			struct rows rows;
			source.fail_at = call;
			buf_init(&buf, 4096);
			ok = write_rows(&rows, &query, &source, &buf, shapes[i].rows);
			/* It is whole when no call failed, and only then. */
			if (ok != (source.calls <= call)) {
				fail_msg("line %d, call %zu", shapes[i].line, call);
			}
			assert_int_equal(source.opened, source.closed);
			buf_finish(&buf);
		}
	}
}

static void test_a_buffer_that_is_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		size_t len = strlen(shapes[i].want);
		for (size_t max = 0; max <= len; max++) {
			struct fake_source source = make_source();
			struct query query = make_query(&shapes[i]);
			struct buf buf;
			struct rows rows;
			buf_init(&buf, max);
			assert_true(write_rows(&rows, &query, &source, &buf, shapes[i].rows));
			if (buf.failed != (max < len)) {
				fail_msg("line %d, %zu bytes", shapes[i].line, max);
			}
			assert_int_equal(source.opened, source.closed);
			buf_finish(&buf);
		}
	}
}

static void test_one_row(void **state)
{
	(void)state;
	static const struct {
		int line;
		enum query_format format;
		enum query_action action;
		bool must_match;
		const char *rows;
		enum error_code want;
		const char *details;
	} rows[] = {
		{L, FORMAT_ARRAY, QUERY_LIST, false, "", ERROR_NONE, ""},
		{L, FORMAT_ARRAY, QUERY_LIST, false, "12", ERROR_NONE, ""},
		{L, FORMAT_OBJECT, QUERY_LIST, false, "1", ERROR_NONE, ""},
		{L, FORMAT_OBJECT, QUERY_LIST, false, "", ERROR_NOT_ONE, "The result contains 0 rows"},
		{L, FORMAT_OBJECT, QUERY_LIST, false, "123", ERROR_NOT_ONE, "The result contains 3 rows"},
		{L, FORMAT_OBJECT, QUERY_GET, false, "1", ERROR_NONE, ""},
		{L, FORMAT_OBJECT, QUERY_GET, false, "", ERROR_NOT_FOUND, ""},
		{L, FORMAT_OBJECT, QUERY_UPDATE, false, "", ERROR_NOT_ONE, "The result contains 0 rows"},
		{L, FORMAT_OBJECT, QUERY_UPDATE, true, "", ERROR_NOT_FOUND, ""},
		{L, FORMAT_OBJECT, QUERY_INSERT, false, "12", ERROR_NOT_ONE, "The result contains 2 rows"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct query query = {.fetch = fetch,
							  .fetch_count = COUNT(fetch),
							  .columns = plain,
							  .column_count = COUNT(plain),
							  .format = rows[i].format,
							  .action = rows[i].action,
							  .must_match = rows[i].must_match};
		struct fake_source source = make_source();
		struct error error = {.code = ERROR_NONE};
		struct rows writer;
		struct buf buf;
		buf_init(&buf, 4096);
		assert_true(write_rows(&writer, &query, &source, &buf, rows[i].rows));
		bool ok = rows_check_one(&writer, &error);
		if (ok != (rows[i].want == ERROR_NONE) || error.code != rows[i].want ||
			!str_equal(str_from(error.details), str_from(rows[i].details))) {
			fail_msg("line %d: %d %s", rows[i].line, (int)error.code, error.details);
		}
		buf_finish(&buf);
	}
}

static uint64_t tag_of(const struct value *values, size_t tag_count)
{
	static const size_t tag[] = {0, 1, 2};
	struct query query = {.fetch = fetch,
						  .fetch_count = COUNT(fetch),
						  .columns = plain,
						  .column_count = COUNT(plain),
						  .tag = tag,
						  .tag_count = tag_count};
	struct rows rows;
	struct buf buf;
	buf_init(&buf, 4096);
	rows_begin(&rows, &query, NULL, &buf);
	assert_true(rows_write(&rows, values));
	rows_end(&rows);
	buf_finish(&buf);
	return rows.tag;
}

static void test_tags(void **state)
{
	(void)state;
	static const struct value empty[] = {INT(3), TEXT(""), TEXT("")};
	static const struct value nulls[] = {INT(3), NONE, NONE};
	static const struct value moved[] = {INT(3), NONE, TEXT("")};
	static const struct value split[] = {INT(3), TEXT("a"), TEXT("bc")};
	static const struct value split_too[] = {INT(3), TEXT("ab"), TEXT("c")};
	static const struct value *const rows[] = {first, second, third, keyless, csv_text,
											   empty, nulls,  moved, split,   split_too};
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < COUNT(rows); k++) {
			/* Rows that differ in anything have tags that differ. */
			assert_int_equal(tag_of(rows[i], 3) == tag_of(rows[k], 3), i == k);
		}
	}
	/* Other processes compare with it: it stays as it is. */
	assert_true(tag_of(first, 3) == UINT64_C(0xfc0a45a2e7194e24));
	assert_int_equal(tag_of(first, 0), 0);
}

static void test_cursors(void **state)
{
	(void)state;
	static const size_t cursor[] = {1, 0};
	static const struct {
		int line;
		const char *rows;
		const char *want;
	} rows[] = {
		{L, "", ""},
		{L, "0", "[\"a\\\"b\",1]"},
		{L, "01", "[null,2]"},
		{L, "10", "[\"a\\\"b\",1]"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct query query = {.fetch = fetch,
							  .fetch_count = COUNT(fetch),
							  .columns = plain,
							  .column_count = COUNT(plain),
							  .cursor = cursor,
							  .cursor_count = COUNT(cursor)};
		struct rows writer;
		struct buf buf;
		struct buf last;
		buf_init(&buf, 4096);
		buf_init(&last, 4096);
		rows_begin(&writer, &query, NULL, &buf);
		writer.cursor = &last;
		for (const char *c = rows[i].rows; *c != '\0'; c++) {
			assert_true(rows_write(&writer, all_rows[*c - '0']));
		}
		rows_end(&writer);
		if (!str_equal(buf_str(&last), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&last)));
		}
		buf_finish(&buf);
		buf_finish(&last);
	}
}

static void test_none(void **state)
{
	(void)state;
	static const struct {
		int line;
		enum query_format format;
		const char *want;
	} rows[] = {
		{L, FORMAT_ARRAY, "[]"}, {L, FORMAT_OBJECT, ""}, {L, FORMAT_VALUES, "[]"},
		{L, FORMAT_CSV, "n,t"},  {L, FORMAT_NDJSON, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct query query = {
			.columns = plain, .column_count = COUNT(plain), .format = rows[i].format};
		struct buf buf;
		buf_init(&buf, 64);
		struct rows none;
		rows_begin(&none, &query, NULL, &buf);
		rows_end(&none);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

static void test_compare(void **state)
{
	(void)state;
	static const struct {
		int line;
		bool descending;
		bool nulls_first;
		const struct value *a;
		const struct value *b;
		int want;
	} rows[] = {
		{L, false, false, first, second, -1},
		{L, false, true, first, second, 1},
		{L, true, false, first, second, -1},
		{L, true, true, second, first, -1},
		{L, false, false, first, third, 1},
		{L, true, false, first, third, -1},
		{L, false, false, third, third, 0},
		/* Equal by the text, then by the number. */
		{L, false, false, second, second, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct query_order order[] = {
			{.at = 1, .descending = rows[i].descending, .nulls_first = rows[i].nulls_first},
			{.at = 0},
		};
		const struct query query = {.order = order, .order_count = COUNT(order)};
		int got = rows_compare(&query, rows[i].a, rows[i].b);
		if ((got > 0) - (got < 0) != rows[i].want) {
			fail_msg("line %d: %d", rows[i].line, got);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_a_source_that_fails),
		cmocka_unit_test(test_a_buffer_that_is_full),
		cmocka_unit_test(test_one_row),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_cursors),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_compare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
