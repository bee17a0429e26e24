/*
 * What the store needs to know of a record: its key, and the values of its indexed fields in a form
 * in which equal values are equal bytes; and RFC 7396, merging a patch into a record.
 *
 * Ownership: spans borrow the record. Threads: any. Errors: JSONSTORE_INVALID, JSONSTORE_LIMIT,
 * JSONSTORE_NO_MEMORY.
 * Limits: JSONSTORE_KEY_MAX, JSONSTORE_FIELDS_MAX; a patch has at most JS_PATCH_MEMBERS_MAX members
 * in an object, since each is looked for among the others.
 */
#ifndef JSONSTORE_SRC_RECORD_H
#define JSONSTORE_SRC_RECORD_H

#include "text.h"

enum { JS_PATCH_MEMBERS_MAX = 1000, JS_KEY_PARTS_MAX = 16 };

struct js_name {
	uint8_t len;
	char text[JSONSTORE_NAME_MAX];
};

static inline struct js_span js_name_span(const struct js_name *name)
{
	return (struct js_span){name->text, name->len};
}

/* Key field, or several with commas between them, and indexed fields of a collection. */
struct js_schema {
	struct js_name key;
	unsigned field_count;
	struct js_name fields[JSONSTORE_FIELDS_MAX];
};

/* Number of an indexed field, -1: there is no such. */
int js_schema_field(const struct js_schema *schema, struct js_span name);
bool js_schema_same(const struct js_schema *a, const struct js_schema *b);

struct js_key {
	uint16_t len;
	char text[JSONSTORE_KEY_MAX];
};

struct js_fields {
	struct js_key key;
	size_t key_at; /* byte of the record where the key's value is; of several: JS_NO_HINT */
	struct js_span values[JSONSTORE_FIELDS_MAX]; /* as in the record; ptr NULL: not there */
};

/*
 * A good record, an object; false with *ret_what saying what is wrong with its key. A member that
 * stands twice counts where it stands last, but the key may not.
 */
bool js_record_fields(const struct js_schema *schema, struct js_span record, struct js_fields *ret,
					  const char **ret_what);

/*
 * Whether the record has this key, looking first at the byte where the index saw it (`hint`, or
 * JS_NO_HINT).
 */
bool js_record_has_key(const struct js_schema *schema, struct js_span record, size_t hint,
					   struct js_span key);
enum { JS_NO_HINT = 0xffff };

/* Adds the value's form for comparing; nothing for arrays and objects, which are not indexed. */
bool js_value_form(const struct js_sys *sys, struct js_span value, struct jsonstore_text *form,
				   struct jsonstore_error *error);

/*
 * Checks what a caller gives as a record: an object, within the limits, on which `fields` is
 * filled; its text without white space is added to `ret`.
 */
bool js_record_take(const struct js_sys *sys, const struct js_schema *schema, struct js_span text,
					struct js_fields *fields, struct jsonstore_text *ret,
					struct jsonstore_error *error);

/* Adds the record with the patch merged in. Both are good JSON without white space. */
bool js_record_merge(const struct js_sys *sys, struct js_span record, struct js_span patch,
					 struct jsonstore_text *ret, struct jsonstore_error *error);

#endif
