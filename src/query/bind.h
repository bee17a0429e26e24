/*
 * Fills the parameters of a route's query, which was checked at load, with the texts of one
 * request.
 *
 * Ownership: what is filled is arena; all the rest is shared with the checked query.
 * Threads: all. Errors: ERROR_VALUE, ERROR_OUT_OF_RANGE. Limits: none.
 */
#ifndef ROWLOCK_QUERY_BIND_H
#define ROWLOCK_QUERY_BIND_H

#include "query/query.h"

/* Fills one parameter of a checked query. */
struct parameter {
	struct str text;
	bool given; /* an optional one that is not given, or empty, drops its condition */
};

/* The day it is now, UTC, in days since 1970-01-01. */
int64_t query_today(void);
/* A copy of the checked `query` of today whose conditions hold values only. ERROR_VALUE or
 * ERROR_OUT_OF_RANGE when a text does not fit its field; *ret_parameter is then its number.
 * An AND, OR or NOT goes with the last of its conditions, an `in` with the last of its items. A
 * parameter that is not optional is read from its text even when it is not `given`: without any
 * text (ptr NULL) it is an ERROR_VALUE. */
bool query_bind(const struct query *query, const struct parameter *parameters, size_t count,
				struct arena *arena, struct query *ret_query, size_t *ret_parameter,
				struct error *error);

#endif
