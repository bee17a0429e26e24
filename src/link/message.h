/*
 * The messages of two services about holds, as JSON: `PUT`, `DELETE` and `POST /.rowlock/holds`,
 * `POST /.rowlock/decide`, and their answers. See docs/decisions/links.md.
 *
 *   PUT     {"resource":"places","from":"people","holds":[{"id":"…","key":{"id":5}}]}
 *           409: {"missing":[{"id":5}]}
 *   DELETE  {"resource":"places","from":"people","ids":["…"]}
 *   POST    the same         200: {"used":["…"],"void":["…"]}: those that are there, and not
 *   decide  {"ids":["…"]}    200: {"used":["…"],"void":["…"]}
 *
 * `resource` is the owner's, `from` the user's that refers to it: the owner knows it, with its
 * address, from its own service file, where it stands with `at`.
 *
 * Ownership: what is read is arena; its texts are borrowed from the body or arena.
 * Threads: plain functions. Errors: ERROR_BODY and those of value_from_json(), with their place in
 * the body; ERROR_RESOURCE when the two are not linked here; ERROR_BODY_TOO_LARGE over the limit.
 * Limits: MESSAGE_MOST_HOLDS holds or ids in a message.
 */
#ifndef ROWLOCK_LINK_MESSAGE_H
#define ROWLOCK_LINK_MESSAGE_H

#include "codec/uuid.h"
#include "model/model.h"

enum { MESSAGE_MOST_HOLDS = 10000 };

struct message_hold {
	struct uuid id;
	const struct value *key; /* as many as the resource's key has fields, in their order */
};

struct message_holds {
	const struct resource *resource;
	const struct resource *from;
	const struct message_hold *items;
	size_t count;
};

struct message_ids {
	const struct resource *resource; /* NULL, as `from`: of a decide */
	const struct resource *from;
	const struct uuid *items;
	size_t count;
};

struct message_decisions {
	const struct uuid *used;
	size_t used_count;
	const struct uuid *voided;
	size_t void_count;
};

struct message_keys {
	const struct value *const *items;
	size_t count;
};

/* ---- the owner reads, the user writes ---- */

bool message_read_holds(struct str body, const struct model *model, struct arena *arena,
						struct message_holds *ret_holds, struct error *error);
bool message_read_releases(struct str body, const struct model *model, struct arena *arena,
						   struct message_ids *ret_ids, struct error *error);
bool message_read_decisions(struct str body, struct arena *arena,
							struct message_decisions *ret_decisions, struct error *error);
void message_write_holds(struct buf *buf, const struct message_holds *holds);
/* DELETE; or, without a resource, decide. */
void message_write_ids(struct buf *buf, const struct message_ids *ids);

/* ---- the user reads, the owner writes ---- */

bool message_read_decide(struct str body, struct arena *arena, struct message_ids *ret_ids,
						 struct error *error);
/* `resource` is the one that the holds were asked for. */
bool message_read_missing(struct str body, const struct resource *resource, struct arena *arena,
						  struct message_keys *ret_keys, struct error *error);
void message_write_decisions(struct buf *buf, const struct message_decisions *decisions);
void message_write_missing(struct buf *buf, const struct resource *resource,
						   const struct message_keys *keys);

#endif
