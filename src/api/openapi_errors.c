#include <stdio.h>

#include "api/openapi_priv.h"
#include "codec/json.h"

/* A set of error codes. */
typedef unsigned __int128 error_codes;
#define E(name) ((error_codes)1 << ERROR_##name)

/* With `auth`, of all that is not open. */
#define CLOSED (E(TOKEN) | E(NO_TOKEN) | E(CLAIMS) | E(RATE))
#define ALWAYS (E(FORBIDDEN) | E(INTERNAL) | E(OVERLOADED) | E(DRAINING))
#define STORED (E(STORE) | E(DEADLINE_NOT_WRITTEN))
#define QUERY                                                                                      \
	(E(PARSE) | E(COLUMN) | E(VALUE) | E(OUT_OF_RANGE) | E(UNSUPPORTED) | E(NO_RELATION) |         \
	 E(AMBIGUOUS) | E(NOT_EMBEDDED) | E(RELATED_ORDER) | E(EMBED_OPERATOR) | E(AGGREGATES) |       \
	 E(GROUPING) | E(REGEX) | E(SYNTAX) | E(CAST_TYPE))
#define PAGES (E(RANGE) | E(CURSOR))
#define NEGOTIATED (E(MEDIA) | E(SCHEMA) | E(PREFERENCES) | E(TIME_ZONE) | E(NOT_ONE))
#define WRITTEN (E(REFERENCE) | E(IDEMPOTENCY) | E(STORE_FULL) | E(DEADLINE_UNKNOWN))
#define BODIES                                                                                     \
	(E(BODY) | E(COLUMN) | E(VALUE) | E(OUT_OF_RANGE) | E(TOO_LONG) | E(NOT_NULL) | E(CHECK) |     \
	 E(UNIQUE) | E(BODY_TOO_LARGE) | WRITTEN)
#define GENERAL (ALWAYS | STORED | QUERY | NEGOTIATED)
#define ITEM (GENERAL | E(NOT_FOUND))
/* What is no answer of an operation but of HTTP, and so can come at any time. */
#define DEFAULT                                                                                    \
	(E(HTTP_SYNTAX) | E(HTTP_TIMEOUT) | E(URI_TOO_LONG) | E(HEADER_TOO_LARGE) | E(EXPECTATION) |   \
	 E(HTTP_METHOD) | E(HTTP_VERSION) | E(BODY_TOO_LARGE))

static const struct {
	const char *name;
	error_codes errors;
	bool own_shape; /* that of the service file */
} kinds[ERRORS_KINDS] = {
	[ERRORS_PAGE] = {"page", ALWAYS, false},
	[ERRORS_CLOSED_PAGE] = {"page.closed", ALWAYS, false},
	[ERRORS_LIST] = {"list", GENERAL | PAGES, false},
	[ERRORS_INSERT] = {"insert", GENERAL | BODIES | E(CONFLICT_TARGET), false},
	[ERRORS_UPDATE] = {"update", GENERAL | BODIES | E(MAX_AFFECTED), false},
	[ERRORS_PUT] = {"put", GENERAL | BODIES | E(KEY_FILTERS) | E(PUT_RANGE) | E(PUT_KEY), false},
	[ERRORS_DELETE] = {"delete", GENERAL | WRITTEN | E(MAX_AFFECTED), false},
	[ERRORS_ITEM_GET] = {"item.get", ITEM, false},
	[ERRORS_ITEM_PUT] = {"item.put", ITEM | BODIES | E(PUT_KEY) | E(PRECONDITION), false},
	[ERRORS_ITEM_UPDATE] = {"item.update", ITEM | BODIES | E(PRECONDITION), false},
	[ERRORS_ITEM_DELETE] = {"item.delete", ITEM | WRITTEN | E(PRECONDITION), false},
	[ERRORS_ROUTE_REPLY] = {"route.reply", ALWAYS, true},
	[ERRORS_ROUTE_READ] = {"route.read", ITEM | PAGES, true},
	[ERRORS_ROUTE_WRITE] = {"route.write", ALWAYS | STORED | BODIES | E(PARSE) | E(NOT_FOUND),
							true},
	[ERRORS_ROUTE_DELETE] = {"route.delete",
							 ALWAYS | STORED | WRITTEN | E(PARSE) | E(VALUE) | E(NOT_FOUND), true},
};

enum { STATUS_MIN = 300, STATUS_MAX = 600 };

static const enum error_code codes[] = {
#define X(name, wire, status, retryable, message) ERROR_##name,
	ERROR_TABLE(X)
#undef X
};
enum { CODES = sizeof(codes) / sizeof(codes[0]) };
_Static_assert(CODES < 128, "a set of errors has 128 bits");

