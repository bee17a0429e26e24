/*
 * The insides of a write with links: user.c asks for holds, user_rows.c knows the keys and puts the
 * holds into the rows, user_transaction.c does what belongs to the transaction.
 *
 * Ownership: the write's arena, but for maps and arrays that are said to be owned.
 * Threads, Errors, Limits: those of user.h.
 */
#ifndef ROWLOCK_LINK_USER_PRIV_H
#define ROWLOCK_LINK_USER_PRIV_H

#include "base/map.h"
#include "link/user.h"

/* A key that some rows refer to, and the id under which it is held. */
struct wanted {
	struct uuid id;
	char text[UUID_TEXT_LEN];
	const struct value *key; /* as many as the link has fields */
	bool missing;            /* there is no such row */
};

/* A link of the resource. */
struct part {
	struct link_write *write;
	const struct link *link;
	bool given;             /* rows get new values of its fields */
	bool leaves;            /* rows may have a hold that they do not keep */
	size_t *at;             /* place in the query's `given` of each field; SIZE_MAX: in `rest` */
	struct value *rest;     /* the value that every row has there */
	struct map keys;        /* owned: struct wanted by the text of their keys */
	struct wanted **wanted; /* owned */
	size_t count;
	size_t room;

	/* How they are asked for. */
	struct peer_request request;
	bool busy;
	bool done; /* all that are not missing are held, or there */
	bool sent; /* some may be held */
	enum peer_outcome outcome;
	struct error error;
};

/* A hold that a row had, or may not have come to have. */
struct old_hold {
	struct uuid id;
	struct part *part;
};

struct old_holds {
	struct old_hold *items; /* owned */
	size_t count;
	size_t room;
};

struct link_write {
	struct link_write_options options;
	struct part *parts;
	size_t part_count;
	struct field_list given; /* of the query, as it was */
	struct field_list wide;  /* with the columns of holds behind them */
	bool collected;          /* the keys of all rows are known */
	size_t pending;          /* requests under way, and one while they begin */
	struct task task;
	struct loop_tick tick;
	bool ticking;
	uint64_t again_ms;
	bool begun;
	bool told; /* ready() was called */

	/* Rows in batches. */
	struct query_batches batches;
	struct query_batches *inner; /* the query's own; NULL: none */
	struct arena batch;          /* owned: of the rows that were given last */
	size_t *numbers;             /* in `batch`: of these rows among those of `inner` */

	/* The transaction. */
	struct store_transaction *transaction;
	struct old_holds old; /* owned */
	uint64_t locked;      /* rows that will change */
	uint64_t made;        /* rows of an upsert that meet none */
	struct map targets;   /* owned: of an upsert, the rows that it meets or makes */
	struct buf text;      /* owned: scratch */
	struct arena scratch; /* owned: of one attempt of the transaction */
	bool left_out;        /* some row was not written */
	uint64_t refused;     /* rows that the store did not take */
	uint64_t released;    /* holds that went into the outbox */
};

/* ---- user_rows.c ---- */

/* Notes the keys of these rows. `keeps`: the values do not live long. */
void write_collect(struct link_write *write, const struct value *values, size_t row_count,
				   bool keeps);
/* The key of one part of a row; NULL: it refers to nothing. */
struct wanted *write_find(struct part *part, const struct value *row);
/* The same by its values. */
struct wanted *write_find_key(struct part *part, const struct value *key);
/* Puts the holds into the query's rows. */
void write_extend(struct link_write *write);
/* As local foreign keys say it. Returns false. */
bool write_fail_missing(const struct part *part, const struct wanted *wanted, struct error *error);

/* ---- user_transaction.c ---- */

/* Rows of an upsert that are about to be written: locks those that they meet, and notes the holds
 * of these. */
bool write_meet(struct link_write *write, const struct value *values, size_t row_count,
				struct error *error);

#endif
