/* MariaDB databases that somebody else made, and the service files that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/describe.h"
#include "store/store_test_help.h"

enum { FILE_BYTES = 1 << 20, TEXT_BYTES = 4096 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define HEAD "resources:"
#define END " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

struct bed {
	struct fixture fixture;
	struct maria_test maria;
};

static void begin(struct bed *bed)
{
	if (!maria_test_is_on()) {
		skip();
	}
	*bed = (struct bed){.maria = {.name = ""}};
	fixture_init(&bed->fixture, test_service);
	maria_test_create(&bed->maria);
}

static void end(struct bed *bed)
{
	maria_test_finish(&bed->maria);
	fixture_finish(&bed->fixture);
}

static bool describe(struct bed *bed, bool write, struct buf *yaml, struct error *error)
{
	const struct describe_options options = {.url = str_from(bed->maria.url), .write = write};
	*error = (struct error){.code = ERROR_NONE};
	buf_init(yaml, FILE_BYTES);
	return store_describe(options.url, &options, yaml, error);
}

/* Behind HEAD. */
static struct str resources_of(const struct buf *yaml)
{
	struct str text = buf_str(yaml);
	size_t at = 0;
	while (!str_starts_with(str_slice(text, at, text.len), STR(HEAD))) {
		at++;
	}
	return str_slice(text, at + sizeof(HEAD) - 1, text.len);
}

/* What is described is what the loader reads and the store accepts, also as a file. */
static void assert_accepted(int line, struct bed *bed, struct str yaml)
{
	struct fixture *fixture = &bed->fixture;
	struct model_report report;
	model_report_init(&report);
	model_destroy(fixture->model);
	fixture->model = model_parse(yaml, STR("test.yaml"), NULL, &report);
	if (fixture->model == NULL) {
		fail_msg("line %d: %zu: %.*s\n%.*s", line, report.problems[0].place.line,
				 STR_ARG(report.problems[0].message), STR_ARG(yaml));
	}
	model_report_finish(&report);
	for (int existing = 0; existing <= 1; existing++) {
		struct error error = {.code = ERROR_NONE};
		fixture->model->kept_answers = NULL;
		struct store_options options = fixture_options(fixture);
		options.existing = existing == 1;
		options.read_only = true;
		struct store *store = store_open(str_from(bed->maria.url), &options, &error);
		if (store == NULL) {
			fail_msg("line %d: %s: %s\n%.*s", line, error.message, error.details, STR_ARG(yaml));
		}
		store_close(store);
	}
}

struct row {
	int line;
	const char *sql;  /* makes a, b, c … */
	const char *want; /* behind HEAD */
};

static void check_row(struct bed *bed, const struct row *row, bool write)
{
	struct buf yaml;
	struct error error;
	maria_test_run(&bed->maria, row->sql);
	if (!describe(bed, write, &yaml, &error)) {
		fail_msg("line %d: %s: %s", row->line, error.message, error.details);
	}
	if (!str_equal(resources_of(&yaml), str_from(row->want))) {
		fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&yaml)));
	}
	assert_accepted(row->line, bed, buf_str(&yaml));
	buf_finish(&yaml);
	maria_test_run(&bed->maria,
				   "SET foreign_key_checks=0;DROP VIEW IF EXISTS a,b,c,v;"
				   "DROP TABLE IF EXISTS a,A,b,c,t,`it's`,`x;--`,_rl_a");
}

static void check_rows(const struct row *rows, size_t count, bool write)
{
	struct bed bed;
	begin(&bed);
	for (size_t i = 0; i < count; i++) {
		check_row(&bed, &rows[i], write);
	}
	end(&bed);
}

struct column_row {
	int line;
	const char *declared;
	const char *want;
};

