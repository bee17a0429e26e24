#include "codec/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct integer_row {
	int line;
	struct str text;
	enum number_result result;
	int64_t want;
} integer_rows[] = {
	{__LINE__, STR_INIT("0"), NUMBER_OK, 0},
	{__LINE__, STR_INIT("7"), NUMBER_OK, 7},
	{__LINE__, STR_INIT("-7"), NUMBER_OK, -7},
	{__LINE__, STR_INIT("42"), NUMBER_OK, 42},
	{__LINE__, STR_INIT("9223372036854775807"), NUMBER_OK, INT64_MAX},
	{__LINE__, STR_INIT("-9223372036854775808"), NUMBER_OK, INT64_MIN},
	{__LINE__, STR_INIT("9223372036854775808"), NUMBER_OUT_OF_RANGE, 0},
	{__LINE__, STR_INIT("-9223372036854775809"), NUMBER_OUT_OF_RANGE, 0},
	{__LINE__, STR_INIT("99999999999999999999999999"), NUMBER_OUT_OF_RANGE, 0},
	{__LINE__, STR_INIT("99999999999999999999999999x"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT(""), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("-"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("+1"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("-0"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("00"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("01"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("-01"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT(" 1"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1 "), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1\0"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1.0"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1e2"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("0x1"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("--1"), NUMBER_SYNTAX, 0},
	{__LINE__, {NULL, 0}, NUMBER_SYNTAX, 0},
};

static void test_integers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(integer_rows) / sizeof(integer_rows[0]); i++) {
		const struct integer_row *row = &integer_rows[i];
		int64_t number = 77;
		enum number_result result = number_parse_integer(row->text, &number);
		if (result != row->result || number != (result == NUMBER_OK ? row->want : 77)) {
			fail_msg("row of line %d", row->line);
		}
	}
}

static const struct double_row {
	int line;
	struct str text;
	enum number_result result;
	double want;
} double_rows[] = {
	{__LINE__, STR_INIT("0"), NUMBER_OK, 0},
	{__LINE__, STR_INIT("-0"), NUMBER_OK, 0},
	{__LINE__, STR_INIT("1.5"), NUMBER_OK, 1.5},
	{__LINE__, STR_INIT("-1.5E+2"), NUMBER_OK, -150},
	{__LINE__, STR_INIT("1e-400"), NUMBER_OK, 0},
	{__LINE__, STR_INIT("1.7976931348623157e308"), NUMBER_OK, 1.7976931348623157e308},
	{__LINE__, STR_INIT("0.1000000000000000000000000000000000000000000000000000000000000000000001"),
	 NUMBER_OK, 0.1},
	{__LINE__, STR_INIT("1e309"), NUMBER_OUT_OF_RANGE, 0},
	{__LINE__, STR_INIT("-1e999999999999"), NUMBER_OUT_OF_RANGE, 0},
	{__LINE__, STR_INIT(""), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("-"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("."), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT(".5"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("5."), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1e"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1e+"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("01"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("+1"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("inf"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("nan"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("0x1p3"), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1 "), NUMBER_SYNTAX, 0},
	{__LINE__, STR_INIT("1,5"), NUMBER_SYNTAX, 0},
};

static void test_doubles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(double_rows) / sizeof(double_rows[0]); i++) {
		const struct double_row *row = &double_rows[i];
		double number = 77;
		enum number_result result = number_parse_double(row->text, &number);
		if (result != row->result || number != (result == NUMBER_OK ? row->want : 77)) {
			fail_msg("row of line %d", row->line);
		}
	}
}

static const struct decimal_row {
	int line;
	struct str text;
	int precision;
	int scale;
	enum number_result result;
	int64_t want;
	const char *written;
} decimal_rows[] = {
	{__LINE__, STR_INIT("0"), 5, 2, NUMBER_OK, 0, "0"},
	{__LINE__, STR_INIT("-0"), 5, 2, NUMBER_OK, 0, "0"},
	{__LINE__, STR_INIT("0.00"), 5, 2, NUMBER_OK, 0, "0"},
	{__LINE__, STR_INIT("1"), 5, 2, NUMBER_OK, 100, "1"},
	{__LINE__, STR_INIT("1.5"), 5, 2, NUMBER_OK, 150, "1.5"},
	{__LINE__, STR_INIT("-1.05"), 5, 2, NUMBER_OK, -105, "-1.05"},
	{__LINE__, STR_INIT("-0.01"), 5, 2, NUMBER_OK, -1, "-0.01"},
	{__LINE__, STR_INIT("0.1000"), 5, 2, NUMBER_OK, 10, "0.1"},
	{__LINE__, STR_INIT("999.99"), 5, 2, NUMBER_OK, 99999, "999.99"},
	{__LINE__, STR_INIT("150.5000"), 7, 4, NUMBER_OK, 1505000, "150.5"},
	{__LINE__, STR_INIT("1000"), 5, 2, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("-1000.00"), 5, 2, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("0.001"), 5, 2, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("123456"), 6, 0, NUMBER_OK, 123456, "123456"},
	{__LINE__, STR_INIT("1234567"), 6, 0, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("7.0"), 6, 0, NUMBER_OK, 7, "7"},
	{__LINE__, STR_INIT("7.1"), 6, 0, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("0.12"), 2, 2, NUMBER_OK, 12, "0.12"},
	{__LINE__, STR_INIT("1.12"), 2, 2, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("999999999999999999"), 18, 0, NUMBER_OK, 999999999999999999,
	 "999999999999999999"},
	{__LINE__, STR_INIT("-0.999999999999999999"), 18, 18, NUMBER_OK, -999999999999999999,
	 "-0.999999999999999999"},
	{__LINE__, STR_INIT("1000000000000000000"), 18, 0, NUMBER_OUT_OF_RANGE, 0, NULL},
	{__LINE__, STR_INIT("1e2"), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT("01.5"), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT("1."), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT(".5"), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT("+1"), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT("1.5x"), 5, 2, NUMBER_SYNTAX, 0, NULL},
	{__LINE__, STR_INIT(""), 5, 2, NUMBER_SYNTAX, 0, NULL},
};

static void test_decimals(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(decimal_rows) / sizeof(decimal_rows[0]); i++) {
		const struct decimal_row *row = &decimal_rows[i];
		int64_t scaled = 77;
		enum number_result result = number_parse_decimal(row->text, row->precision, row->scale,
														 &scaled);
		if (result != row->result || scaled != (result == NUMBER_OK ? row->want : 77)) {
			fail_msg("row of line %d: %d %lld", row->line, (int)result, (long long)scaled);
		}
		if (result != NUMBER_OK) {
			continue;
		}
		buf_clear(&buf);
		number_write_decimal(&buf, scaled, row->scale);
		if (!str_equal(buf_str(&buf), str_from(row->written))) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_clear(&buf);
	number_write_decimal(&buf, INT64_MIN, 4);
	assert_true(str_equal(buf_str(&buf), STR("-922337203685477.5808")));
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_decimals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
