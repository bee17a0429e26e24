/*
 * The types of a value that is selected, on its way through casts and an aggregate. A cast says its
 * own; what has no field of the model has one of these.
 *
 * Ownership: constant, or borrowed from the query. Threads: plain functions.
 * Errors, Limits: none.
 */
#ifndef ROWLOCK_QUERY_FETCH_H
#define ROWLOCK_QUERY_FETCH_H

#include "query/query.h"

/* What `::http_date` casts to: a text, as RFC 1123 has a date. */
extern const struct field fetch_http_date;

/* Of a field, or what a path leads to. */
const struct field *fetch_term_type(const struct term *term);
/* Of the value that is aggregated. */
const struct field *fetch_inner_type(const struct query_fetch *fetch);
/* Of the aggregate, before its own cast. */
const struct field *fetch_aggregated_type(const struct query_fetch *fetch);

#endif
