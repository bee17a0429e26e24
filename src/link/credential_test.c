#include "link/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY "0123456789abcdef"
#define NOW 1700000000
/* As `openssl mac -digest SHA256 -macopt key:… HMAC` makes it of the text in credential.h. */
#define GOOD                                                                                       \
	"Rowlock-Link 1700000000 "                                                                     \
	"03b0a19f9914f9b988ea178793278d2ca0f0fa98a4e788b506e751bf0cf1a722"

static const struct credential_request request = {
	.method = STR_INIT("PUT"),
	.path = STR_INIT("/.rowlock/holds"),
	.body = STR_INIT("{\"a\":1}"),
};

struct row {
	int line;
	const char *key;
	const char *field;
	int64_t now_s;
	bool loopback;
	const char *want_error; /* NULL: accepted */
};

static const char no_service[] = "This is between services";
static const char not_this[] = "The credential is not of this request and key";
static const char not_now[] = "The credential is of another time";

static const struct row rows[] = {
	{__LINE__, KEY, GOOD, NOW, false, NULL},
	{__LINE__, KEY, GOOD, NOW, true, NULL},
	{__LINE__, KEY, GOOD, NOW + CREDENTIAL_WINDOW_S, false, NULL},
	{__LINE__, KEY, GOOD, NOW + CREDENTIAL_WINDOW_S + 1, false, not_now},
	{__LINE__, KEY, GOOD, NOW - CREDENTIAL_WINDOW_S, false, NULL},
	{__LINE__, KEY, GOOD, NOW - CREDENTIAL_WINDOW_S - 1, false, not_now},
	{__LINE__, "0123456789abcdeF", GOOD, NOW, true, not_this},
	/* With a key, this machine needs the credential too. */
	{__LINE__, KEY, "", NOW, true, no_service},
	{__LINE__, KEY, "Bearer x", NOW, true, no_service},
	{__LINE__, KEY, "Rowlock-Link", NOW, true, no_service},
	{__LINE__, KEY, "Rowlock-Link ", NOW, true, no_service},
	{__LINE__, KEY, "Rowlock-Link 1700000000", NOW, true, no_service},
	{__LINE__, KEY, "Rowlock-Link 1700000000 00", NOW, true, no_service},
	{__LINE__, KEY, GOOD "0", NOW, true, no_service},
	{__LINE__, KEY, GOOD " ", NOW, true, no_service},
	{__LINE__, KEY,
	 "Rowlock-Link 1700000000 x000000000000000000000000000000000000000000000000000000000000000",
	 NOW, true, no_service},
	{__LINE__, KEY,
	 "Rowlock-Link 1700000000 0000000000000000000000000000000000000000000000000000000000000000",
	 NOW, true, not_this},
	{__LINE__, KEY,
	 "Rowlock-Link -1700000000 0000000000000000000000000000000000000000000000000000000000000000",
	 NOW, true, no_service},
	{__LINE__, KEY,
	 "Rowlock-Link 99999999999999999999 "
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 NOW, true, no_service},
	{__LINE__, "", "", NOW, true, NULL},
	{__LINE__, "", GOOD, NOW, true, NULL},
	{__LINE__, "", GOOD, NOW, false, "Only services of this machine are believed"},
};

static void test_accept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct error error = {0};
		bool good = credential_accept(str_from(row->key), &request, str_from(row->field),
									  row->now_s, row->loopback, &error);
		const char *want = row->want_error == NULL ? "" : row->want_error;
		if (good != (row->want_error == NULL) || strcmp(error.message, want) != 0 ||
			(!good && error.code != ERROR_FORBIDDEN)) {
			fail_msg("line %d: %d %s", row->line, good, error.message);
		}
	}
}

/* What is written is what another program would make, and of no other request. */
static void test_write(void **state)
{
	static const struct credential_request others[] = {
		{STR_INIT("GET"), STR_INIT("/.rowlock/holds"), STR_INIT("{\"a\":1}")},
		{STR_INIT("PUT"), STR_INIT("/.rowlock/hold"), STR_INIT("{\"a\":1}")},
		{STR_INIT("PUT"), STR_INIT("/.rowlock/holds"), STR_INIT("{\"a\":2}")},
		{STR_INIT("PUT"), STR_INIT("/.rowlock/holds"), STR_INIT("")},
	};
	struct error error = {0};
	struct buf field;
	(void)state;
	buf_init(&field, SIZE_MAX);
	credential_write(STR(KEY), &request, NOW, &field);
	assert_true(str_equal(buf_str(&field), STR(GOOD)));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(credential_accept(STR(KEY), &others[i], buf_str(&field), NOW, true, &error));
		assert_string_equal(error.message, not_this);
	}
	/* The time is part of what is hashed. */
	buf_clear(&field);
	credential_write(STR(KEY), &request, NOW + 1, &field);
	struct str digits = str_slice(buf_str(&field), 0, sizeof("Rowlock-Link 1700000001") - 1);
	assert_true(str_equal(digits, STR("Rowlock-Link 1700000001")));
	assert_false(str_ends_with(buf_str(&field), str_slice(STR(GOOD), 24, 88)));
	buf_clear(&field);
	credential_write(STR(""), &request, NOW, &field);
	assert_int_equal(field.len, 0);
	buf_finish(&field);
}

static void test_key(void **state)
{
	struct error error = {0};
	(void)state;
	assert_true(credential_check_key(STR(""), &error));
	assert_true(credential_check_key(STR(KEY), &error));
	assert_false(credential_check_key(STR("0123456789abcde"), &error));
	assert_int_equal(error.code, ERROR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
