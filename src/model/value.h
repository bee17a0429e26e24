/*
 * The types that a field can have, and one value of them. Text from paths, queries and bodies
 * becomes a value once, here, and travels as a bound parameter from then on.
 *
 * Dates and times are integers: a date counts days since 1970-01-01, a time microseconds since
 * midnight, a datetime microseconds since 1970-01-01T00:00:00Z. A datetime is a moment, always kept
 * in UTC: a text without a zone means UTC, one without a time 00:00:00. A text with a time is no
 * date, midnight neither.
 *
 * Ownership: a value borrows its text. Threads: plain data.
 * Errors: ERROR_VALUE (22P02), ERROR_OUT_OF_RANGE (22003), ERROR_TOO_LONG (22001), ERROR_CHECK
 * (23514), each naming the field. Limits: 64-bit integers; decimals of 18 digits; text(n).
 */
#ifndef ROWLOCK_MODEL_VALUE_H
#define ROWLOCK_MODEL_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct field;
struct json_reader;
struct zone;

/* X(NAME, name in a service file, name in error messages) */
#define TYPE_TABLE(X)                                                                              \
	X(INTEGER, "integer", "integer")                                                               \
	X(NUMBER, "number", "number")                                                                  \
	X(DECIMAL, "decimal", "decimal")                                                               \
	X(TEXT, "text", "text")                                                                        \
	X(BOOLEAN, "boolean", "boolean")                                                               \
	X(UUID, "uuid", "uuid")                                                                        \
	X(DATE, "date", "date")                                                                        \
	X(TIME, "time", "time")                                                                        \
	X(DATETIME, "datetime", "timestamp with time zone")                                            \
	X(JSON, "json", "json")

enum type {
#define X(name, word, shown) TYPE_##name,
	TYPE_TABLE(X)
#undef X
};

enum value_kind {
	VALUE_NULL,
	VALUE_INTEGER, /* integer; boolean as 0 and 1; decimal scaled by 10^scale; dates and times */
	VALUE_NUMBER,
	VALUE_TEXT, /* text; uuid in lower case; json minified */
	/* These two are never read from a store. */
	VALUE_ABSENT,  /* of a row to insert: the column is left out, for the store's default */
	VALUE_POINTER, /* what an operator compiled: struct like, regex, phrase, json_path */
};

struct value {
	enum value_kind kind;
	union {
		int64_t integer;
		double number;
		struct str text;
		const void *pointer;
	};
};

/* As it stands in error messages. */
const char *value_type_name(enum type type);
/* Is it date, time or datetime? */
static inline bool value_is_date(enum type type)
{
	return type == TYPE_DATE || type == TYPE_TIME || type == TYPE_DATETIME;
}

/* From a path, a query string, CSV or a form. Checks the type only, not `in`, `min`, `max`. */
bool value_from_text(const struct field *field, struct str text, struct arena *arena,
					 struct value *ret_value, struct error *error);
/* From the value that the reader stands before; reads all of it. Checks the type only. With
 * `numbers_as_text` "7" is taken as 7, as PostgREST does. */
bool value_from_json(const struct field *field, struct json_reader *reader, bool numbers_as_text,
					 struct value *ret_value, struct error *error);
/* Checks required, `in`, `min`, `max` and text(n) of a value that is about to be stored; for `max:
 * today` the day is that of the system's clock. */
bool value_check(const struct field *field, const struct value *value, struct error *error);
/* Writes the value as JSON, as the field's type is answered. */
void value_write_json(struct buf *buf, const struct field *field, const struct value *value);
/* Writes the value as text, as value_from_text() reads it. */
void value_write_text(struct buf *buf, const struct field *field, const struct value *value);
/* The same; a datetime as the clocks of a zone show it. NULL: UTC. */
void value_write_in_zone(struct buf *buf, const struct field *field, const struct value *value,
						 const struct zone *zone);
/* Orders two values of one field; null is last. Numbers numerically, text by code point. A table
 * that others made may hold both: numbers stand before texts. */
int value_compare(const struct value *a, const struct value *b);

#endif
