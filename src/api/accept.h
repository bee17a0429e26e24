/*
 * Which representation a client takes (RFC 9110, 12.5.1), and in which one it sends rows.
 *
 * Ownership: texts are constant. Threads: plain functions.
 * Errors: ERROR_MEDIA (PGRST107) when none is served, ERROR_UNSUPPORTED for plans and GeoJSON;
 * ERROR_BODY (PGRST102) for a body of another type; ERROR_SCHEMA for a schema but `public`. Limits:
 * the header's.
 */
#ifndef ROWLOCK_API_ACCEPT_H
#define ROWLOCK_API_ACCEPT_H

#include "http/http.h"
#include "query/check.h"

struct media {
	struct str content_type; /* of the answer */
	enum query_format format;
	bool nulls_stripped;
};

/* The first of the types with the highest weight that is served; without an Accept field JSON. */
bool accept_media(const struct http_request *request, struct media *ret_media, struct error *error);
/* True when the client prefers this type to all that accept_media() knows. */
bool accept_prefers(const struct http_request *request, struct str type);
bool accept_body(const struct http_request *request, enum body_format *ret_format,
				 struct error *error);
/* Accept-Profile and Content-Profile: there is one schema, without a name; `public` is taken. */
bool accept_profile(const struct http_request *request, struct error *error);

#endif
