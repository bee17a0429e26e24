#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct loop *new_loop(void)
{
	struct error error;
	struct loop *loop = loop_create(&error);
	assert_non_null(loop);
	return loop;
}

/* ---- tasks of many threads ---- */

enum { THREADS = 4, TASKS = 2000 };

struct numbered {
	struct task task;
	struct counting *counting;
	size_t thread;
	size_t number;
};

struct counting {
	struct loop *loop;
	size_t done;
	size_t next[THREADS];
	bool in_order;
	struct numbered tasks[THREADS][TASKS];
};

static void count_task(struct task *task)
{
	struct numbered *numbered = (struct numbered *)task;
	struct counting *counting = numbered->counting;
	counting->in_order &= counting->next[numbered->thread] == numbered->number;
	counting->next[numbered->thread]++;
	if (++counting->done == (size_t)THREADS * TASKS) {
		loop_stop(counting->loop);
	}
}

static void post_all(void *arg)
{
	struct numbered *tasks = arg;
	for (size_t i = 0; i < TASKS; i++) {
		loop_post(tasks[i].counting->loop, &tasks[i].task);
	}
}

static void test_posts_of_many_threads(void **state)
{
	static struct counting counting;
	uv_thread_t threads[THREADS];
	(void)state;
	memset(&counting, 0, sizeof(counting));
	counting.loop = new_loop();
	counting.in_order = true;
	for (size_t t = 0; t < THREADS; t++) {
		for (size_t i = 0; i < TASKS; i++) {
			counting.tasks[t][i] = (struct numbered){
				.task.run = count_task, .counting = &counting, .thread = t, .number = i};
		}
		assert_int_equal(uv_thread_create(&threads[t], post_all, counting.tasks[t]), 0);
	}
	loop_run(counting.loop);
	for (size_t t = 0; t < THREADS; t++) {
		uv_thread_join(&threads[t]);
	}
	assert_true(counting.in_order);
	assert_int_equal(counting.done, THREADS * TASKS);
	loop_destroy(counting.loop);
}

/* ---- the order of things in one turn ---- */

struct scene {
	struct task posted;
	struct task after;
	struct task again;
	struct loop_tick tick;
	struct loop_stop_hook hook;
	struct loop *loop;
	char events[32];
	size_t ticks;
	uint64_t last_tick_ms;
};

#define SCENE(pointer, member)                                                                     \
	((struct scene *)(void *)((char *)(pointer)-offsetof(struct scene, member)))

static void note(struct scene *scene, char event)
{
	scene->events[strlen(scene->events)] = event;
}

static void run_again(struct task *task)
{
	note(SCENE(task, again), 'b');
}

static void run_after(struct task *task)
{
	struct scene *scene = SCENE(task, after);
	note(scene, 'a');
	loop_after_turn(scene->loop, &scene->again);
}

static void run_posted(struct task *task)
{
	struct scene *scene = SCENE(task, posted);
	loop_after_turn(scene->loop, &scene->after);
	note(scene, 'p');
}

static void run_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct scene *scene = SCENE(tick, tick);
	assert_true(now_ms >= scene->last_tick_ms + (scene->ticks == 0 ? 0 : 50));
	assert_int_equal(now_ms, loop_now_ms(scene->loop));
	scene->last_tick_ms = now_ms;
	if (++scene->ticks == 3) {
		note(scene, 't');
		loop_off_tick(scene->loop, tick);
		loop_stop(scene->loop);
		loop_stop(scene->loop);
	}
}

static void run_hook(struct loop_stop_hook *hook)
{
	struct scene *scene = SCENE(hook, hook);
	note(scene, 's');
	/* Queued when nothing keeps the loop running any more: it is run all the same. */
	loop_after_turn(scene->loop, &scene->again);
}

static void test_one_turn(void **state)
{
	struct scene scene = {
		.posted.run = run_posted,
		.after.run = run_after,
		.again.run = run_again,
		.tick.tick = run_tick,
		.hook.stop = run_hook,
		.loop = new_loop(),
	};
	(void)state;
	loop_on_tick(scene.loop, &scene.tick);
	loop_on_stop(scene.loop, &scene.hook);
	loop_post(scene.loop, &scene.posted);
	loop_run(scene.loop);
	assert_string_equal(scene.events, "pabtsb");
	assert_int_equal(scene.ticks, 3);
	loop_destroy(scene.loop);
}

/* ---- listening ---- */

static void on_connection(uv_stream_t *listener, int status)
{
	(void)listener;
	(void)status;
}

static void test_listen(void **state)
{
	struct loop *loop = new_loop();
	struct address address;
	struct error error = {.code = ERROR_NONE};
	uv_tcp_t first;
	uv_tcp_t second;
	(void)state;
	assert_true(address_parse(STR("127.0.0.1:0"), &address, &error));
	assert_true(loop_listen(loop, &address, &first, on_connection, &error));
	assert_null(strstr(address.text, ":0"));
	assert_non_null(strstr(address.text, "127.0.0.1:"));
	/* Loops share an address; whoever asks first is told that it is taken. */
	assert_true(loop_listen(loop, &address, &second, on_connection, &error));
	assert_false(address_check_free(&address, &error));
	uv_close((uv_handle_t *)&first, NULL);
	uv_close((uv_handle_t *)&second, NULL);
	loop_stop(loop);
	loop_run(loop);
	loop_destroy(loop);
}

static void test_cannot_listen(void **state)
{
	struct loop *loop = new_loop();
	struct address address;
	struct error error = {.code = ERROR_NONE};
	uv_tcp_t tcp;
	(void)state;
	assert_true(address_parse(STR("192.0.2.1:80"), &address, &error));
	assert_false(loop_listen(loop, &address, &tcp, on_connection, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_non_null(strstr(error.message, "cannot listen on 192.0.2.1:80: "));
	/* A loop that was never run. */
	loop_destroy(loop);
	loop_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posts_of_many_threads),
		cmocka_unit_test(test_one_turn),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_cannot_listen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