static void check_columns(const struct column_row *rows, size_t count)
{
	struct bed bed;
	begin(&bed);
	for (size_t i = 0; i < count; i++) {
		char sql[TEXT_BYTES];
		char want[TEXT_BYTES];
		snprintf(sql, sizeof(sql), "CREATE TABLE t (a %s)" END, rows[i].declared);
		snprintf(want, sizeof(want), "\n  t:\n    key: []\n    fields:\n      a: %s\n",
				 rows[i].want);
		const struct row row = {rows[i].line, sql, want};
		check_row(&bed, &row, true);
	}
	end(&bed);
}

static void test_types(void **state)
{
	(void)state;
	static const struct column_row rows[] = {
		{__LINE__, "TINYINT(1)", "{ type: boolean, loose: true }"},
		{__LINE__, "TINYINT(1) UNSIGNED", "{ type: boolean, loose: true }"},
		{__LINE__, "TINYINT(2)", "integer"},
		{__LINE__, "TINYINT", "integer"},
		{__LINE__, "BOOLEAN", "{ type: boolean, loose: true }"},
		{__LINE__, "BIT", "{ type: boolean, loose: true }"},
		{__LINE__, "BIT(2)", "integer"},
		{__LINE__, "BIT(64)", "integer"},
		{__LINE__, "SMALLINT", "integer"},
		{__LINE__, "MEDIUMINT UNSIGNED ZEROFILL", "integer"},
		{__LINE__, "INT(1)", "integer"},
		{__LINE__, "BIGINT UNSIGNED", "integer"},
		{__LINE__, "YEAR", "integer"},
		{__LINE__, "DECIMAL(18,18)", "decimal(18,18)"},
		{__LINE__, "DECIMAL(1,0) UNSIGNED", "decimal(1,0)"},
		{__LINE__, "NUMERIC", "decimal(10,0)"},
		{__LINE__, "FLOAT", "number"},
		{__LINE__, "FLOAT(7,3)", "number"},
		{__LINE__, "DOUBLE", "number"},
		{__LINE__, "CHAR", "text(1)"},
		{__LINE__, "CHAR(0)", "text"},
		{__LINE__, "VARCHAR(3000)", "text(3000)"},
		{__LINE__, "TINYTEXT", "text"},
		{__LINE__, "TEXT", "text"},
		{__LINE__, "MEDIUMTEXT", "text"},
		{__LINE__, "LONGTEXT", "text"},
		{__LINE__, "JSON", "json"},
		{__LINE__, "LONGTEXT CHECK (JSON_VALID(a))", "json"},
		{__LINE__, "TEXT CHECK (LENGTH(a) > 1)", "text"},
		{__LINE__, "ENUM('a','it''s','x,y','','${A}')",
		 "{ type: text, in: [\"a\", \"it's\", \"x,y\", \"\", \"$${A}\"] }"},
		{__LINE__, "SET('a','b')", "text"},
		{__LINE__, "UUID", "uuid"},
		{__LINE__, "INET6", "text"},
		{__LINE__, "DATE", "date"},
		{__LINE__, "TIME", "time"},
		{__LINE__, "TIME(6)", "time"},
		{__LINE__, "DATETIME(3)", "datetime"},
		{__LINE__, "TIMESTAMP NULL", "datetime"},
		{__LINE__, "BINARY(16)", "{ type: text, write: never }"},
		{__LINE__, "VARBINARY(16)", "{ type: text, write: never }"},
		{__LINE__, "LONGBLOB", "{ type: text, write: never }"},
	};
	check_columns(rows, COUNT(rows));
}

