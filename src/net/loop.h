/*
 * The event loops: one libuv loop a thread, each with a listener of its own (SO_REUSEPORT), a queue
 * through which other threads hand it tasks, and a coarse clock.
 *
 * Ownership: loop_create() to loop_destroy(). Tasks are the caller's memory, linked, not copied.
 * Threads: everything of a loop is called on its own thread, but loop_post() and loop_stop(), which
 * any thread may call. Errors: ERROR_CONFIG naming the address. Limits: none of its own.
 */
#ifndef ROWLOCK_NET_LOOP_H
#define ROWLOCK_NET_LOOP_H

#include <uv.h>

#include "base/error.h"
#include "net/address.h"

struct loop;

/* Something to do on a loop; embedded in the caller's struct. */
struct task {
	void (*run)(struct task *task);
	struct task *next; /* the loop's */
};

/* Also makes the process ignore SIGPIPE. */
struct loop *loop_create(struct error *error);
/* The loop must have ended, all handles on it closed. Accepts NULL. */
void loop_destroy(struct loop *loop);
/* Runs until loop_stop() and until every handle is closed. */
void loop_run(struct loop *loop);
/* Ends loop_run() by running `stop` hooks (loop_on_stop) on the loop's thread. */
void loop_stop(struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);
/* Milliseconds of the monotonic clock as of this turn of the loop. */
uint64_t loop_now_ms(const struct loop *loop);
/* Hands a task to the loop; tasks of one thread run in order. One wake-up serves many tasks. */
void loop_post(struct loop *loop, struct task *task);
/* Runs `task` at the end of this turn of the loop, before it polls again. Own thread only. */
void loop_after_turn(struct loop *loop, struct task *task);
/* Called every 100 ms while the loop runs; embedded, linked, own thread only. */
struct loop_tick {
	void (*tick)(struct loop_tick *tick, uint64_t now_ms);
	struct loop_tick *next;
};
void loop_on_tick(struct loop *loop, struct loop_tick *tick);
/* Calls it no more; may be called within a tick. */
void loop_off_tick(struct loop *loop, struct loop_tick *tick);
/* Called once when the loop is told to stop; closes what its owner opened on the loop. */
struct loop_stop_hook {
	void (*stop)(struct loop_stop_hook *hook);
	struct loop_stop_hook *next;
};
void loop_on_stop(struct loop *loop, struct loop_stop_hook *hook);

/* A listening TCP handle with SO_REUSEPORT on the loop. `tcp` is the caller's memory. Port 0 is
 * allowed; *address is updated with the port that was chosen. */
bool loop_listen(struct loop *loop, struct address *address, uv_tcp_t *tcp,
				 uv_connection_cb on_connection, struct error *error);

#endif
