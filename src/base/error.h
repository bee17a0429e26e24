/*
 * One table of everything that can go wrong for a client or an operator, and the value that carries
 * one such failure up to the layer that answers or logs it.
 *
 * Ownership: an error holds its texts. Threads: plain data. Errors: it is one.
 * Limits: texts are cut at their size, on a code point boundary.
 */
#ifndef ROWLOCK_BASE_ERROR_H
#define ROWLOCK_BASE_ERROR_H

#include "base/str.h"

/*
 * X(NAME, wire code, HTTP status, retryable, default message)
 * The wire codes are PostgREST's (PGRST…), SQLSTATEs, and RL… for what neither knows.
 */
#define ERROR_TABLE(X)                                                                             \
	X(PARSE, "PGRST100", 400, false, "The query could not be parsed")                              \
	X(BODY, "PGRST102", 400, false, "Empty or invalid json")                                       \
	X(RANGE, "PGRST103", 416, false, "Requested range not satisfiable")                            \
	X(KEY_FILTERS, "PGRST105", 405, false,                                                         \
	  "Filters must include all and only primary key columns with 'eq' operators")                 \
	X(SCHEMA, "PGRST106", 406, false, "Invalid schema")                                            \
	X(MEDIA, "PGRST107", 406, false, "None of these media types are available")                    \
	X(NOT_EMBEDDED, "PGRST108", 400, false, "Not an embedded resource in this request")            \
	X(PUT_RANGE, "PGRST114", 400, false,                                                           \
	  "limit/offset querystring parameters are not allowed for PUT")                               \
	X(PUT_KEY, "PGRST115", 400, false, "Payload values do not match URL in primary key column(s)") \
	X(NOT_ONE, "PGRST116", 406, false, "Cannot coerce the result to a single JSON object")         \
	X(METHOD, "PGRST117", 405, false, "Unsupported HTTP method")                                   \
	X(RELATED_ORDER, "PGRST118", 400, false, "A related order is not possible")                    \
	X(EMBED_OPERATOR, "PGRST120", 400, false, "Bad operator on the embedded resource")             \
	X(PREFERENCES, "PGRST122", 400, false, "Invalid preferences given with handling=strict")       \
	X(AGGREGATES, "PGRST123", 400, false, "Use of aggregate functions is not allowed")             \
	X(MAX_AFFECTED, "PGRST124", 400, false,                                                        \
	  "Query result exceeds max-affected preference constraint")                                   \
	X(PATH, "PGRST125", 404, false, "Invalid path specified in request URL")                       \
	X(UNSUPPORTED, "PGRST127", 400, false, "Feature not implemented")                              \
	X(NO_RELATION, "PGRST200", 400, false, "Could not find a relationship")                        \
	X(AMBIGUOUS, "PGRST201", 300, false, "Could not embed: more than one relationship was found")  \
	X(FUNCTION, "PGRST202", 404, false, "Could not find the function in the schema cache")         \
	X(COLUMN, "PGRST204", 400, false, "Could not find the column")                                 \
	X(RESOURCE, "PGRST205", 404, false, "Could not find the table")                                \
	X(NOT_FOUND, "RL404", 404, false, "Not found")                                                 \
	X(UNIQUE, "23505", 409, false, "duplicate key value violates unique constraint")               \
	X(REFERENCE, "23503", 409, false, "insert or update violates foreign key constraint")          \
	X(NOT_NULL, "23502", 400, false, "null value violates not-null constraint")                    \
	X(CHECK, "23514", 400, false, "new row violates check constraint")                             \
	X(VALUE, "22P02", 400, false, "invalid input syntax")                                          \
	X(OUT_OF_RANGE, "22003", 400, false, "value out of range")                                     \
	X(TOO_LONG, "22001", 400, false, "value too long")                                             \
	X(REGEX, "2201B", 400, false, "invalid regular expression")                                    \
	X(SYNTAX, "42601", 400, false, "syntax error")                                                 \
	X(GROUPING, "42803", 400, false,                                                               \
	  "column must appear in the GROUP BY clause or be used in an aggregate function")             \
	X(CONFLICT_TARGET, "42P10", 400, false,                                                        \
	  "there is no unique or exclusion constraint matching the ON CONFLICT specification")         \
	X(CAST_TYPE, "42704", 400, false, "type does not exist")                                       \
	X(TIME_ZONE, "22023", 400, false, "invalid value for parameter \"TimeZone\"")                  \
	X(CURSOR, "RLCUR", 400, false, "The cursor belongs to another query")                          \
	X(PRECONDITION, "RL412", 412, false, "The row is another than If-Match names")                 \
	X(IDEMPOTENCY, "RL422", 422, false, "This Idempotency-Key was used for another request")       \
	X(READ_ONLY, "25006", 405, false, "cannot write to a read-only resource")                      \
	X(TOKEN, "PGRST301", 401, false, "JWT couldn't be decoded")                                    \
	X(NO_TOKEN, "PGRST302", 401, false, "Anonymous access is disabled")                            \
	X(CLAIMS, "PGRST303", 401, false, "JWT expired")                                               \
	X(RATE, "RL429", 429, true, "Too many requests")                                               \
	X(FORBIDDEN, "42501", 403, false, "permission denied")                                         \
	X(HTTP_SYNTAX, "RL400", 400, false, "Malformed HTTP request")                                  \
	X(HTTP_TIMEOUT, "RL408", 408, false, "The request did not arrive in time")                     \
	X(BODY_TOO_LARGE, "RL413", 413, false, "The request body is too large")                        \
	X(URI_TOO_LONG, "RL414", 414, false, "The request line is too long")                           \
	X(HEADER_TOO_LARGE, "RL431", 431, false, "The request header is too large")                    \
	X(EXPECTATION, "RL417", 417, false, "Only Expect: 100-continue is supported")                  \
	X(HTTP_METHOD, "RL501", 501, false, "Unknown request method or transfer coding")               \
	X(HTTP_VERSION, "RL505", 505, false, "Only HTTP/1.0 and HTTP/1.1 are spoken here")             \
	X(OVERLOADED, "RL503", 503, true, "The server is busy")                                        \
	X(DRAINING, "RL503", 503, true, "The server is shutting down")                                 \
	X(DEADLINE_NOT_WRITTEN, "RL504", 504, true, "Out of time; nothing was written")                \
	X(DEADLINE_UNKNOWN, "RL504U", 504, false, "Out of time; it is unknown whether it was written") \
	X(STORE, "RL500", 500, false, "The store failed")                                              \
	X(STORE_DOWN, "08006", 503, true, "The database cannot be reached")                            \
	X(STORE_UNKNOWN, "08007", 503, false,                                                          \
	  "The connection to the database was lost; it is unknown whether it was written")             \
	X(SOURCE_DOWN, "RL503S", 503, true, "Another service cannot be reached")                       \
	X(SOURCE_LATE, "RL504S", 504, true, "Another service did not answer in time")                  \
	X(SOURCE_BAD, "RL502S", 502, false, "Another service gave no answer that can be used")         \
	X(STORE_FULL, "53100", 507, true, "The disk is full")                                          \
	X(INTERNAL, "XX000", 500, false, "Internal error")                                             \
	X(CONFIG, "RLCFG", 500, false, "Wrong configuration")

enum error_code {
	ERROR_NONE,
#define X(name, wire, status, retryable, message) ERROR_##name,
	ERROR_TABLE(X)
#undef X
};

struct error {
	enum error_code code;
	size_t at;         /* byte offset in the text that is wrong; SIZE_MAX when there is none */
	char message[256]; /* what is wrong, for people */
	char details[256]; /* "" when there is nothing to add */
	struct str json;   /* details as JSON, in their place; borrowed; "" for none */
	char hint[320];    /* what to do next; "" when not known */
};

/* What the table says of a code. */
struct error_info {
	const char *name;
	const char *wire;
	int status;
	bool retryable;
	const char *message;
};
const struct error_info *error_info(enum error_code code);

/* Sets all of *error; returns false, so that a caller can `return error_set(…)`. A NULL format
 * stands for the table's message. `error` may be NULL. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a place. */
bool error_set_at(struct error *error, enum error_code code, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds to an error that is set; returns false. */
bool error_details(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool error_hint(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
