/*
 * A service file, loaded and checked: resources, fields, routes, in an immutable tree. Conditions,
 * shapes and orders stay text with their place here; query compiles them before the first listen.
 *
 * Ownership: model_load() to model_destroy(); all parts live in the model's arena.
 * Threads: any number of readers. Errors: a list of problems with file, line and column.
 * Limits: file 1 MiB, depth 16, no aliases, 1,000 resources, 1,000 fields and 100 references each,
 * 10,000 routes.
 */
#ifndef ROWLOCK_MODEL_MODEL_H
#define ROWLOCK_MODEL_MODEL_H

#include "base/limits.h"
#include "codec/cidr.h"
#include "codec/date.h"
#include "model/access.h"
#include "model/model_report.h"
#include "model/reference.h"
#include "model/route.h"
#include "model/value.h"

struct auth_config; /* model/auth_config.h */
struct cond;        /* query/query.h */
struct expression;  /* query/expression.h */

/* DEFAULT_DATABASE: an existing table has one, in words of its own. */
enum field_default { DEFAULT_NONE, DEFAULT_VALUE, DEFAULT_AUTO, DEFAULT_DATABASE };
enum field_write { WRITE_ALWAYS, WRITE_ONCE, WRITE_NEVER };

struct field {
	struct str name;
	struct place place;
	size_t number; /* position in resource->fields; of hold_fields: behind those */
	enum type type;
	int precision;    /* decimal */
	int scale;        /* decimal */
	size_t max_chars; /* text(n), in code points; 0 is no limit */
	bool key;         /* part of the primary key */
	bool required;    /* must be given and not null; key fields always are, but for DEFAULT_AUTO */
	enum field_default default_kind;
	struct value default_value;
	enum field_write write;
	bool accept_text;       /* of a number: in JSON a text that holds one is taken too */
	bool loose;             /* boolean of an existing table: every number but 0 is true */
	const struct value *in; /* allowed values; NULL allows all */
	size_t in_count;
	const struct value *min; /* NULL: none */
	const struct value *max;
	struct date_rules dates; /* how texts of a date, time or datetime are read: `accept`, and
							  * `max: today` */
	bool max_today;          /* date, datetime: nothing later than the day of the request, UTC */
	struct text computed;    /* an expression over other fields; "": stored. Never written */
	const struct expression *expression; /* of it; set by query_compile() */
	const struct roles *readable_by;     /* NULL: all who may read the row */
	const struct roles *writable_by;     /* NULL: all who may write the row */
	const struct resource *references;   /* its single key field; NULL: none, or see `references` of
										* the resource for other shapes */
};

/* Conditions of rules are text until query_compile() (query/compile.h) sets `cond`. */
struct unique_rule {
	struct str name;
	struct field_list fields;
	struct text where; /* only rows for which it is true count; "": all */
	const struct cond *cond;
};

/* A condition that no row may fail: what is neither true nor false passes, as in SQL. */
struct check_rule {
	struct str name;
	struct text text;
	const struct cond *cond;
};

struct index {
	struct field_list fields;
	struct text where; /* only rows for which it is true are in it; "": all */
	const struct cond *cond;
};

enum load_mode { LOAD_REPLACE, LOAD_ADD, LOAD_ONCE };

/* Rows that are read from a file when the service starts. */
struct load_file {
	struct str file; /* relative to the working folder; "" for none */
	enum load_mode mode;
};

/* Is it an expression over other fields, without a column? */
static inline bool field_is_computed(const struct field *field)
{
	return field->computed.str.len > 0;
}

