#include "base/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

static void test_parity(void **state)
{
	(void)state;
	struct version version = {0};
	assert_true(version_settled(version_load(&version)));
	version_begin(&version);
	version_begin(&version);
	assert_int_equal(version_load(&version), 1);
	assert_false(version_settled(version_load(&version)));
	version_end(&version);
	version_end(&version);
	assert_int_equal(version_load(&version), 2);
	assert_true(version_settled(version_load(&version)));
}

enum { WRITES = 20000 };

struct shared {
	struct version version;
	_Atomic uint64_t left;
	_Atomic uint64_t right;
};

static void *write_pairs(void *argument)
{
	struct shared *shared = argument;
	for (uint64_t i = 1; i <= WRITES; i++) {
		version_begin(&shared->version);
		atomic_store(&shared->left, i);
		atomic_store(&shared->right, i);
		version_end(&shared->version);
	}
	return NULL;
}

/* What is read between two equal, even versions is of one state. */
static void test_readers_see_one_state(void **state)
{
	(void)state;
	struct shared shared = {.left = 0};
	pthread_t writer;
	assert_int_equal(pthread_create(&writer, NULL, write_pairs, &shared), 0);
	uint64_t left = 0;
	while (left < WRITES) {
		uint64_t before = version_load(&shared.version);
		left = atomic_load(&shared.left);
		uint64_t right = atomic_load(&shared.right);
		if (version_settled(before) && version_load(&shared.version) == before) {
			assert_int_equal(left, right);
			assert_int_equal(left * 2, before);
		}
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parity),
		cmocka_unit_test(test_readers_see_one_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
