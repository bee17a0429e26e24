#include "auth/key_ring.h"

#include <assert.h>
#include <stdlib.h>

#include "auth/key_priv.h"
#include "base/alloc.h"

/* ---- sets ---- */

void key_set_unref(struct key_set *set)
{
	if (set != NULL && atomic_fetch_sub(&set->references, 1) == 1) {
		keys_finish(&set->keys);
		free(set);
	}
}

static bool read_sources(struct key_ring *ring, struct key_set *set, struct model_report *report)
{
	bool good = true;
	set->complete = true;
	for (size_t i = 0; i < ring->source_count; i++) {
		struct str body = buf_str(&ring->sources[i].body);
		set->complete = set->complete && body.len > 0;
		good = (body.len == 0 || keys_add_set(&set->keys, ring->sources[i].config, body, report)) &&
			good;
	}
	return good;
}

/* Of all that is known; under lock. NULL after a report. */
static struct key_set *create_set(struct key_ring *ring, struct model_report *report)
{
	struct key_set *set = alloc_zeroed(1, sizeof(*set));
	atomic_init(&set->references, 1);
	keys_copy(&set->keys, &ring->fixed);
	set->keys.wanted = ring->source_count > 0 ? &ring->wanted : NULL;
	set->number = atomic_load(&ring->number) + 1;
	if (!read_sources(ring, set, report)) {
		key_set_unref(set);
		return NULL;
	}
	return set;
}

/* Under lock. */
static void put_in_place(struct key_ring *ring, struct key_set *set)
{
	key_set_unref(ring->current);
	ring->current = set;
	atomic_store_explicit(&ring->number, set->number, memory_order_release);
}

struct key_set *key_ring_take(struct key_ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	struct key_set *set = ring->current;
	atomic_fetch_add(&set->references, 1);
	pthread_mutex_unlock(&ring->lock);
	return set;
}

bool key_ring_is_complete(struct key_ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	bool complete = ring->current->complete;
	pthread_mutex_unlock(&ring->lock);
	return complete;
}

/* ---- what comes ---- */

/* Under lock. */
static bool replace_body(struct key_ring *ring, size_t number, struct str json,
						 struct model_report *report)
{
	struct buf *body = &ring->sources[number].body;
	struct buf old = *body;
	buf_init(body, KEY_FILE_BYTES);
	buf_append(body, json);
	if (body->failed) {
		model_report_add(report, ring->sources[number].config->jwks.place, NULL,
						 "the set is too large");
	}
	struct key_set *set = body->failed ? NULL : create_set(ring, report);
	if (set == NULL) {
		buf_finish(body);
		*body = old;
		return false;
	}
	buf_finish(&old);
	put_in_place(ring, set);
	return true;
}

bool key_ring_put(struct key_ring *ring, size_t source, struct str json, bool *ret_new,
				  struct model_report *report)
{
	assert(source < ring->source_count);
	pthread_mutex_lock(&ring->lock);
	bool same = json.len > 0 && str_equal(buf_str(&ring->sources[source].body), json);
	/* Nothing has the length that tells a set that never came. */
	struct str text = json.len > 0 ? json : STR(" ");
	bool good = same || replace_body(ring, source, text, report);
	pthread_mutex_unlock(&ring->lock);
	*ret_new = good && !same;
	return good;
}

static bool is_same(const struct auth_key_source *a, const struct auth_key_source *b)
{
	return str_equal(a->jwks.str, b->jwks.str) && a->algorithm == b->algorithm;
}

void key_ring_inherit(struct key_ring *ring, struct key_ring *from)
{
	struct model_report ignored;
	model_report_init(&ignored);
	pthread_mutex_lock(&from->lock);
	pthread_mutex_lock(&ring->lock);
	for (size_t i = 0; i < ring->source_count; i++) {
		for (size_t k = 0; k < from->source_count; k++) {
			struct str body = buf_str(&from->sources[k].body);
			if (body.len > 0 && is_same(ring->sources[i].config, from->sources[k].config)) {
				/* It was good there; here there may be too many keys with it. */
				(void)replace_body(ring, i, body, &ignored);
			}
		}
	}
	pthread_mutex_unlock(&ring->lock);
	pthread_mutex_unlock(&from->lock);
	model_report_finish(&ignored);
}

/* ---- life ---- */

bool key_ring_init(struct key_ring *ring, const struct auth_config *config,
				   struct model_report *report)
{
	pthread_mutex_init(&ring->lock, NULL);
	for (size_t i = 0; i < config->key_count; i++) {
		if (config->keys[i].fetched) {
			struct key_source *source = &ring->sources[ring->source_count++];
			source->config = &config->keys[i];
			buf_init(&source->body, KEY_FILE_BYTES);
		}
	}
	if (!keys_load(&ring->fixed, config, report)) {
		return false;
	}
	put_in_place(ring, create_set(ring, report));
	return true;
}

void key_ring_finish(struct key_ring *ring)
{
	key_set_unref(ring->current);
	keys_finish(&ring->fixed);
	for (size_t i = 0; i < ring->source_count; i++) {
		buf_finish(&ring->sources[i].body);
	}
	pthread_mutex_destroy(&ring->lock);
}
