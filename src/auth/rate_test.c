#include "auth/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "model/auth_config.h"

#define SECOND UINT64_C(1000000000)

/* Requests of one caller, in order. */
struct step {
	int line;
	uint64_t at_ns;
	const char *caller;
	uint64_t want_wait_s; /* 0: served */
};

static void run(const struct auth_config *config, const struct step *steps, size_t count)
{
	struct rate *rate = rate_create();
	for (size_t i = 0; i < count; i++) {
		struct error error = {0};
		uint64_t wait_s = 0;
		bool good = rate_take(rate, config, str_from(steps[i].caller),
							  SECOND * 1000 + steps[i].at_ns, &wait_s, &error);
		if (good != (steps[i].want_wait_s == 0) || wait_s != steps[i].want_wait_s) {
			fail_msg("line %d: waits %d s", steps[i].line, (int)wait_s);
		}
		assert_int_equal(error.code, good ? ERROR_NONE : ERROR_RATE);
	}
	rate_destroy(rate);
}
#define RUN(config, steps) run((config), (steps), sizeof(steps) / sizeof((steps)[0]))

static void test_one_a_second(void **state)
{
	(void)state;
	const struct auth_config config = {.rate_requests = 1, .rate_period_s = 1, .rate_burst = 1};
	static const struct step steps[] = {
		{__LINE__, 0, "a", 0},
		{__LINE__, 0, "b", 0},
		{__LINE__, 0, "a", 1},
		{__LINE__, SECOND - 1, "a", 1},
		{__LINE__, SECOND, "a", 0},
		{__LINE__, SECOND, "a", 1},
		{__LINE__, 100 * SECOND, "a", 0},
		{__LINE__, 100 * SECOND, "a", 1},
	};
	RUN(&config, steps);
}

static void test_burst(void **state)
{
	(void)state;
	const struct auth_config config = {.rate_requests = 2, .rate_period_s = 60, .rate_burst = 3};
	static const struct step steps[] = {
		{__LINE__, 0, "a", 0},
		{__LINE__, 0, "a", 0},
		{__LINE__, 0, "a", 0},
		{__LINE__, 0, "a", 30},
		{__LINE__, 29 * SECOND + 1, "a", 1},
		{__LINE__, 30 * SECOND, "a", 0},
		{__LINE__, 30 * SECOND, "a", 30},
		/* What was refused costs nothing. */
		{__LINE__, 60 * SECOND, "a", 0},
		{__LINE__, 1000 * SECOND, "a", 0},
		{__LINE__, 1000 * SECOND, "a", 0},
		{__LINE__, 1000 * SECOND, "a", 0},
		{__LINE__, 1000 * SECOND, "a", 30},
	};
	RUN(&config, steps);
}

static void test_extremes(void **state)
{
	(void)state;
	const struct auth_config slow = {
		.rate_requests = 1, .rate_period_s = 3600, .rate_burst = AUTH_RATE_MAX};
	const struct auth_config fast = {
		.rate_requests = AUTH_RATE_MAX, .rate_period_s = 1, .rate_burst = 1};
	static const struct step steps[] = {{__LINE__, 0, "", 0}, {__LINE__, 1000, "", 0}};
	RUN(&slow, steps);
	RUN(&fast, steps);
}

/* More callers than are remembered: each is served, and nobody takes another's. */
static void test_many(void **state)
{
	(void)state;
	const struct auth_config config = {.rate_requests = 1, .rate_period_s = 3600, .rate_burst = 1};
	struct rate *rate = rate_create();
	for (int i = 0; i < 2 * RATE_CALLERS; i++) {
		struct error error;
		uint64_t wait_s = 0;
		char name[16];
		int len = snprintf(name, sizeof(name), "%d", i);
		struct str caller = {name, (size_t)len};
		assert_true(rate_take(rate, &config, caller, SECOND, &wait_s, &error));
		assert_false(rate_take(rate, &config, caller, SECOND, &wait_s, &error));
	}
	rate_destroy(rate);
}

enum { THREADS = 4, EACH = 1000, ALLOWED = 100 };

struct shared {
	struct rate *rate;
	_Atomic int served;
};

static void *take_many(void *context)
{
	const struct auth_config config = {
		.rate_requests = 1, .rate_period_s = 3600, .rate_burst = ALLOWED};
	struct shared *shared = context;
	for (int i = 0; i < EACH; i++) {
		struct error error;
		uint64_t wait_s;
		if (rate_take(shared->rate, &config, STR("one"), SECOND, &wait_s, &error)) {
			atomic_fetch_add(&shared->served, 1);
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct shared shared = {.rate = rate_create()};
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, &shared), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(atomic_load(&shared.served), ALLOWED);
	rate_destroy(shared.rate);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_a_second), cmocka_unit_test(test_burst),
		cmocka_unit_test(test_extremes),     cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
