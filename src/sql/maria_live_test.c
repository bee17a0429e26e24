/*
 * On a server: what the dialect writes finds what the codecs find. Skipped without
 * ROWLOCK_TEST_MARIADB. Random, from a seed that is printed (ROWLOCK_SEED).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/json_path.h"
#include "codec/like.h"
#include "codec/regex.h"
#include "codec/utf8.h"
#include "codec/words.h"
#include "query/compile.h"
#include "sql/maria_test_help.h"
#include "sql/sql_priv.h"

enum { TEXT_BYTES = 1 << 24, TEXTS = 300, PATTERNS = 300, DOCUMENTS = 300, PATHS = 300 };

struct live {
	struct maria_bed bed;
	struct sql sql;
	struct arena arena;
	struct str *texts; /* of the rows 0, 1, … */
	size_t count;
	uint64_t seed;
};

static const struct field t_field = {.name = STR_INIT("t"), .type = TYPE_TEXT};
static const struct field j_field = {.name = STR_INIT("t"), .type = TYPE_JSON};

static uint64_t pick(struct live *live, uint64_t below)
{
	live->seed = live->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (live->seed >> 33) % below;
}

static bool begin(struct live *live)
{
	const char *seed = getenv("ROWLOCK_SEED");
	*live = (struct live){.seed = seed == NULL ? 1 : strtoull(seed, NULL, 10)};
	if (!maria_bed_begin(&live->bed, "rowlock_live_test")) {
		return false;
	}
	print_message("ROWLOCK_SEED=%llu\n", (unsigned long long)live->seed);
	sql_init(&live->sql, &sql_dialect_maria, TEXT_BYTES);
	arena_init(&live->arena, 65536);
	live->texts = ARENA_ARRAY(&live->arena, 1024, struct str);
	maria_bed_do(&live->bed,
				 "CREATE TABLE x (id BIGINT PRIMARY KEY, t LONGTEXT) "
				 "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin");
	return true;
}

static void end(struct live *live)
{
	sql_finish(&live->sql);
	arena_finish(&live->arena);
	maria_bed_end(&live->bed);
}

static void add_text(struct live *live, struct str text)
{
	live->texts[live->count] = arena_copy(&live->arena, text);
	sql_clear(&live->sql);
	sql_write(&live->sql, STR("INSERT INTO x VALUES ("));
	sql_param_number(&live->sql, live->count);
	buf_append_byte(&live->sql.text, ',');
	sql_param_text(&live->sql, text);
	buf_append_byte(&live->sql.text, ')');
	maria_bed_run(&live->bed, &live->sql);
	assert_int_equal(live->bed.code, 0);
	live->count++;
}

/* ---- statements ---- */

struct statement {
	int line;
	unsigned want; /* the server's code */
	const char *text;
	const char *rows; /* NULL: it has none */
};

static void run_statement(struct live *live, const struct statement *statement)
{
	sql_clear(&live->sql);
	sql_write(&live->sql, str_from(statement->text));
	maria_bed_run(&live->bed, &live->sql);
	if (live->bed.code != statement->want ||
		(statement->rows != NULL &&
		 !str_equal(str_from(statement->rows), buf_str(&live->bed.got)))) {
		fail_msg("line %d: %s: %u %.*s", statement->line, statement->text, live->bed.code,
				 STR_ARG(buf_str(&live->bed.got)));
	}
}

/* ---- patterns ---- */

/* Pieces in which patterns and texts meet. */
static const char *const pieces[] = {
	"a",
	"A",
	"b",
	"k",
	"K",
	"\xe2\x84\xaa", /* Kelvin */
	"\xc4\xb0",
	"i",
	"\xc4\xb1",
	"\xc3\xa9",
	"\xc3\x89",
	"e\xcc\x81",
	"ss",
	"\xc3\x9f",
	"\xcf\x83",
	"\xcf\x82",
	"\xce\xa3",
	"\xc5\xbf",
	"s",
	"\n",
	" ",
	"%",
	"_",
	"\\",
	"!",
	"]",
	"[",
	"^",
	"-",
	".",
	"*",
	"(",
	"$",
	"'",
	"\"",
	"5",
	"\xf0\x90\x90\x80",
	"\xf0\x90\x90\xa8",
	"\xe4\xb8\xad",
	"\t",
	"cat",
	"Dog",
};

