/*
 * What the parts of check share. The tree of `select` becomes a tree of levels, one for each
 * resource that is answered, with what the parameters say of it; then each level is checked, the
 * embedded ones before the one that they are embedded in, since its conditions ask for them.
 *
 * Ownership: everything is arena. Threads: one checker, one thread.
 * Errors: those of check.h; functions that return a pointer give NULL after setting one.
 * Limits: CHECK_CURSOR_TERMS.
 */
#ifndef ROWLOCK_QUERY_CHECK_PRIV_H
#define ROWLOCK_QUERY_CHECK_PRIV_H

#include "base/buf.h"
#include "query/check.h"

/* Of an order with a cursor: each is two steps of a tree. */
enum { CHECK_CURSOR_TERMS = 32 };

struct checker {
	const struct parsed_query *parsed;
	const struct check_options *options;
	struct arena *arena;
	struct error *error;
	int64_t today;
	bool by_target; /* an embed with an alias was named by its target */
	bool ruling;    /* a rule is checked, which may be about any field */
	bool unfilled;  /* a claim of the condition is missing, or does not fit */
	struct buf key; /* see struct query_rules */
	const struct field *misfit;
};

/* One resource of the answer. */
struct level {
	struct level *parent;            /* NULL: the query's own */
	const struct parsed_item *item;  /* that embeds it; NULL: the query's own */
	const struct parsed_item *items; /* what is selected of it */
	struct level *children;          /* one for each relation among `items`, in their order */
	struct level *next;
	const struct resource *resource;
	const struct relation *relation; /* NULL: the query's own */
	bool to_one;
	bool aggregated; /* its rows are grouped, for an item here or in a spread of one row */
	bool folded;     /* a spread whose values are those of the parent, through the relation */
	bool used;       /* the embed stands in a column or a condition */
	/* What the parameters say of it. */
	struct parsed_cond *where;
	const struct parsed_order *order;
	uint64_t limit;
	uint64_t offset;
	bool has_order;
	bool has_limit;
	bool has_offset;
	/* What becomes of it. */
	struct query_embed *embed; /* NULL: the query's own */
	struct query *query;       /* of the embed, or the whole one */
	struct query_fetch *fetch;
	size_t fetch_count;
	size_t fetch_room;
	struct query_column *columns;
	size_t column_count;
	size_t column_room;
	size_t *plain; /* by field number: 1 + where in fetch the field itself is; 0: nowhere */
	bool *own;     /* by field number: it stands under its own name */
	bool renamed;  /* some column is no field under its own name */
};

/* ---- check.c ---- */

const struct field *check_field(struct checker *checker, const struct resource *resource,
								struct str name);
/* Field, path: a path leads into json only. */
bool check_term(struct checker *checker, const struct resource *resource, struct str name,
				const struct json_path *path, struct term *ret_term);
/* Refuses to compare a whole json field, or to order by it. */
bool check_comparable(struct checker *checker, const struct term *term);
/* ERROR_UNSUPPORTED with these details. */
bool check_unsupported(struct checker *checker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A field that is made to say a type. */
struct field *check_made_field(struct checker *checker, struct str name, enum type type);
bool check_level(struct checker *checker, struct level *level);

/* ---- check_embed.c ---- */

/* Makes the levels below, and joins to them what the parameters say of them. */
bool check_tree(struct checker *checker, struct level *root);
/* The level embedded here under this name; without an error when there is none. */
struct level *check_child(struct checker *checker, const struct level *level, struct str name);
bool check_not_embedded(struct checker *checker, struct str name);
/* Makes and checks the embeds of all levels embedded here. */
bool check_embeds(struct checker *checker, struct level *level);
/* Is there a row to embed? Or, negated, none? */
const struct cond *check_exists(struct checker *checker, struct level *child, bool negated);
/* Gives the embeds that are used their numbers. */
void check_number_embeds(struct level *root);
/* Do rows of it, or of an embed that is used, live in another service? */
bool check_is_remote(const struct level *level);

/* ---- check_relation.c ---- */

const struct relation *check_relation(struct checker *checker, const struct resource *from,
									  const struct parsed_item *item);

/* ---- check_cond.c ---- */

bool check_where(struct checker *checker, struct level *level, const struct cond **ret_where);

/* The condition of a rule with the caller's claims. */
const struct cond *check_rule_where(struct checker *checker, const struct resource *resource,
									const struct parsed_cond *where);

/* ---- check_rules.c ---- */

/* Adds to the key of the rules what an answer depends on. */
void check_note(struct checker *checker, char kind, struct str text);
/* The role, where fields of the resource ask for it. */
void check_note_role(struct checker *checker, const struct resource *resource);
/* May the caller read the field? ERROR_FORBIDDEN. */
bool check_readable(struct checker *checker, const struct resource *resource,
					const struct field *field);
/* The rows that a rule leaves to the caller; NULL: all. ERROR_FORBIDDEN: none at all. */
bool check_rule(struct checker *checker, const struct resource *resource, enum rule_action action,
				const struct cond **ret_cond);
/* The same for what is done with the rows of a level. */
bool check_rule_of_level(struct checker *checker, const struct level *level,
						 const struct cond **ret_cond);
/* Refuses to reach values of a resource without its conditions, unless all its rows may be read. */
bool check_unguarded(struct checker *checker, const struct resource *resource);
/* May the caller follow the relation? */
bool check_way(struct checker *checker, const struct relation *relation);
/* Fills in query->rules. */
bool check_settle_rules(struct checker *checker, bool shown, struct query *query);

/* ---- check_select.c ---- */

/* Is this item aggregated? */
bool check_aggregates(const struct parsed_item *item, const struct resource *resource);
bool check_select(struct checker *checker, struct level *level);
/* Where in fetch the term is; added when it is not there yet. */
size_t check_fetch(struct checker *checker, struct level *level, const struct term *term);
/* SIZE_MAX when it is not there. */
size_t check_fetched(const struct level *level, const struct term *term);
bool check_same_term(const struct term *a, const struct term *b);

/* ---- check_order.c ---- */

bool check_order(struct checker *checker, struct level *level);

/* ---- check_cursor.c ---- */

/* What `after` asks for; where, order and fetch are checked. */
bool check_after(struct checker *checker, struct level *level, struct query_order *order);

#endif
