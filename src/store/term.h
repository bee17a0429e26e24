/*
 * What operators, paths and casts do with one value, for stores that compute them here: the
 * reference store, and SQL functions.
 *
 * Ownership: results are borrowed from the inputs, or in the scratch buffer.
 * Threads: plain functions. Errors: ERROR_VALUE, ERROR_OUT_OF_RANGE for casts that fail,
 * ERROR_REGEX for a match that costs too much. Limits: those of the codecs.
 */
#ifndef ROWLOCK_STORE_TERM_H
#define ROWLOCK_STORE_TERM_H

#include "base/buf.h"
#include "query/query.h"

/* What a path leads to in a json value: VALUE_TEXT in `scratch`, or VALUE_NULL. */
struct value term_path(const struct json_path *path, const struct value *json, struct buf *scratch);
/* The value of field `from` as one of the type `to` (text, integer, number, boolean, json, date …);
 * `to` may be fetch_http_date. */
bool term_cast(const struct field *from, const struct field *to, const struct value *value,
			   struct buf *scratch, struct value *ret_value, struct error *error);
enum truth { IS_NOT, MAY_BE, IS_SO };
/* LIKE, ILIKE, MATCH, IMATCH, FTS; MAY_BE for null. */
bool term_matches(enum operator_name op, const struct value *value, const void *compiled,
				  enum truth *ret_truth, struct error *error);

#endif