static struct str random_text(struct live *live, size_t most)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	size_t count = pick(live, most + 1);
	size_t range = pick(live, 2) == 0 ? 8 : sizeof(pieces) / sizeof(pieces[0]);
	for (size_t i = 0; i < count; i++) {
		buf_append(&buf, str_from(pieces[pick(live, range)]));
	}
	struct str text = arena_copy(&live->arena, buf_str(&buf));
	buf_finish(&buf);
	return text;
}

static struct str random_pattern(struct live *live)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	size_t count = pick(live, 5);
	for (size_t i = 0; i < count; i++) {
		static const char *const wild[] = {"%", "%", "_", "\\", "\\%", "\\_", ""};
		buf_append(&buf, str_from(wild[pick(live, 7)]));
		buf_append(&buf, random_text(live, 2));
		buf_append(&buf, str_from(wild[pick(live, 7)]));
	}
	struct str text = arena_copy(&live->arena, buf_str(&buf));
	buf_finish(&buf);
	return text;
}

static bool matches(enum operator_name op, const void *compiled, struct str text)
{
	return op == OPERATOR_FTS                           ? words_contain(compiled, text)
		: op == OPERATOR_MATCH || op == OPERATOR_IMATCH ? regex_matches(compiled, text) == REGEX_YES
														: like_matches(compiled, text);
}

/* The rows that the condition finds are those whose texts match. */
static void compare(struct live *live, enum operator_name op, struct str pattern,
					const void *compiled)
{
	struct sql *sql = &live->sql;
	struct buf want;
	struct cond cond = {
		.kind = COND_COMPARE,
		.field = &t_field,
		.type = &t_field,
		.op = op,
		.operand = {.value = {.kind = VALUE_TEXT, .text = pattern}, .parameter = -1},
		.compiled = {.kind = VALUE_POINTER, .pointer = compiled},
	};
	sql_clear(sql);
	sql_write(sql, STR("SELECT id FROM x WHERE "));
	sql_write_cond(sql, &cond);
	sql_write(sql, STR(" ORDER BY id"));
	if (sql->unsupported != NULL) {
		return;
	}
	maria_bed_run(&live->bed, sql);
	if (live->bed.code != 0 || maria_bed_warning(&live->bed) != 0) {
		fail_msg("%d %.*s: %u %.*s", (int)op, STR_ARG(pattern), live->bed.code,
				 STR_ARG(buf_str(&live->bed.got)));
	}
	buf_init(&want, SIZE_MAX);
	for (size_t i = 0; i < live->count; i++) {
		if (matches(op, compiled, live->texts[i])) {
			buf_printf(&want, "%s%zu", want.len > 0 ? ";" : "", i);
		}
	}
	if (!str_equal(buf_str(&want), buf_str(&live->bed.got))) {
		fail_msg("operator %d, pattern \"%.*s\" (%.*s)\n got  %.*s\n want %.*s", (int)op,
				 STR_ARG(pattern), STR_ARG(sql->params[sql->param_count - 1].value->text),
				 STR_ARG(buf_str(&live->bed.got)), STR_ARG(buf_str(&want)));
	}
	buf_finish(&want);
}

static void add_texts(struct live *live)
{
	for (size_t i = 0; i < TEXTS; i++) {
		add_text(live, random_text(live, 8));
	}
	add_text(live, STR("line\n"));
	add_text(live, STR("a\0b"));
}

static void test_patterns(void **state)
{
	(void)state;
	struct live live;
	if (!begin(&live)) {
		skip();
	}
	add_texts(&live);
	for (size_t i = 0; i < PATTERNS; i++) {
		struct str pattern = random_pattern(&live);
		compare(&live, OPERATOR_LIKE, pattern, like_create(pattern, false, &live.arena));
		compare(&live, OPERATOR_ILIKE, pattern, like_create(pattern, true, &live.arena));
	}
	end(&live);
}

