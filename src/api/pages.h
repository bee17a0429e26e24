/*
 * The pages that tell what a service serves: its OpenAPI document, PostgREST's Swagger 2.0 document
 * and a start page at `/`, and /docs. They are made once, with the service.
 *
 * Ownership: arena of the service. Threads: immutable. Errors: a document beyond PAGES_BYTES is
 * answered as ERROR_INTERNAL. Limits: PAGES_BYTES each.
 */
#ifndef ROWLOCK_API_PAGES_H
#define ROWLOCK_API_PAGES_H

#include "api/call.h"

#define PAGES_BYTES MIB(64)

/* A text with the tag of its content: hexadecimal digits; ptr NULL when it was too large. */
struct page {
	struct str text;
	struct str tag;
};

struct pages {
	struct page openapi;
	struct page openapi_below; /* as it is served below /.rowlock/ */
	struct page swagger;
	struct page start;
	struct page docs;       /* at /docs */
	struct page docs_slash; /* at /docs/, where relative addresses mean something else */
};

/* Operations. */
void pages_run_root(struct call *call);
void pages_run_openapi(struct call *call);
void pages_run_docs(struct call *call);
void pages_run_asset(struct call *call);
/* A file of /docs/, to any exchange; false when there is none of that name. */
bool pages_answer_asset(struct http_exchange *exchange, struct str name);

/* When all operations of the service are in its router. */
const struct pages *pages_create(const struct service *service, struct arena *arena);

#define PAGES_POLICY_PLAIN                                                                         \
	STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'self'; form-action 'none'; "     \
		"frame-ancestors 'none'")
/* The Content-Security-Policy of /docs. */
struct str pages_docs_policy(void);

struct gateway_options;
void pages_write_gateway_start(const struct gateway_options *options, struct buf *text);
/* At /docs/: one of the services' documents at a time. */
void pages_write_gateway_docs(const struct gateway_options *options, struct buf *text);

/* HTML. `base` is what addresses in the page are relative to, relative to the page. */
void pages_write_start(const struct service *service, struct buf *text);
void pages_write_reference(const struct service *service, struct str base, struct buf *text);
void pages_write_swagger_ui(const struct service *service, struct str base, struct buf *text);

#endif
