/*
 * What is asked, checked: every name is a field, every value has its field's type, the order is
 * total. A query is a tree: one resource with its conditions, and the resources embedded in its
 * rows. Stores take nothing else. It comes from text (query/parse.h) through query/check.h.
 *
 * A store selects `fetch`, in that order; columns, orders and embeds say by number which of these
 * they mean (store/rows.h writes answers from them).
 *
 * A route of a service file is checked once, at load; its conditions may hold parameters then,
 * and query_bind() (query/bind.h) fills them for each request.
 *
 * Ownership: all parts are arena or borrowed from the model; immutable once checked. Threads: any
 * number of readers. Errors, Limits: those of check.
 */
#ifndef ROWLOCK_QUERY_QUERY_H
#define ROWLOCK_QUERY_QUERY_H

#include "codec/json_path.h"
#include "codec/zone.h"
#include "model/model.h"

enum query_action {
	QUERY_LIST,    /* any number of rows */
	QUERY_GET,     /* one row by its whole key */
	QUERY_INSERT,  /* rows */
	QUERY_UPSERT,  /* rows; those that meet a row with the same `conflict` fields change it */
	QUERY_REPLACE, /* one row by its whole key, all fields anew; missing: not found */
	QUERY_UPDATE,  /* the given fields of all rows that match */
	QUERY_DELETE,  /* all rows that match */
};

/* X(NAME, word in the grammar, what stands behind it) */
#define OPERATOR_TABLE(X)                                                                          \
	X(EQ, "eq", VALUE)                                                                             \
	X(NEQ, "neq", VALUE)                                                                           \
	X(GT, "gt", VALUE)                                                                             \
	X(GTE, "gte", VALUE)                                                                           \
	X(LT, "lt", VALUE)                                                                             \
	X(LTE, "lte", VALUE)                                                                           \
	X(LIKE, "like", VALUE)                                                                         \
	X(ILIKE, "ilike", VALUE)                                                                       \
	X(MATCH, "match", VALUE)                                                                       \
	X(IMATCH, "imatch", VALUE)                                                                     \
	X(ISDISTINCT, "isdistinct", VALUE)                                                             \
	X(IN, "in", LIST)                                                                              \
	X(IS, "is", IS)                                                                                \
	X(FTS, "fts", WORDS)                                                                           \
	X(PLFTS, "plfts", WORDS)                                                                       \
	X(PHFTS, "phfts", WORDS)                                                                       \
	X(WFTS, "wfts", WORDS)

enum operator_name {
#define X(name, word, shape) OPERATOR_##name,
	OPERATOR_TABLE(X)
#undef X
};

enum is_what { IS_NULL, IS_NOT_NULL, IS_TRUE, IS_FALSE, IS_UNKNOWN };

/* A value of a row: a field, or what a path leads to in a json field; perhaps of another row, to
 * which to-one relations lead. */
struct term {
	const struct field *field;
	const struct json_path *path;          /* NULL: the field itself */
	const struct relation *const *through; /* to-one steps from the query's resource */
	size_t through_count;                  /* 0: the row itself */
};

/* A value that is known now, or the number of a parameter that a request fills. */
struct operand {
	struct value value;
	int parameter; /* -1: none */
	bool optional; /* the condition is dropped when the parameter is not given */
	/* LIKE, ILIKE: any text may stand there beside the parameter, in which nothing is a wildcard.
	 * Once it is filled the value is the whole pattern. */
	bool any_before;
	bool any_behind;
};

/* An embed may be asked for in many places, each of which asks for all below it. */
enum { QUERY_TABLES = 1000 };

enum cond_kind { COND_AND, COND_OR, COND_NOT, COND_COMPARE, COND_IN, COND_IS, COND_EXISTS };