/* Every letter that has another case meets all letters of its lower case, and no others. */
static void test_all_letters(void **state)
{
	(void)state;
	struct live live;
	uint32_t cases[LIKE_CASES];
	struct buf all;
	if (!begin(&live)) {
		skip();
	}
	buf_init(&all, SIZE_MAX);
	sql_clear(&live.sql);
	sql_write(&live.sql, STR("SELECT 1 FROM DUAL WHERE 1"));
	for (uint32_t code = 1; code < 0x110000; code++) {
		if ((code >= 0xd800 && code < 0xe000) || like_cases(code, cases) < 2) {
			continue;
		}
		size_t count = like_cases(code, cases);
		for (size_t i = 0; i < count; i++) {
			char bytes[4];
			assert_int_equal(like_fold(cases[i]), code);
			buf_append(&all, (struct str){bytes, utf8_write(bytes, cases[i])});
		}
		buf_append_byte(&all, '\n');
	}
	add_text(&live, buf_str(&all));
	for (uint32_t code = 1; code < 0x110000; code++) {
		uint32_t lower = like_fold(code);
		if (lower != code) {
			bool found = false;
			size_t count = like_cases(lower, cases);
			for (size_t i = 0; i < count; i++) {
				found = found || cases[i] == code;
			}
			assert_true(found);
		}
	}
	/* One letter at a time is too much; the whole text, as its own pattern, in other cases. */
	struct buf lower;
	buf_init(&lower, SIZE_MAX);
	like_fold_text(buf_str(&all), &lower);
	for (size_t at = 0; at < lower.len; at += 400) {
		size_t from = at;
		size_t to = at + 400 < lower.len ? at + 400 : lower.len;
		while (from > 0 && ((unsigned char)lower.ptr[from] & 0xc0) == 0x80) {
			from--;
		}
		while (to < lower.len && ((unsigned char)lower.ptr[to] & 0xc0) == 0x80) {
			to++;
		}
		struct buf pattern;
		buf_init(&pattern, SIZE_MAX);
		buf_printf(&pattern, "%%%.*s%%", STR_ARG(str_slice(buf_str(&lower), from, to)));
		compare(&live, OPERATOR_ILIKE, buf_str(&pattern),
				like_create(buf_str(&pattern), true, &live.arena));
		assert_true(str_equal(buf_str(&live.bed.got), STR("0")));
		buf_finish(&pattern);
	}
	buf_finish(&lower);
	buf_finish(&all);
	end(&live);
}

static void test_expressions(void **state)
{
	(void)state;
	static const char *const expressions[] = {
		"",        "a$",          "a.b",       "^$",
		"^.*$",    "\\$",         "[$]",       "[]$]",
		"[^]$]a",  "\\Q$\\E",     "a|b$",      "(?m)^a$",
		"(?i)k$",  "\\w+$",       "\\bcat\\b", "[[:alpha:]]$",
		"(?#$)a$", "\\c$|a$",     "(?i:K)$",   "\\d$",
		"e\\$?$",  "\\s$",        "\\p{Lu}$",  "[[:punct:]$]$",
		"k",       "(a|b)+$",     "(?<x>a)$",  "\\x{e9}$",
		"^\\R$",   "\\n$",        "line$",     "line\\Z",
		"line\\z", "$",           "$a",        "[a-c$-%]",
		"[[.a.]",  "(?s-i)A.$",   "\\\\$",     "x*$",
		"(?=a)a$", "(*MARK:$)a$",
	};
	struct live live;
	if (!begin(&live)) {
		skip();
	}
	add_texts(&live);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		for (int caseless = 0; caseless < 2; caseless++) {
			struct error error;
			struct str pattern = str_from(expressions[i]);
			const struct regex *regex = regex_compile(pattern, caseless != 0, &live.arena, &error);
			if (regex != NULL) {
				compare(&live, caseless != 0 ? OPERATOR_IMATCH : OPERATOR_MATCH, pattern, regex);
			}
		}
	}
	end(&live);
}

