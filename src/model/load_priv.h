/*
 * The loading of a service file, shared by load.c (settings), load_access.c, load_at.c,
 * load_auth.c, load_cache.c, load_cors.c, load_resources.c, load_fields.c, load_rules.c,
 * load_file.c, load_proxies.c, load_references.c, load_routes.c, load_reply.c and load_tls.c: words
 * of maps, and the small readers of nodes.
 *
 * Each map of a service file is a table of words. A word without a reader belongs to the language,
 * but this version does not speak it yet; any other word is misspelt and gets a hint.
 *
 * Ownership: everything is in the model's arena. Threads: one. Errors: problems in the report; a
 * reader that fails has said so, and loading goes on to find more. Limits: those of model.h.
 */
#ifndef ROWLOCK_MODEL_LOAD_PRIV_H
#define ROWLOCK_MODEL_LOAD_PRIV_H

#include "model/yaml.h"

#define MAX_RESOURCES 1000
#define MAX_FIELDS 1000
#define MAX_REFERENCES 100
#define MAX_ROUTES 10000
#define MAX_NAME_BYTES 63
#define MAX_PARTIAL_NAME_BYTES 60

/* A field while it is read: `field` is complete once its resource is. */
struct draft_field {
	struct field *field;
	const struct node *in;
	const struct node *min;
	const struct node *max;
	const struct node *fallback; /* default: */
	const struct node *references;
	const struct node *loose;
	const struct node *accept;
	const struct node *readable_by;
	const struct node *writable_by;
	struct place required_place;
	bool required_given;
	bool type_given;
	bool broken; /* its type is not known, so its values cannot be checked */
};

/* A resource while it is read. */
struct draft {
	struct resource *resource;
	struct field *fields;
	struct draft_field *field_drafts; /* as many as fields; none for a tally */
	const struct node *node;          /* the whole */
	const struct node *key;
	const struct node *fields_node;
	const struct node *unique;
	const struct node *check;
	const struct node *index;
	const struct node *load;
	const struct node *search;
	const struct node *references;
	const struct node *read_only;
	const struct node *tally;
	const struct node *by;
	const struct node *at;
	const struct node *pass_token;
	const struct node *rules;
	const struct resource **tallies;
	bool keyless;       /* `key: []` */
	bool key_broken;    /* it has a key, but not all its fields are known */
	bool unique_broken; /* the same for a unique rule */
	bool broken; /* its fields are not all known: names that are not found are not reported */
};

struct load {
	struct arena *arena;
	struct model *model;
	struct model_report *report;
	struct str folder; /* of the service file, "" or with a slash at its end */
	struct draft *drafts;
	size_t draft_count;
	const struct node *resources;
	const struct node *routes;
	struct place guarded_place; /* of the first word about who may do what */
	const char *guarded_word;   /* NULL: none */
	bool resources_broken;      /* some resource has no draft */
};

/* By line and column; problems of the file as a whole first. */
void model_report_sort(struct model_report *report);

struct word {
	const char *name;
	/* NULL: not known yet in this version. */
	void (*read)(struct load *load, const struct node *node, void *target);
};

/* Calls the reader of each word in a map; reports the words that are not known. `where` completes
 * "… in ___". False when node is no map (reported). */
bool load_words(struct load *load, const struct node *node, const struct word *words, size_t count,
				const char *where, void *target);
#define LOAD_WORDS(load, node, words, where, target)                                               \
	load_words((load), (node), (words), sizeof(words) / sizeof((words)[0]), (where), (target))

/* A scalar that is not null, as text. NULL hint is fine; `what` begins the message. */
bool load_text(struct load *load, const struct node *node, const char *what, struct text *ret_text);
/* The same for a path, relative to the service file unless it came from the environment. */
bool load_path(struct load *load, const struct node *node, const char *what, struct text *ret_path);
bool load_boolean(struct load *load, const struct node *node, const char *what, bool *ret_value);
bool load_integer(struct load *load, const struct node *node, const char *what, int64_t *ret_value);
/* A node that is a map; others are reported. */
bool load_is_map(struct load *load, const struct node *node, const char *what);
/* One field of `resource`. `broken` resources report no missing names. */
const struct field *load_field(struct load *load, const struct node *node, const char *what,
							   const struct draft *draft);
/* A list of at least one field, each once; a single name stands for a list of one. */
bool load_field_list(struct load *load, const struct node *node, const char *what,
					 const struct draft *draft, struct field_list *ret_list);
/* The draft of the resource that a node names, or NULL (reported). */
struct draft *load_resource_name(struct load *load, const struct node *node, const char *what);
/* Checks a resource's, field's or rule's name. */
bool load_check_name(struct load *load, const struct text *name, const char *what);
/* A key that no two names share that differ only in the case of ASCII letters. */
struct str load_fold_name(struct load *load, struct str name);

/* The name nearest to a wrong one. */
struct nearest {
	struct str wanted;
	struct str best;
	size_t distance;
};
struct nearest nearest_begin(struct str wanted);
void nearest_try(struct nearest *nearest, struct str name);
/* `did you mean "…"?`, or NULL when nothing is near. */
const char *nearest_hint(const struct nearest *nearest, struct arena *arena);

void load_resources(struct load *load);
/* load_fields.c: `fields:` of one resource into draft->fields, in two steps: types first, then the
 * values that need the type and the key. */
void load_fields(struct load *load, struct draft *draft);
void load_field_values(struct load *load, struct draft *draft);
/* load_rules.c: unique rules, checks and indexes of one resource; conditions stay text. */
void load_rules(struct load *load, struct draft *draft);
/* load_at.c: `at:` of one resource into draft->resource; refuses what cannot stand beside it. */
void load_at(struct load *load, struct draft *draft);
/* load_access.c: who may do what with the rows and fields of one resource, whose key is known;
 * conditions stay text. */
void load_access(struct load *load, struct draft *draft);
/* load_references.c: the foreign keys and links of one resource; the keys and unique rules of all,
 * and where they live, are known. */
void load_references(struct load *load, struct draft *draft);
/* load_auth.c */
void load_auth(struct load *load, const struct node *node, void *target);
/* load_tls.c */
void load_tls(struct load *load, const struct node *node, void *target);
/* load_proxies.c */
void load_proxies(struct load *load, const struct node *node, void *target);
/* load_cache.c */
void load_cache(struct load *load, const struct node *node, void *target);
void load_cache_secret(struct load *load, const struct node *node, void *target);
/* load_cors.c */
void load_cors(struct load *load, const struct node *node, void *target);
void load_routes(struct load *load);
/* load_file.c: `load:` of one resource, whose key is known. */
void load_load(struct load *load, const struct draft *draft);
/* load_reply.c */
/* A status from 200 to 599. */
bool load_status(struct load *load, const struct node *node, const char *what, int *ret_status);
void load_reply(struct load *load, const struct node *node, struct route *route);
void load_error_shape(struct load *load, const struct node *node, void *target);

#endif
