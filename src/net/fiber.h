/*
 * Straight code that waits without holding up a loop. A fiber is a stack of its own on the thread
 * that starts it: whoever starts or resumes it is called back into when it suspends or ends.
 *
 * Ownership: a pool keeps the stacks of fibers that have ended for the next ones.
 * Threads: a pool and its fibers belong to one. Errors: none; out of memory aborts.
 * Limits: a stack has 256 KiB, and a page in front of it that ends the program when it is touched.
 */
#ifndef ROWLOCK_NET_FIBER_H
#define ROWLOCK_NET_FIBER_H

struct fiber;

/* Begins as {NULL, NULL}. */
struct fiber_pool {
	struct fiber *current; /* the one that runs; NULL outside of all */
	struct fiber *spare;
};

/* Runs `main` in a fiber until it suspends or ends. Not within a fiber of the same pool. */
void fiber_start(struct fiber_pool *pool, void (*main)(void *context), void *context);
/* Goes back to whoever started or resumed it, until the next fiber_resume(). */
void fiber_suspend(struct fiber *fiber);
/* Not within a fiber of the same pool. */
void fiber_resume(struct fiber *fiber);
/* Suspends; then calls the function outside of the fiber, and goes on. */
void fiber_call(struct fiber *fiber, void (*call)(void *context), void *context);
/* When the fiber has ended, calls the function outside of it; it may free the pool. */
void fiber_end_with(struct fiber *fiber, void (*call)(void *context), void *context);
/* No fiber of the pool has begun and not ended. */
void fiber_pool_free(struct fiber_pool *pool);

#endif