/* One that costs too much is no match, with a warning. */
static void test_costly(void **state)
{
	(void)state;
	struct live live;
	if (!begin(&live)) {
		skip();
	}
	add_text(&live, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
	struct cond cond = {
		.kind = COND_COMPARE,
		.field = &t_field,
		.type = &t_field,
		.op = OPERATOR_MATCH,
		.operand = {.value = {.kind = VALUE_TEXT, .text = STR("^(a+)+$")}, .parameter = -1},
	};
	sql_clear(&live.sql);
	sql_write(&live.sql, STR("SELECT id FROM x WHERE "));
	sql_write_cond(&live.sql, &cond);
	assert_true(live.sql.may_cost);
	maria_bed_run(&live.bed, &live.sql);
	assert_int_equal(live.bed.code, 0);
	assert_int_equal(maria_bed_warning(&live.bed), 1139);
	end(&live);
}

static void test_words(void **state)
{
	(void)state;
	struct live live;
	if (!begin(&live)) {
		skip();
	}
	add_texts(&live);
	add_text(&live, STR("the fat cat sat on a mat"));
	add_text(&live, STR("Cat, dog; DOG cat-dog 5a a5 k \xe2\x84\xaa"));
	for (size_t i = 0; i < PATTERNS; i++) {
		static const char *const joins[] = {" <-> ", " <2> ", " <3> ", ":* <-> ", " "};
		struct buf text;
		struct error error;
		const struct words_node *node = NULL;
		buf_init(&text, SIZE_MAX);
		size_t count = 1 + pick(&live, 3);
		for (size_t k = 0; k < count; k++) {
			buf_append(&text, k > 0 ? str_from(joins[pick(&live, 4)]) : STR(""));
			buf_append_byte(&text, '\'');
			buf_append(&text, str_from(pieces[pick(&live, 21)]));
			buf_append(&text, pick(&live, 3) == 0 ? str_from(pieces[pick(&live, 20)]) : STR(""));
			buf_append_byte(&text, '\'');
		}
		buf_append(&text, pick(&live, 3) == 0 ? STR(":*") : STR(""));
		if (words_parse(WORDS_QUERY, buf_str(&text), &live.arena, &node, &error) && node != NULL &&
			node->kind == WORDS_PHRASE) {
			compare(&live, OPERATOR_FTS, buf_str(&text), &node->phrase);
		}
		buf_finish(&text);
	}
	end(&live);
}

/* ---- paths ---- */

static const char *const keys[] = {"a",    "0",    "1",  "-1", "",    "b c", "\xc3\xa9",
								   "a\"b", "a\\b", "$",  "*",  "[0]", ".",   "\xf0\x9f\x98\x80",
								   "a'b",  "2",    "00", "\n"};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* Sometimes with an escape where none is needed. */
static void write_key(struct live *live, struct str key, struct buf *buf)
{
	if (key.len == 0 || (unsigned char)key.ptr[0] >= 0x80 || pick(live, 4) > 0) {
		json_write_string(buf, key);
		return;
	}
	struct buf rest;
	buf_init(&rest, SIZE_MAX);
	json_write_string(&rest, str_slice(key, 1, key.len));
	buf_printf(buf, "\"\\u%04x%.*s", (unsigned)(unsigned char)key.ptr[0],
			   STR_ARG(str_slice(buf_str(&rest), 1, rest.len)));
	buf_finish(&rest);
}

static void write_document(struct live *live, size_t depth, struct buf *buf)
{
	static const char *const plain[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"1.50",
		"1e5",
		"1E+5",
		"12345678901234567890123",
		"-1.0e-7",
		"\"\"",
		"\"x\"",
		"\"null\"",
		"\"\\u00e9\\n\\/\\\\\"",
		"\"\\ud83d\\ude00\"",
		"\"\xf0\x9f\x98\x80\"",
		"\"a\\u0000b\"",
		"\"5\"",
		"\"[1]\"",
		"\"\\b\\f\\r\\t\"",
		"\"'\"",
		"\"\x7f\"",
	};
	uint64_t kind = depth == 0 ? 9 : pick(live, 10);
	size_t count = pick(live, 4);
	if (kind >= 7) {
		buf_append(buf, str_from(plain[pick(live, sizeof(plain) / sizeof(plain[0]))]));
		return;
	}
	bool object = kind < 4;
	uint64_t first = pick(live, KEYS);
	buf_append_byte(buf, object ? '{' : '[');
	for (size_t i = 0; i < count; i++) {
		buf_append(buf, i > 0 ? STR(",") : STR(""));
		if (object) {
			write_key(live, str_from(keys[(first + i * (1 + first % 3)) % KEYS]), buf);
			buf_append_byte(buf, ':');
		}
		write_document(live, depth - 1, buf);
	}
	buf_append_byte(buf, object ? '}' : ']');
}

static void random_path(struct live *live, struct json_path *path)
{
	size_t count = 1 + pick(live, 4);
	struct json_step *steps = ARENA_ARRAY(&live->arena, count, struct json_step);
	for (size_t i = 0; i < count; i++) {
		if (pick(live, 2) == 0) {
			int64_t position = pick(live, 12) == 0 ? INT64_C(5000000000)
												   : (int64_t)pick(live, 6) - 3;
			steps[i] = (struct json_step){
				.is_position = true,
				.position = position,
				.key = arena_printf(&live->arena, "%lld", (long long)position),
			};
		} else {
			steps[i].key = str_from(keys[pick(live, KEYS)]);
		}
	}
	*path = (struct json_path){steps, count, pick(live, 2) == 0};
}

static void test_paths(void **state)
{
	(void)state;
	struct live live;
	struct buf buf;
	struct buf want;
	size_t found = 0;
	if (!begin(&live)) {
		skip();
	}
	buf_init(&buf, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	for (size_t i = 0; i < DOCUMENTS; i++) {
		buf_clear(&buf);
		write_document(&live, 4, &buf);
		add_text(&live, buf_str(&buf));
	}
	for (size_t i = 0; i < PATHS; i++) {
		struct json_path path;
		random_path(&live, &path);
		sql_clear(&live.sql);
		sql_write(&live.sql, STR("SELECT "));
		live.sql.dialect->path(&live.sql, &j_field, &path);
		sql_write(&live.sql, STR(" FROM x ORDER BY id"));
		maria_bed_run(&live.bed, &live.sql);
		buf_clear(&want);
		for (size_t k = 0; k < live.count; k++) {
			buf_append(&want, k > 0 ? STR(";") : STR(""));
			buf_clear(&buf);
			bool there = json_path_write(&path, live.texts[k], &buf);
			buf_append(&want, there ? buf_str(&buf) : STR("-"));
			found += there;
		}
		if (live.bed.code != 0 || !str_equal(buf_str(&want), buf_str(&live.bed.got))) {
			size_t at = 0;
			while (at < want.len && at < live.bed.got.len && want.ptr[at] == live.bed.got.ptr[at]) {
				at++;
			}
			for (size_t k = 0; k < live.sql.param_count; k++) {
				print_message("%s\n", live.sql.params[k].value->text.ptr);
			}
			size_t row = 0;
			for (size_t k = 0; k < at; k++) {
				row += want.ptr[k] == ';';
			}
			fail_msg("%.*s\n %.*s\n got  %.40s\n want %.40s", STR_ARG(buf_str(&live.sql.text)),
					 STR_ARG(live.texts[row]), live.bed.got.ptr + at, want.ptr + at);
		}
	}
	print_message("%zu values were found\n", found);
	buf_finish(&want);
	buf_finish(&buf);
	end(&live);
}

/* ---- tables ---- */

static const char yaml[] =
	"service: s\n"
	"resources:\n"
	"  people:\n"
	"    key: id\n"
	"    fields:\n"
	"      id: { type: integer, default: auto }\n"
	"      name: text\n"
	"      town: text(40)\n"
	"      king: boolean\n"
	"      place: integer\n"
	"      \"odd `name\": { type: text, default: 'it''s \\\\ \\\"' }\n"
	"      fee: { type: \"decimal(6,2)\", default: 1.5 }\n"
	"      share: { type: number, default: -0.25 }\n"
	"      born: { type: date, default: 2001-02-03 }\n"
	"      wakes: { type: time, default: 04:05:06.5 }\n"
	"      seen: { type: datetime, default: 1969-12-31T23:59:59.25Z }\n"
	"      token: { type: uuid, default: auto }\n"
	"      data: json\n"
	"      a_name_that_is_quite_as_long_as_a_name_may_be_in_this_database: text\n"
	"    unique:\n"
	"      one name: name\n"
	"      one king: { fields: [place, name], where: \"king=is.true\" }\n"
	"      a rule whose name is so long that nobody knows what it was for:\n"
	"        { fields: [town, name, born] }\n"
	"    check:\n"
	"      kings have a place: \"or=(king.is.false,place.not.is.null)\"\n"
	"      values: \"name=neq.it's&fee=gte.1.5&share=lt.0.25&born=gte.1900-01-01\"\n"
	"      many: \"place=in.(1,2,3,4,5,6,7,8,9,10,11)\"\n"
	"    index:\n"
	"      - { fields: [name, place], where: \"king=is.true\" }\n"
	"      - { fields: [a_name_that_is_quite_as_long_as_a_name_may_be_in_this_database, town] }\n"
	"  houses:\n"
	"    key: [street, number, \"in\"]\n"
	"    fields:\n"
	"      street: text\n"
	"      number: text\n"
	"      \"in\":   date\n"
	"      owner:  { type: integer, references: people }\n"
	"      twin:   uuid\n"
	"  counts:\n"
	"    tally: houses\n"
	"    by: [street]\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static void test_tables(void **state)
{
	(void)state;
	static const struct statement statements[] = {
		{__LINE__, 0, "INSERT INTO people (place) VALUES (1)", NULL},
		{__LINE__, 0,
		 "SELECT id,`odd ``name`,fee,share,born,wakes,seen,CHAR_LENGTH(token),"
		 "token REGEXP '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' "
		 "FROM people",
		 "1,it's \\\\ \\\",1.50,-0.25,2001-02-03,04:05:06.500000,1969-12-31 23:59:59.250000,36,1"},
		{__LINE__, 0, "INSERT INTO people (name,place,king) VALUES ('a',1,1)", NULL},
		{__LINE__, 1062, "INSERT INTO people (name,place) VALUES ('a',2)", NULL},
		{__LINE__, 0, "INSERT INTO people (name,place) VALUES ('A',1),('a ',1),('\xc3\xa4',1)",
		 NULL},
		{__LINE__, 4025, "INSERT INTO people (king) VALUES (2)", NULL},
		{__LINE__, 4025, "INSERT INTO people (name,king) VALUES ('k',1)", NULL},
		{__LINE__, 4025, "INSERT INTO people (place) VALUES (12)", NULL},
		{__LINE__, 4025, "INSERT INTO people (place,born) VALUES (1,'1899-12-31')", NULL},
		{__LINE__, 4025, "INSERT INTO people (place,data) VALUES (1,'{')", NULL},
		{__LINE__, 1406, "INSERT INTO people (place,town) VALUES (1,REPEAT('x',41))", NULL},
		{__LINE__, 1406, "INSERT INTO people (place,name) VALUES (1,REPEAT('x',769))", NULL},
		{__LINE__, 0, "DELETE FROM people WHERE name='\xc3\xa4'", NULL},
		{__LINE__, 0, "INSERT INTO people (name,place) VALUES ('last',3)", NULL},
		{__LINE__, 0, "SELECT COUNT(*),MAX(id)>COUNT(*) FROM people", "5,1"},
		{__LINE__, 0, "INSERT INTO people (id,place) VALUES (0,1)", NULL},
		{__LINE__, 0, "SELECT id FROM people WHERE id=0", "0"},
		{__LINE__, 1452, "INSERT INTO houses VALUES ('s','1','2000-01-01',99,NULL)", NULL},
		{__LINE__, 0, "INSERT INTO houses VALUES ('s','1','2000-01-01',1,NULL)", NULL},
		{__LINE__, 0, "UPDATE houses SET street='S'", NULL},
		{__LINE__, 0, "SELECT * FROM counts ORDER BY 1", "S,1;s,0"},
		{__LINE__, 0, "SELECT * FROM `counts.head` ORDER BY 1", "S;s"},
		{__LINE__, 1451, "DELETE FROM people WHERE id=1", NULL},
		{__LINE__, 0, "DELETE FROM houses", NULL},
		{__LINE__, 0, "SELECT * FROM counts ORDER BY 1", "S,0;s,0"},
	};
	struct live live;
	struct model_report report;
	if (!begin(&live)) {
		skip();
	}
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("f"), no_environment, &report);
	if (model == NULL || !query_compile(model, &report)) {
		fail_msg("%.*s", STR_ARG(report.problems[0].message));
	}
	maria_bed_make(&live.bed, model);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		run_statement(&live, &statements[i]);
	}
	model_report_finish(&report);
	model_destroy(model);
	end(&live);
}