static void test_defaults(void **state)
{
	(void)state;
	static const struct column_row rows[] = {
		{__LINE__, "INT DEFAULT 7", "{ type: integer, default: 7 }"},
		{__LINE__, "INT DEFAULT -7", "{ type: integer, default: -7 }"},
		{__LINE__, "INT DEFAULT (1 + 1)", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT NULL", "integer"},
		{__LINE__, "INT NOT NULL DEFAULT 7", "{ type: integer, required: true, default: 7 }"},
		{__LINE__, "BIT(3) DEFAULT b'101'", "{ type: integer, default: database }"},
		{__LINE__, "DECIMAL(5,2) DEFAULT 1.5", "{ type: \"decimal(5,2)\", default: database }"},
		{__LINE__, "DOUBLE DEFAULT 1.5", "{ type: number, default: 1.5 }"},
		{__LINE__, "BOOLEAN DEFAULT TRUE", "{ type: boolean, default: true, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT 0", "{ type: boolean, default: false, loose: true }"},
		{__LINE__, "TEXT DEFAULT ''", "{ type: text, default: \"\" }"},
		{__LINE__, "TEXT DEFAULT 'NULL'", "{ type: text, default: \"NULL\" }"},
		{__LINE__, "TEXT DEFAULT 'it''s \\\\ \"so\"\\n'",
		 "{ type: text, default: \"it's \\\\ \\\"so\\\"\\n\" }"},
		{__LINE__, "TEXT DEFAULT (CONCAT('a','b'))", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT 'database'", "{ type: text, default: \"database\" }"},
		{__LINE__, "VARCHAR(3) DEFAULT '\xC3\xA4\xC3\xB6'",
		 "{ type: text(3), default: \"\xC3\xA4\xC3\xB6\" }"},
		{__LINE__, "ENUM('a','b') DEFAULT 'b'",
		 "{ type: text, default: \"b\", in: [\"a\", \"b\"] }"},
		{__LINE__, "DATE DEFAULT '2000-01-01'", "{ type: date, default: database }"},
		{__LINE__, "DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
		 "{ type: datetime, default: database }"},
		{__LINE__, "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
		 "{ type: datetime, required: true, default: database }"},
		{__LINE__, "UUID DEFAULT UUID()", "{ type: uuid, default: database }"},
		{__LINE__, "INT AUTO_INCREMENT UNIQUE",
		 "{ type: integer, required: true, default: database }\n    unique:\n      a: a"},
	};
	check_columns(rows, COUNT(rows));
}

static void test_keys(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "CREATE TABLE a (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, x INT NOT NULL)",
		 "\n  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"
		 "      x: { type: integer, required: true }\n"},
		/* The key has to be known. */
		{__LINE__, "CREATE TABLE a (id INT PRIMARY KEY DEFAULT 7, u INT DEFAULT 1)",
		 "\n  a:\n    key: id\n    fields:\n      id: integer\n"
		 "      u: { type: integer, default: 1 }\n"},
		{__LINE__, "CREATE TABLE a (x INT, y VARCHAR(9), z INT, PRIMARY KEY (y, x))" END,
		 "\n  a:\n    key: [y, x]\n    fields:\n      x: integer\n      y: text(9)\n"
		 "      z: integer\n"},
		{__LINE__, "CREATE TABLE a (x INT, n INT AUTO_INCREMENT, PRIMARY KEY (n, x))",
		 "\n  a:\n    key: [n, x]\n    fields:\n      x: integer\n      n: integer\n"},
		{__LINE__, "CREATE TABLE a (j LONGTEXT CHECK (JSON_VALID(j)), UNIQUE (j))" END,
		 "\n  a:\n    key: []\n    fields:\n      j: text\n    unique:\n      j: j\n"},
		{__LINE__,
		 "CREATE TABLE a (x INT, y INT, t TEXT, UNIQUE (y, x), UNIQUE `one x` (x),"
		 "UNIQUE part (t(10)), INDEX (t(5)))" END,
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n      y: integer\n      t: text\n"
		 "    unique:\n      \"one x\": x\n      y: [y, x]\n"},
		{__LINE__,
		 "CREATE TABLE a (x INT, y INT AS (x + 1) STORED, z INT NOT NULL DEFAULT 1 INVISIBLE)",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n"
		 "      y: { type: integer, write: never }\n"},
		{__LINE__, "CREATE TABLE a (x INT) WITH SYSTEM VERSIONING; CREATE SEQUENCE c",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n"},
		{__LINE__, "CREATE TABLE a (x INT) ENGINE=MyISAM",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n"
		 "    # only read: MyISAM cannot take back what was written\n    read_only: true\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

static void test_references(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__,
		 "CREATE TABLE b (id INT PRIMARY KEY, x INT, y INT, UNIQUE two (x, y));"
		 "CREATE TABLE a (b INT, x INT, y INT, FOREIGN KEY (b) REFERENCES b (id),"
		 "CONSTRAINT named FOREIGN KEY (x, y) REFERENCES b (x, y),"
		 "FOREIGN KEY (b) REFERENCES b (id))",
		 "\n  a:\n    key: []\n    fields:\n      b: { type: integer, references: b }\n"
		 "      x: integer\n      y: integer\n    references:\n"
		 "      a_x_y_fkey: { fields: [x, y], to: b, on: [x, y] }\n"
		 "  b:\n    key: id\n    fields:\n      id: integer\n      x: integer\n      y: integer\n"
		 "    unique:\n      two: [x, y]\n"},
		{__LINE__,
		 "CREATE TABLE b (n INT, KEY (n));"
		 "CREATE TABLE a (n INT, FOREIGN KEY (n) REFERENCES b (n))",
		 "\n  a:\n    key: []\n    fields:\n      n: integer\n"
		 "    # left out: the foreign key of (n) to b: its target is neither key nor unique\n"
		 "  b:\n    key: []\n    fields:\n      n: integer\n"},
		{__LINE__,
		 "CREATE TABLE b (n BINARY(2) PRIMARY KEY);"
		 "CREATE TABLE a (n BINARY(2), FOREIGN KEY (n) REFERENCES b (n))",
		 "\n  a:\n    key: []\n    fields:\n      n: { type: text, write: never }\n"
		 "    # left out: the foreign key of (n) to b: its columns hold bytes, which are no text\n"
		 "  b:\n    key: n\n    fields:\n      n: { type: text, write: never }\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

#define ORDERED ": what is equal, and the order, are the database's\n"

static void test_collations(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "CREATE TABLE a (x TEXT, n INT, y TEXT) COLLATE utf8mb4_general_ci",
		 "\n  a:\n    key: []\n    # texts are compared with \"utf8mb4_general_ci\"" ORDERED
		 "    fields:\n      x: text\n      n: integer\n      y: text\n"},
		{__LINE__, "CREATE TABLE a (x TEXT COLLATE latin1_bin, y TEXT)" END,
		 "\n  a:\n    key: []\n    fields:\n      # compared with \"latin1_bin\"" ORDERED
		 "      x: text\n      y: text\n"},
		{__LINE__, "CREATE TABLE a (n INT, j JSON) CHARACTER SET latin1",
		 "\n  a:\n    key: []\n    fields:\n      n: integer\n      j: json\n"},
		/* Functions of JSON are of one character set. */
		{__LINE__, "CREATE TABLE a (j TEXT CHECK (JSON_VALID(j))) CHARACTER SET latin1",
		 "\n  a:\n    key: []\n    # texts are compared with \"latin1_swedish_ci\"" ORDERED
		 "    fields:\n      j: text\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

static void test_what_is_left_out(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "CREATE TABLE a (x INT, p POINT, g GEOMETRY NOT NULL)",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n"
		 "      # left out: \"p\": its values are shapes, which are no text\n"
		 "      # left out: \"g\": its values are shapes, which are no text\n"
		 "    read_only: true\n"},
		{__LINE__, "CREATE TABLE a (p POINT); CREATE TABLE _rl_a (x INT)",
		 " {}\n  # left out: \"a\": \"it has no columns that a service file can name\"\n"},
		{__LINE__, "CREATE TABLE a (x INT); CREATE TABLE A (y INT)",
		 "\n  A:\n    key: []\n    fields:\n      y: integer\n"
		 "  # left out: \"a\": \"its name differs from another table's only in case\"\n"},
		{__LINE__, "CREATE TABLE a (n DECIMAL(19,0), m DECIMAL(30,10) NOT NULL)",
		 "\n  a:\n    key: []\n    fields:\n"
		 "      # more digits than a decimal of ours has: rounded to 15\n      n: number\n"
		 "      # more digits than a decimal of ours has: rounded to 15\n"
		 "      m: { type: number, required: true }\n"},
		{__LINE__,
		 "CREATE TABLE a (id INT PRIMARY KEY, x INT NOT NULL DEFAULT 3);"
		 "CREATE VIEW v AS SELECT id, x + 1 AS `the sum` FROM a",
		 "\n  a:\n    key: id\n    fields:\n      id: integer\n"
		 "      x: { type: integer, required: true, default: 3 }\n"
		 "  v:\n    key: []\n    fields:\n      id: integer\n      \"the sum\": integer\n"
		 "    read_only: true\n"},
		{__LINE__, "CREATE TABLE `it's` (`a``b` INT); CREATE TABLE `x;--` (`\"` INT)",
		 "\n  \"it's\":\n    key: []\n    fields:\n      \"a`b\": integer\n"
		 "  \"x;--\":\n    key: []\n    fields:\n      \"\\\"\": integer\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

static void test_read_only(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "SELECT 1", " {}\n"},
		{__LINE__, "CREATE TABLE a (x INT) ENGINE=MyISAM",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n    read_only: true\n"},
	};
	check_rows(rows, COUNT(rows), false);
}

/* What is written under the read-only session of a store is refused by the server itself. */
static void test_nothing_can_be_written(void **state)
{
	(void)state;
	struct bed bed;
	struct buf yaml;
	struct error error;
	begin(&bed);
	maria_test_run(&bed.maria, "CREATE TABLE a (id INT PRIMARY KEY)" END);
	assert_true(describe(&bed, true, &yaml, &error));
	assert_accepted(__LINE__, &bed, buf_str(&yaml));
	struct fixture *fixture = &bed.fixture;
	struct store_options options = fixture_options(fixture);
	options.existing = true;
	options.read_only = true;
	fixture->store = store_open(str_from(bed.maria.url), &options, &error);
	assert_non_null(fixture->store);
	fixture->session = store_attach(fixture->store, fixture->loop, &error);
	const struct resource *resource = model_resource(fixture->model, STR("a"));
	const struct field *id = resource_field(resource, STR("id"));
	struct value value = {.kind = VALUE_INTEGER, .integer = 1};
	const struct query insert = {
		.action = QUERY_INSERT,
		.resource = resource,
		.given = {&id, 1},
		.values = &value,
		.row_count = 1,
		.limit = UINT64_MAX,
	};
	struct call call;
	call_run(fixture, &call, &insert);
	assert_false(call.ok);
	assert_non_null(strstr(call.error.details, "READ ONLY"));
	call_finish(&call);
	fixture_close(fixture);
	assert_string_equal(maria_test_run(&bed.maria, "SELECT COUNT(*) FROM a"), "0");
	buf_finish(&yaml);
	end(&bed);
}

static void test_limit(void **state)
{
	(void)state;
	struct bed bed;
	struct buf yaml;
	struct error error;
	begin(&bed);
	assert_true(describe(&bed, false, &yaml, &error));
	size_t most = yaml.len;
	buf_finish(&yaml);
	const struct describe_options options = {.url = str_from(bed.maria.url)};
	for (size_t less = 0; less < 2; less++) {
		buf_init(&yaml, most - less);
		error = (struct error){.code = ERROR_NONE};
		assert_int_equal(store_describe(options.url, &options, &yaml, &error), less == 0);
		assert_int_equal(error.code, less == 0 ? ERROR_NONE : ERROR_CONFIG);
		buf_finish(&yaml);
	}
	end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),      cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_keys),       cmocka_unit_test(test_references),
		cmocka_unit_test(test_collations), cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_read_only),  cmocka_unit_test(test_nothing_can_be_written),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
