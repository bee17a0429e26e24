/*
 * Who may do what with the rows and fields of a resource, as its service file says.
 *
 * Ownership: the model's arena. Threads: any, once loaded. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_MODEL_ACCESS_H
#define ROWLOCK_MODEL_ACCESS_H

#include "model/model_report.h"

struct parsed_cond; /* query/parse.h */

/* Who may do something with a field. */
struct roles {
	const struct str *items; /* none: nobody */
	size_t count;
};

enum rule_action { RULE_READ, RULE_CREATE, RULE_UPDATE, RULE_DELETE };
enum { RULE_ACTIONS = 4 };
enum rule_kind { RULE_ALL, RULE_NEVER, RULE_WHERE };

/* To which rows somebody may do something. */
struct row_rule {
	struct str role; /* of whom; "*": of all whom no other rule of the action names */
	enum rule_kind kind;
	struct text text;                /* WHERE */
	const struct parsed_cond *where; /* of it; set by query_compile() */
};

/* The rules of one action: whom none is about may not do it at all. */
struct row_rules {
	const struct row_rule *items;
	size_t count; /* 0: all may, to all rows */
};

#endif
