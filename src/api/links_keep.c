#include <stddef.h>
#include <stdlib.h>

#include "api/api_priv.h"
#include "api/links.h"
#include "base/alloc.h"
#include "link/keep.h"

/* Of one state of the service file, on the loop that does it for all. */
struct api_keep {
	struct api_loop *loop;
	struct api_binding *binding; /* held: a call of it */
	struct link_keep *keep;      /* owned */
	struct api_keep *next;
};

struct peers *api_peers(struct api_loop *loop)
{
	if (loop->peers == NULL) {
		struct peers *peers = peers_create(loop->loop, loop->api->options.link_key);
		pthread_mutex_lock(&loop->api->lock);
		loop->peers = peers;
		pthread_mutex_unlock(&loop->api->lock);
	}
	return loop->peers;
}

void links_ring(struct api *api)
{
	atomic_store(&api->outbox_bell, true);
}

static void on_told(void *context, const struct resource *resource, const char *problem)
{
	const struct api_keep *keep = context;
	const struct api *api = keep->loop->api;
	const struct log_field fields[] = {
		LOG_STR("service", keep->binding->service->model->service),
		LOG_STR("resource", resource->name),
		LOG_STR("at", resource->at.str),
		LOG_STR("problem", str_from(problem != NULL ? problem : "")),
	};
	log_event(api->options.log, problem != NULL ? LOG_WARNING : LOG_INFO,
			  problem != NULL ? "another service does not settle references"
							  : "another service settles references again",
			  fields, problem != NULL ? 4 : 3);
}

/* Frees those that have ended. */
static void collect(struct api_loop *loop)
{
	struct api_keep **place = &loop->keeps;
	while (*place != NULL) {
		struct api_keep *keep = *place;
		bool ends = loop->ended || keep->binding != loop->binding;
		if (ends && link_keep_is_idle(keep->keep)) {
			*place = keep->next;
			link_keep_destroy(keep->keep);
			api_binding_release(keep->binding);
			free(keep);
		} else {
			place = &keep->next;
		}
	}
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct api_loop *loop = (struct api_loop *)(void *)((char *)tick -
														offsetof(struct api_loop, collect));
	(void)now_ms;
	collect(loop);
	if (loop->keeps == NULL) {
		loop_off_tick(loop->loop, tick);
		if (loop->on_ended != NULL) {
			loop->on_ended(loop->ended_context);
		}
	}
}

static void stop_all(struct api_loop *loop)
{
	for (struct api_keep *keep = loop->keeps; keep != NULL; keep = keep->next) {
		link_keep_stop(keep->keep);
	}
}

void links_keep(struct api_loop *loop)
{
	const struct api_options *options = &loop->api->options;
	const struct model *model = loop->binding->service->model;
	stop_all(loop);
	if (!loop->keeper || loop->ended || !link_keep_is_needed(model)) {
		return;
	}
	if (loop->keeps == NULL) {
		loop->collect.tick = on_tick;
		loop_on_tick(loop->loop, &loop->collect);
	}
	struct api_keep *keep = alloc_zeroed(1, sizeof(*keep));
	const struct link_keep_options keep_options = {
		.loop = loop->loop,
		.session = loop->session,
		.peers = api_peers(loop),
		.model = model,
		.lease_ms = options->limits->link_lease_ms,
		.bell = &loop->api->outbox_bell,
		.told = on_told,
		.context = keep,
	};
	keep->loop = loop;
	keep->binding = loop->binding;
	keep->binding->calls++;
	keep->next = loop->keeps;
	loop->keeps = keep;
	keep->keep = link_keep_create(&keep_options);
}

void links_end(struct api_loop *loop)
{
	bool some = loop->keeps != NULL;
	loop->ended = true;
	stop_all(loop);
	collect(loop);
	if (some && loop->keeps == NULL) {
		loop_off_tick(loop->loop, &loop->collect);
	}
}