struct resource {
	struct str name;
	struct place place;
	size_t number; /* position in model->resources */
	const struct field *fields;
	size_t field_count;
	struct field_list key; /* count 0: an existing table or view without one */
	bool read_only;        /* a view, a tally, or a database opened for reading */
	bool hidden;           /* the program's own: not served */
	struct text at;        /* base URL of the service that it lives in; "": here */
	bool pass_token;       /* with `at`: the caller's token goes there with what is read */
	const struct reference *references;
	size_t reference_count;
	const struct link *links;
	size_t link_count;
	/* Made by link_tables_create(). Columns of its table that nobody can name: link->hold of its
	 * links, with the numbers field_count, field_count + 1, … */
	const struct field *hold_fields;
	size_t hold_field_count;
	const struct resource
		*holds; /* hidden: what rows elsewhere keep rows of this one; NULL: none */
	const struct relation *relations; /* from this resource */
	size_t relation_count;
	const struct unique_rule *uniques;
	size_t unique_count;
	const struct check_rule *checks;
	size_t check_count;
	const struct index *indexes;
	size_t index_count;
	struct field_list
		search; /* text fields with an index for substrings, where the store has one */
	struct row_rules rules[RULE_ACTIONS]; /* by enum rule_action */
	struct load_file load;
	const struct resource *tally_of;       /* counts the rows of this one per `by`; read only */
	struct field_list by;                  /* fields of tally_of */
	const struct resource *const *tallies; /* resources that count this one's rows */
	size_t tally_count;
};

/* Does it live in another service? Then there is no table of it here. */
static inline bool resource_is_remote(const struct resource *resource)
{
	return resource->at.str.len > 0;
}

/* Does this service answer for its rows? */
static inline bool resource_is_served(const struct resource *resource)
{
	return !resource->hidden && !resource_is_remote(resource);
}

/* How many columns its table has for a store to write: those of its fields, which may be computed
 * and have none, then those of its hold fields. */
static inline size_t resource_column_count(const struct resource *resource)
{
	return resource->field_count + resource->hold_field_count;
}

/* By its number. */
static inline const struct field *resource_column(const struct resource *resource, size_t number)
{
	return number < resource->field_count ? &resource->fields[number]
										  : &resource->hold_fields[number - resource->field_count];
}

enum cache_kind { CACHE_DEFAULT, CACHE_OFF, CACHE_MEMORY, CACHE_REDIS };

struct model {
	struct str service;
	struct str file;    /* as it was given to model_load() */
	struct text listen; /* "" when not given */
	struct text store;  /* URL; a relative path in it is already relative to the working folder */
	struct limits limits;
	enum cache_kind cache;    /* CACHE_DEFAULT: memory, or off on a database server */
	struct text redis;        /* [[USER]:PASSWORD@]HOST:PORT of CACHE_REDIS */
	struct text cache_secret; /* "": none */
	const struct str *cors;   /* origins that browsers may call from; "*" for any */
	size_t cors_count;
	const struct auth_config *auth;     /* NULL: none */
	struct tls_files tls;               /* of the listener */
	const struct cidr *trusted_proxies; /* whose X-Forwarded-For is believed */
	size_t trusted_proxy_count;
	struct str error_shape; /* JSON text with {message} {code} {details} {hint}; "": the default */
	const struct resource *resources; /* those of the file, then the hidden ones */
	size_t resource_count;
	const struct resource *decision; /* hidden: see model/link_tables.h; NULL: no rows are kept */
	const struct resource *outbox;   /* hidden, the same */
	bool guarded; /* some resource has rules, or a field that not all may read or write */
	const struct resource *kept_answers; /* for Idempotency-Key; not among the resources */
	const struct route *routes;
	size_t route_count;
	uint64_t hash; /* of the file's content with the environment filled in */
};

/* The value of ${NAME}, or NULL. */
typedef const char *model_environment(const char *name);

/* Reads and checks a file. NULL when report->errors is not 0 afterwards. */
struct model *model_load(const char *path, model_environment *environment,
						 struct model_report *report);
/* The same for text in memory; `file` is used in messages and for relative paths. */
struct model *model_parse(struct str yaml, struct str file, model_environment *environment,
						  struct model_report *report);
/* Accepts NULL. */
void model_destroy(struct model *model);
/* Where its parts live, for what is compiled from it once it is loaded. */
struct arena *model_arena(struct model *model);

/* NULL when there is none of that name (case-sensitive). It finds the hidden ones too. */
const struct resource *model_resource(const struct model *model, struct str name);
const struct field *resource_field(const struct resource *resource, struct str name);
/* The name nearest to a wrong one, for hints; "" when none is near, or hidden. */
struct str model_nearest_resource(const struct model *model, struct str name);
struct str resource_nearest_field(const struct resource *resource, struct str name);

#endif
