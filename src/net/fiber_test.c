#include "net/fiber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct story {
	struct fiber_pool pool;
	struct fiber *fiber;
	char text[16];
	size_t length;
};

static void say(struct story *story, char c)
{
	assert_true(story->length + 1 < sizeof(story->text));
	story->text[story->length++] = c;
}

static void say_outside(void *context)
{
	struct story *story = context;
	assert_null(story->pool.current);
	say(story, '!');
}

static void speak(void *context)
{
	struct story *story = context;
	struct fiber *fiber = story->pool.current;
	assert_non_null(fiber);
	story->fiber = fiber;
	say(story, 'a');
	fiber_suspend(fiber);
	say(story, 'b');
	fiber_call(fiber, say_outside, story);
	assert_ptr_equal(story->pool.current, fiber);
	say(story, 'c');
	fiber_end_with(fiber, say_outside, story);
	say(story, 'd');
}

static void test_it_goes_on_where_it_was(void **state)
{
	struct story story = {.length = 0};
	(void)state;
	fiber_start(&story.pool, speak, &story);
	say(&story, '1');
	fiber_resume(story.fiber);
	say(&story, '2');
	assert_string_equal(story.text, "a1b!cd!2");
	fiber_pool_free(&story.pool);
}

static void test_a_stack_is_used_again(void **state)
{
	struct story story = {.length = 0};
	(void)state;
	fiber_start(&story.pool, speak, &story);
	struct fiber *first = story.fiber;
	fiber_resume(first);
	fiber_start(&story.pool, speak, &story);
	assert_ptr_equal(story.fiber, first);
	fiber_resume(story.fiber);
	fiber_pool_free(&story.pool);
}

static void test_several_at_once(void **state)
{
	struct story story = {.length = 0};
	(void)state;
	fiber_start(&story.pool, speak, &story);
	struct fiber *first = story.fiber;
	fiber_start(&story.pool, speak, &story);
	struct fiber *second = story.fiber;
	assert_ptr_not_equal(first, second);
	fiber_resume(first);
	fiber_resume(second);
	assert_string_equal(story.text, "aab!cd!b!cd!");
	fiber_pool_free(&story.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_goes_on_where_it_was),
		cmocka_unit_test(test_a_stack_is_used_again),
		cmocka_unit_test(test_several_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
