/*
 * The user's side of references between services (docs/decisions/links.md): a write of rows that
 * refer to rows of other services asks for their holds first, and keeps decisions, holds and the
 * outbox right in its own transaction.
 *
 *   link_write_create()   NULL: the write has nothing to do with other services
 *   link_write_begin()    asks; with an error nothing is to be written
 *   link_write_before()   in the transaction, before its rows
 *   link_write_after()    and behind them
 *   link_write_end()      when the store has answered
 *   link_write_finish()
 *
 * Ownership: a write lives in options->arena, until link_write_finish(). From begin on, until end,
 * it changes options->query: its rows get the columns of their holds.
 * Threads: the loop's; before, after and the rows of batches are the store's, while the loop leaves
 * the write alone. Errors: ERROR_REFERENCE with the field and the value; ERROR_OVERLOADED, with the
 * other service's resource, when it does not answer, and when the transaction met another one;
 * ERROR_UNSUPPORTED for a change of a part of a reference. In all of these nothing was written.
 * Limits: PEER_HOLD_MS for the answers. Memory grows with the different keys that the rows refer
 * to, and with the holds that they had.
 */
#ifndef ROWLOCK_LINK_USER_H
#define ROWLOCK_LINK_USER_H

#include "link/peer.h"
#include "query/query.h"
#include "store/store.h"

struct link_write;

/* How others are asked: of link/peer.h, or of a test. */
struct link_asker {
	void (*hold)(struct peers *peers, struct peer_request *request,
				 const struct message_holds *holds);
	void (*check)(struct peers *peers, struct peer_request *request,
				  const struct resource *resource, const struct message_keys *keys);
	void (*cancel)(struct peer_request *request);
	void (*give_up)(struct peers *peers, const struct message_ids *ids);
};
extern const struct link_asker link_asker_peers;

struct link_write_options {
	const struct link_asker *asker;
	struct peers *peers;
	struct loop *loop;
	const struct model *model;
	struct arena *arena;
	struct query *query; /* checked */
	/* With query->batches: the same rows, to be read beforehand; the caller's. */
	struct query_batches *scan;
	/* A row that refers to nothing is told to batches->refused(), and left out where that says so.
	 * Else it is the error of all. */
	bool leave_out;
	/* After no answer came: shall it be asked again, a second later? NULL: no. */
	bool (*patient)(void *context);
	/* Called once, perhaps before link_write_begin() returns: the store may run the query; or why
	 * it must not. */
	void (*ready)(void *context, const struct error *error);
	void *context;
};

/* Service files that the user's side cannot keep right, with their places. */
void link_user_check(const struct model *model, struct model_report *report);
/* Has a write of this resource to do with other services, whatever it is? */
bool link_user_concerns(const struct resource *resource);

/* *ret_write is NULL when there is nothing to do. */
bool link_write_create(const struct link_write_options *options, struct link_write **ret_write,
					   struct error *error);
void link_write_begin(struct link_write *write);
bool link_write_before(struct link_write *write, struct store_transaction *transaction,
					   struct error *error);
bool link_write_after(struct link_write *write, struct store_transaction *transaction,
					  const struct store_result *result, struct error *error);
/* As store_request.done was told. Returns whether the outbox has something new. */
bool link_write_end(struct link_write *write, const struct store_result *result,
					const struct error *error);
/* Accepts NULL. Not while the store runs; what is under way is given up. */
void link_write_finish(struct link_write *write);

#endif
