/*
 * DESIGN. A fiber is a stack with a page in front of it that nobody may touch. It is entered by
 * whoever starts or resumes it, on the loop's thread, and goes back there when it suspends or ends.
 * Callbacks of a request (its parts, its end) may do anything, such as start other requests, so
 * they are called on the loop's own stack: the fiber goes back with a call to make.
 *
 * makecontext() is the way onto a new stack; from then on _setjmp() and _longjmp() change stacks,
 * since swapcontext() is a system call each time, for a signal mask that is always the same.
 *
 * The sanitizers are told of each change of stacks; without that they take it for an overflow.
 */
#include "net/fiber.h"

#include <assert.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/alloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#endif
#ifndef FIBER_ASAN
#define FIBER_ASAN 0
#endif
#ifndef FIBER_TSAN
#define FIBER_TSAN 0
#endif

#if FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_BYTES = FIBER_ASAN || FIBER_TSAN ? 1 << 20 : 256 << 10 };

struct fiber {
	struct fiber_pool *pool;
	jmp_buf inside;   /* where it goes on */
	jmp_buf outside;  /* where it was entered */
	ucontext_t begin; /* of the bottom of its stack */
	bool begun;
	char *memory; /* owned: the guard page and the stack */
	size_t guard_bytes;
	void (*main)(void *context);
	void *main_context;
	bool ended;
	void (*call)(void *context); /* to be made outside; NULL: none */
	void *call_context;
	struct fiber *next; /* spare ones */
	/* The sanitizers'. */
	void *inside_fake;
	void *outside_fake;
	const void *outside_stack;
	size_t outside_bytes;
	void *inside_thread;
	void *outside_thread;
};

/* ---- changing stacks ---- */

/* _longjmp() itself: the checked form of it takes another stack for a frame that has returned. */
noreturn void jump(jmp_buf to, int value) __asm__("_longjmp");

static void enter(struct fiber *fiber)
{
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(&fiber->outside_fake, fiber->memory + fiber->guard_bytes,
								   STACK_BYTES);
#endif
#if FIBER_TSAN
	fiber->outside_thread = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(fiber->inside_thread, 0);
#endif
	if (_setjmp(fiber->outside) == 0) {
		if (fiber->begun) {
			jump(fiber->inside, 1);
		}
		fiber->begun = true;
		setcontext(&fiber->begin);
	}
#if FIBER_ASAN
	__sanitizer_finish_switch_fiber(fiber->outside_fake, NULL, NULL);
#endif
}

static void entered(struct fiber *fiber)
{
#if FIBER_ASAN
	__sanitizer_finish_switch_fiber(fiber->inside_fake, &fiber->outside_stack,
									&fiber->outside_bytes);
#endif
	(void)fiber;
}

static void leave(struct fiber *fiber)
{
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(&fiber->inside_fake, fiber->outside_stack, fiber->outside_bytes);
#endif
#if FIBER_TSAN
	__tsan_switch_to_fiber(fiber->outside_thread, 0);
#endif
	if (_setjmp(fiber->inside) == 0) {
		jump(fiber->outside, 1);
	}
	entered(fiber);
}

/* The bottom of a fiber's stack: one piece of work after the other. The pointer comes in halves,
 * since makecontext() passes ints. */
static void run_fiber(unsigned high, unsigned low)
{
	struct fiber *fiber = (struct fiber *)(((uintptr_t)high << 32) | (uintptr_t)low);
	entered(fiber);
	for (;;) {
		fiber->main(fiber->main_context);
		fiber->ended = true;
		leave(fiber);
	}
}

/* ---- fibers ---- */

static struct fiber *create(struct fiber_pool *pool)
{
	struct fiber *fiber = alloc_zeroed(1, sizeof(*fiber));
	fiber->pool = pool;
	fiber->guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
	fiber->memory = mmap(NULL, fiber->guard_bytes + STACK_BYTES, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (fiber->memory == MAP_FAILED ||
		mprotect(fiber->memory, fiber->guard_bytes, PROT_NONE) != 0) {
		abort(); /* out of memory */
	}
	getcontext(&fiber->begin);
	fiber->begin.uc_stack.ss_sp = fiber->memory + fiber->guard_bytes;
	fiber->begin.uc_stack.ss_size = STACK_BYTES;
	fiber->begin.uc_link = NULL;
	uintptr_t pointer = (uintptr_t)fiber;
	makecontext(&fiber->begin, (void (*)(void))(void *)run_fiber, 2, (unsigned)(pointer >> 32),
				(unsigned)(pointer & UINT32_MAX));
#if FIBER_TSAN
	fiber->inside_thread = __tsan_create_fiber(0);
#endif
	return fiber;
}

void fiber_pool_free(struct fiber_pool *pool)
{
	while (pool->spare != NULL) {
		struct fiber *fiber = pool->spare;
		pool->spare = fiber->next;
#if FIBER_TSAN
		__tsan_destroy_fiber(fiber->inside_thread);
#endif
		munmap(fiber->memory, fiber->guard_bytes + STACK_BYTES);
		free(fiber);
	}
}

void fiber_start(struct fiber_pool *pool, void (*main)(void *context), void *context)
{
	struct fiber *fiber = pool->spare;
	if (fiber != NULL) {
		pool->spare = fiber->next;
	} else {
		fiber = create(pool);
	}
	fiber->main = main;
	fiber->main_context = context;
	fiber->ended = false;
	fiber_resume(fiber);
}

void fiber_resume(struct fiber *fiber)
{
	struct fiber_pool *pool = fiber->pool;
	bool ended;
	do {
		assert(pool->current == NULL);
		pool->current = fiber;
		enter(fiber);
		pool->current = NULL;
		ended = fiber->ended;
		void (*call)(void *context) = fiber->call;
		void *context = fiber->call_context;
		fiber->call = NULL;
		if (ended) {
			fiber->next = pool->spare;
			pool->spare = fiber;
		}
		if (call == NULL) {
			return;
		}
		call(context); /* of a fiber that ended: the pool may be gone after it */
	} while (!ended);
}

void fiber_suspend(struct fiber *fiber)
{
	assert(fiber->pool->current == fiber);
	leave(fiber);
}

void fiber_call(struct fiber *fiber, void (*call)(void *context), void *context)
{
	fiber->call = call;
	fiber->call_context = context;
	fiber_suspend(fiber);
}

void fiber_end_with(struct fiber *fiber, void (*call)(void *context), void *context)
{
	fiber->call = call;
	fiber->call_context = context;
}
