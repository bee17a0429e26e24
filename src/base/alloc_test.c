#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

static void test_bytes(void **state)
{
	(void)state;
	static const size_t counts[] = {0, 1, 7, 4096};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned char *zeroed = alloc_zeroed(counts[i], 3);
		for (size_t k = 0; k < counts[i] * 3; k++) {
			assert_int_equal(zeroed[k], 0);
		}
		zeroed = alloc_resize(zeroed, counts[i] + 1, 5);
		zeroed[counts[i] * 5 + 4] = 1;
		free(zeroed);
		free(alloc_bytes(counts[i]));
	}
}

static void exhaust(int kind)
{
	size_t huge = PTRDIFF_MAX / 2;
	switch (kind) {
	case 0:
		free(alloc_zeroed(huge, 2));
		break;
	case 1:
		free(alloc_zeroed(SIZE_MAX / 2, 3));
		break;
	case 2:
		free(alloc_bytes(huge));
		break;
	default:
		free(alloc_resize(NULL, SIZE_MAX / 2, 3));
		break;
	}
}

/* Sizes that no machine has, and products that overflow, end the process. */
static void test_out_of_memory(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct rlimit none = {0, 0};
			setrlimit(RLIMIT_CORE, &none);
			close(STDERR_FILENO);
			signal(SIGABRT, SIG_DFL);
			exhaust(kind);
			_exit(0);
		}
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