static bool set_holds(error_codes errors, enum error_code code, int status)
{
	return (errors >> code & 1) != 0 && error_info(code)->status == status;
}

static bool set_has(error_codes errors, int status)
{
	for (size_t i = 0; i < CODES; i++) {
		if (set_holds(errors, codes[i], status)) {
			return true;
		}
	}
	return false;
}

static error_codes errors_of(const struct openapi *openapi, enum openapi_errors kind)
{
	bool closed = openapi->service->model->auth != NULL && kind != ERRORS_PAGE;
	return kinds[kind].errors | (closed ? CLOSED : 0);
}

bool openapi_errors_have(const struct openapi *openapi, enum openapi_errors kind, int status)
{
	return set_has(errors_of(openapi, kind), status);
}

/* The shared answer of one kind and status; status 0 is for all others. */
static struct str answer_name(enum openapi_errors kind, int status, char *text, size_t size)
{
	const char *name = kinds[kind].name;
	int len = status == 0
		? snprintf(text, size, "%s", kinds[kind].own_shape ? "route.default" : "default")
		: snprintf(text, size, "%s.%d", name, status);
	return (struct str){text, (size_t)len};
}

static void refer(struct openapi *openapi, enum openapi_errors kind, int status)
{
	char name[64];
	char key[16];
	(void)answer_name(kind, status, name, sizeof(name));
	(void)snprintf(key, sizeof(key), "%d", status);
	outline_key(openapi->text, status == 0 ? STR("default") : str_from(key));
	openapi_ref(openapi, "responses", STR(""), name);
}

void openapi_refer_errors(struct openapi *openapi, enum openapi_errors kind)
{
	openapi->used[kind] = true;
	for (int status = STATUS_MIN; status < STATUS_MAX; status++) {
		if (openapi_errors_have(openapi, kind, status)) {
			refer(openapi, kind, status);
		}
	}
	refer(openapi, kind, 0);
}

void openapi_error_schema(struct openapi *openapi, enum openapi_errors kind)
{
	bool own = kinds[kind].own_shape && openapi->service->model->error_shape.len > 0;
	openapi_ref(openapi, "schemas", STR(""), own ? "rowlock.route_error" : "rowlock.error");
}

/* "`23505` duplicate key …; `23503` …", each wire code once. */
static void write_description(struct openapi *openapi, error_codes errors, int status)
{
	struct buf text;
	buf_init(&text, KIB(64));
	for (size_t i = 0; i < CODES; i++) {
		const struct error_info *info = error_info(codes[i]);
		bool among = status == 0 ? (errors >> codes[i] & 1) != 0
								 : set_holds(errors, codes[i], status);
		if (among) {
			buf_printf(&text, "%s`%s` %s", text.len > 0 ? "; " : "", info->wire, info->message);
		}
	}
	outline_str(openapi->text, "description", buf_str(&text));
	buf_finish(&text);
}

static bool is_retryable(int status)
{
	return status == 429 || status == 503 || status == 504 || status == 507;
}

static void write_answer(struct openapi *openapi, enum openapi_errors kind, int status)
{
	struct buf *text = openapi->text;
	char name[64];
	error_codes errors = status == 0 ? DEFAULT : errors_of(openapi, kind);
	outline_key(text, answer_name(kind, status, name, sizeof(name)));
	outline_open(text, '{');
	write_description(openapi, errors, status);
	if (is_retryable(status)) {
		outline_raw(text, "headers",
					"{\"Retry-After\":{\"description\":\"Seconds; of what may be sent again\","
					"\"schema\":{\"type\":\"integer\"}}}");
	}
	outline_open_at(text, "content", '{');
	outline_open_at(text, "application/json", '{');
	outline_key(text, STR("schema"));
	openapi_error_schema(openapi, kind);
	outline_close(text, '}');
	outline_close(text, '}');
	outline_close(text, '}');
}

/* The answer for all other statuses is one for each of the two shapes. */
static void write_defaults(struct openapi *openapi)
{
	bool done[2] = {false, false};
	for (int kind = 0; kind < ERRORS_KINDS; kind++) {
		bool *shape_done = &done[kinds[kind].own_shape ? 1 : 0];
		if (openapi->used[kind] && !*shape_done) {
			write_answer(openapi, (enum openapi_errors)kind, 0);
			*shape_done = true;
		}
	}
}

void openapi_write_errors(struct openapi *openapi)
{
	write_defaults(openapi);
	for (int kind = 0; kind < ERRORS_KINDS; kind++) {
		for (int status = STATUS_MIN; openapi->used[kind] && status < STATUS_MAX; status++) {
			if (openapi_errors_have(openapi, (enum openapi_errors)kind, status)) {
				write_answer(openapi, (enum openapi_errors)kind, status);
			}
		}
	}
}