/*
 * SQL's three-valued logic: a comparison with null is neither true nor false, so a row whose field
 * is null matches neither `eq.5` nor `neq.5` nor `not.eq.5`; `is`, `isdistinct`, an empty `in` and
 * EXISTS are always true or false. Check makes NOT stand over leaves only, lets AND and OR
 * alternate, and puts the highest child first, which keeps the text of a deep tree within what a
 * database's parser can hold. It takes `any` and `all` apart into OR and AND, and the questions of
 * full text into leaves of one phrase each (OPERATOR_FTS).
 */
struct cond {
	enum cond_kind kind;
	bool parameters; /* somewhere below an operand is a parameter */
	bool rule;       /* a rule of the service file put it here: the client did not ask for it */
	uint16_t height; /* of the tree below; 0 is a leaf or a negated one */
	uint32_t tables; /* EXISTS in all that is below, through embeds too; at most QUERY_TABLES */
	const struct cond *const *children; /* AND, OR: 0 or more (none: true, false); NOT: one */
	size_t child_count;
	const struct field *field;    /* COMPARE, IN, IS; with a path, the json field */
	const struct json_path *path; /* NULL: the field itself; else values are texts */
	const struct field *type;     /* how operands are read: the field, or a text for a path */
	enum operator_name op;        /* COMPARE: EQ … ISDISTINCT, FTS */
	struct operand operand;       /* COMPARE; LIKE … IMATCH: the pattern as text */
	/* COMPARE with LIKE, ILIKE: struct like; MATCH, IMATCH: struct regex; FTS: struct phrase. Of a
	 * parameter it is made by query_bind(). */
	struct value compiled; /* VALUE_POINTER */
	struct str fts5; /* COMPARE with FTS: the phrase as FTS5 has it; "" when that cannot be said */
	const struct operand *items; /* IN; none matches nothing */
	size_t item_count;
	enum is_what is;
	/* EXISTS: is there a row to embed here, under the embed's own conditions, limit and offset? */
	const struct query_embed *embed;
};

enum aggregate {
	AGGREGATE_NONE,
	AGGREGATE_COUNT, /* of values; without a field, of rows */
	AGGREGATE_SUM,
	AGGREGATE_AVG,
	AGGREGATE_MIN,
	AGGREGATE_MAX,
};

/* One value that the store selects. The casts are fields made to say a type. */
struct query_fetch {
	struct term term;         /* field NULL: count() */
	const struct field *cast; /* of the value, before it is aggregated; NULL: none */
	enum aggregate aggregate;
	const struct field *result_cast; /* of the aggregate; NULL: none */
	const struct field *type;        /* of the result: how it is read from the store and written */
};

/* One column of the answer: a value, or the rows of an embedded resource. */
struct query_column {
	struct str name;
	struct str key;                  /* `"name":` as JSON, escaped; "" of a spread */
	size_t at;                       /* in fetch */
	const struct query_embed *embed; /* NULL: a value */
};

struct query_order {
	struct term term;
	size_t at; /* in fetch; SIZE_MAX when it is not among them (then the query is no write, not
				* grouped and not distinct) */
	bool descending;
	bool nulls_first;
};

enum query_format {
	FORMAT_ARRAY,  /* [{…},{…}] */
	FORMAT_OBJECT, /* {…}: exactly one row, else ERROR_NOT_ONE; of a GET the first row */
	FORMAT_VALUES, /* [1,7]: the first column, bare */
	FORMAT_CSV,
	FORMAT_NDJSON,
};

/* What happens to a row of an upsert that meets another. */
enum query_resolution { RESOLUTION_MERGE, RESOLUTION_IGNORE };

/* Rows of a write that are read while it runs, so that memory does not grow with them. */
struct query_batches {
	/* Gives the next rows, row after row of given.count values, until the next call; none at the
	 * end. Called by the store, on the thread that writes. */
	bool (*next)(struct query_batches *batches, const struct value **ret_values,
				 size_t *ret_row_count, struct error *error);
	/* Row `row` of those given last cannot be written, for this reason: true leaves it out and goes
	 * on. Called by the store, on the same thread; NULL: the write fails. */
	bool (*refused)(struct query_batches *batches, size_t row, const struct error *error);
};