/* What an INSERT that met a row says. */
static void test_upserts(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *text;
		const char *want;
	} rows[] = {
#define MET "`v`=IF((@_met:=1)=0,NULL,`v`) RETURNING @_met IS NOT NULL,@_met:=NULL"
		{__LINE__, "INSERT INTO k VALUES (1,2) ON DUPLICATE KEY UPDATE `v`=VALUES(`v`)," MET,
		 "0,-"},
		{__LINE__, "INSERT INTO k VALUES (1,2) ON DUPLICATE KEY UPDATE `v`=VALUES(`v`)," MET,
		 "1,-"},
		{__LINE__, "INSERT INTO k VALUES (1,3) ON DUPLICATE KEY UPDATE `v`=VALUES(`v`)," MET,
		 "1,-"},
		{__LINE__, "INSERT INTO k VALUES (2,3) ON DUPLICATE KEY UPDATE " MET, "0,-"},
		{__LINE__, "INSERT INTO k VALUES (2,3) ON DUPLICATE KEY UPDATE " MET, "1,-"},
		{__LINE__, "INSERT INTO a VALUES (1,2) ON DUPLICATE KEY UPDATE `v`=VALUES(`v`)," MET,
		 "0,-"},
		{__LINE__, "INSERT INTO a VALUES (1,2) ON DUPLICATE KEY UPDATE `v`=VALUES(`v`)," MET,
		 "1,-"},
		{__LINE__, "INSERT INTO a (v) VALUES (5) ON DUPLICATE KEY UPDATE " MET, "0,-"},
#undef MET
	};
	struct live live;
	if (!begin(&live)) {
		skip();
	}
	maria_bed_do(&live.bed, "CREATE TABLE k (id BIGINT PRIMARY KEY, v INT)");
	maria_bed_do(&live.bed, "CREATE TABLE a (id BIGINT PRIMARY KEY AUTO_INCREMENT, v INT)");
	/* A trigger takes the insert id away. */
	maria_bed_do(&live.bed, "CREATE TABLE log (n INT)");
	maria_bed_do(&live.bed,
				 "CREATE TRIGGER t AFTER UPDATE ON k FOR EACH ROW "
				 "INSERT INTO log VALUES (1)");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct statement statement = {rows[i].line, 0, rows[i].text, rows[i].want};
		run_statement(&live, &statement);
	}
	end(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),    cmocka_unit_test(test_all_letters),
		cmocka_unit_test(test_expressions), cmocka_unit_test(test_words),
		cmocka_unit_test(test_costly),      cmocka_unit_test(test_paths),
		cmocka_unit_test(test_tables),      cmocka_unit_test(test_upserts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
