#include "link/keep.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "link/outbox.h"
#include "link/sweep.h"

struct link_keep {
	struct link_keep_options options;
	struct loop_tick tick;
	struct outbox *outbox; /* owned */
	struct sweep *sweep;   /* owned */
	bool stopped;          /* the bell is another's */
};

bool link_keep_is_needed(const struct model *model)
{
	bool needed = model->outbox != NULL;
	for (size_t i = 0; i < model->resource_count && !needed; i++) {
		needed = model->resources[i].holds != NULL;
	}
	return needed;
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct link_keep *keep = (struct link_keep *)(void *)((char *)tick -
														  offsetof(struct link_keep, tick));
	if (keep->stopped) {
		return;
	}
	bool rung = atomic_exchange(keep->options.bell, false);
	outbox_tick(keep->outbox, now_ms, rung);
	sweep_tick(keep->sweep, now_ms);
}

struct link_keep *link_keep_create(const struct link_keep_options *options)
{
	struct link_keep *keep = alloc_zeroed(1, sizeof(*keep));
	keep->options = *options;
	keep->outbox = outbox_create(&keep->options);
	keep->sweep = sweep_create(&keep->options);
	keep->tick.tick = on_tick;
	loop_on_tick(options->loop, &keep->tick);
	return keep;
}

void link_keep_stop(struct link_keep *keep)
{
	keep->stopped = true;
	outbox_stop(keep->outbox);
	sweep_stop(keep->sweep);
}

bool link_keep_is_idle(const struct link_keep *keep)
{
	return outbox_is_idle(keep->outbox) && sweep_is_idle(keep->sweep);
}

void link_keep_destroy(struct link_keep *keep)
{
	if (keep == NULL) {
		return;
	}
	assert(link_keep_is_idle(keep));
	loop_off_tick(keep->options.loop, &keep->tick);
	outbox_destroy(keep->outbox);
	sweep_destroy(keep->sweep);
	free(keep);
}
