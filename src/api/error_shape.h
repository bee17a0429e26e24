/*
 * How an error looks on the wire: {"code","details","hint","message"}, or the shape that a service
 * file declares, e.g. {"ok":false,"error":"{message}"}.
 *
 * Ownership: parts are arena. Threads: immutable once made. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_ERROR_SHAPE_H
#define ROWLOCK_API_ERROR_SHAPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct error_part;

struct error_shape {
	const struct error_part *parts; /* arena */
	size_t count;
	bool has_details; /* a place of their own */
};

/* From JSON text whose strings may hold {message}, {code}, {details} and {hint}; "" gives the
 * default shape. Without {details} they stand behind the message: nothing is lost. */
void error_shape_init(struct error_shape *shape, struct str json, struct arena *arena);
void error_shape_write(const struct error_shape *shape, const struct error *error,
					   struct buf *body);

#endif