struct caller; /* query/check.h */

/* What the service file says of the caller of a query, beyond what is in its conditions. */
struct query_rules {
	const struct caller *caller;
	/* A row that is made must pass `create`; rows as they are after a change must pass `update`,
	 * and what an upsert changes must have passed `old`; NULL: all do. */
	const struct cond *create;
	const struct cond *update;
	const struct cond *old;
	/* New rows that are answered must pass it too. */
	const struct cond *shown;
	/* All that rules made of the caller, for the whole tree: whoever has the same gets the same
	 * answers. */
	struct str key;
	const struct field *misfit; /* a claim does not fit its type; NULL: all do */
};

struct query {
	enum query_action action;
	const struct resource *resource;

	const struct cond *where; /* NULL: every row. GET, REPLACE: pins the whole key by eq */
	const struct query_fetch *fetch;
	size_t fetch_count;
	const struct query_column *columns; /* what is answered */
	size_t column_count; /* 0: no representation (writes), or a reply without any column */
	bool grouped;        /* some fetch is aggregated: the others are what rows are grouped by */
	bool distinct;       /* equal rows count once */
	enum query_format format;
	const struct zone *zone;         /* in which datetimes are answered; NULL: UTC */
	bool nulls_stripped;             /* columns that are null are left out of objects */
	const struct query_order *order; /* LIST: ends with the whole key, where there is one */
	size_t order_count;
	uint64_t limit; /* UINT64_MAX: none */
	uint64_t offset;
	bool total; /* LIST: also count all rows that match */
	bool own;   /* the program's own question: limits->answer_rows does not count */
	bool locks; /* LIST in a transaction: the rows stay as they are until it ends */
	/* Numbers in fetch of the values that make a cursor or a tag; count 0: none. */
	const size_t *cursor; /* of the last row: its order values */
	size_t cursor_count;
	uint64_t cursor_hash; /* of the order, the conditions and the resource */
	const size_t *tag;    /* all fields of the one row */
	size_t tag_count;

	/* INSERT, UPSERT, REPLACE, UPDATE (one row): values of `given` fields, row after row. */
	struct field_list given;
	const struct value *values; /* row_count * given.count; INSERT, UPSERT: some may be ABSENT */
	size_t row_count;
	struct query_batches *batches;     /* INSERT, UPSERT: the rows, instead of values; NULL: none */
	struct field_list conflict;        /* UPSERT: the key, or the fields of a unique rule */
	const struct cond *conflict_where; /* of a unique rule over some rows; NULL: over all */
	enum query_resolution resolution;
	bool by_target;  /* an embed with an alias was named by its target: as older clients do */
	bool must_match; /* the query is about one row by its key: no row is ERROR_NOT_FOUND */
	/* Day, UTC, since 1970, that computed fields mean by today(): the same in the whole tree. */
	int64_t today;
	/* Something that is fetched, ordered by or asked for depends on it, here or in an embed: an
	 * answer that is kept is good for that day only. */
	bool uses_today;
	const struct query_rules *rules; /* of the root; NULL: whoever asks may do everything */
	bool remote; /* of the root: rows of the tree live in other services (resource->at) */
};

/* The rows of another resource that belong to one row of the query that it is embedded in. */
struct query_embed {
	const struct relation *relation;
	bool to_one; /* one object or null; else an array */
	bool spread; /* its columns stand among those of the row; of a to-many each is an array */
	/* A LIST of relation->to. Its where, order, limit and offset count for each parent row alone;
	 * the join itself is not among them. */
	struct query query;
	const size_t *keys; /* numbers in the parent's fetch of relation->from_fields */
	size_t number;      /* in the whole tree, from 0, parents before children */
};

#endif
