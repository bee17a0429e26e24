#include "api/pages.h"

#include "api/accept.h"
#include "api/assets.h"
#include "api/openapi.h"
#include "api/swagger.h"
#include "http/gzip.h"

#define TYPE_HTML STR("text/html; charset=utf-8")
#define TYPE_OPENAPI STR("application/openapi+json")

/* Nothing but this server is asked. Swagger UI has pictures as data. */
#define POLICY_UI                                                                                  \
	STR("default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "           \
		"form-action 'self'; frame-ancestors 'none'")
#define POLICY_PLAIN                                                                               \
	STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'self'; form-action 'none'; "     \
		"frame-ancestors 'none'")

/* ---- making ---- */

/* FNV-1a, 64 bits: tells one state of a page from another; nobody else chooses the texts. */
static struct str make_tag(struct str text, struct arena *arena)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < text.len; i++) {
		hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
	}
	return arena_printf(arena, "%016llx", (unsigned long long)hash);
}

/* Takes the text over into the arena. */
static struct page make_page(struct buf *text, struct arena *arena)
{
	struct page page = {{NULL, 0}, {NULL, 0}};
	if (!text->failed) {
		page.text = arena_copy(arena, buf_str(text));
		page.tag = make_tag(page.text, arena);
	}
	buf_clear(text);
	return page;
}

static void write_docs(const struct service *service, struct str base, struct buf *text)
{
	if (asset_count > 0) {
		pages_write_swagger_ui(service, base, text);
	} else {
		pages_write_reference(service, base, text);
	}
}

const struct pages *pages_create(const struct service *service, struct arena *arena)
{
	struct pages *pages = ARENA_NEW(arena, struct pages);
	struct buf text;
	buf_init(&text, PAGES_BYTES);
	openapi_write(service, &text);
	pages->openapi = make_page(&text, arena);
	if (pages->openapi.text.ptr != NULL) {
		openapi_write_below(pages->openapi.text, &text);
		pages->openapi_below = make_page(&text, arena);
	}
	swagger_write(service, &text);
	pages->swagger = make_page(&text, arena);
	pages_write_start(service, &text);
	pages->start = make_page(&text, arena);
	write_docs(service, STR("docs/"), &text);
	pages->docs = make_page(&text, arena);
	write_docs(service, STR("./"), &text);
	pages->docs_slash = make_page(&text, arena);
	buf_finish(&text);
	return pages;
}

/* ---- answering ---- */

static struct str tag_inside(struct str tag)
{
	tag = str_trim(tag);
	if (str_starts_with(tag, STR("W/"))) {
		tag = str_slice(tag, 2, tag.len);
	}
	if (tag.len >= 2 && tag.ptr[0] == '"') {
		tag = str_slice(tag, 1, tag.len - 1);
	}
	return str_ends_with(tag, STR("-gz")) ? str_slice(tag, 0, tag.len - 3) : tag;
}

/* If-None-Match (RFC 9110, 13.1.2), whichever coding the client holds. */
static bool is_held(const struct call *call, struct str tag)
{
	struct str rest = http_request_field(call->request, STR("If-None-Match"));
	while (rest.len > 0) {
		struct str inside = tag_inside(str_split(&rest, ','));
		if (str_equal(inside, tag) || str_equal(inside, STR("*"))) {
			return true;
		}
	}
	return false;
}

static void add_tag(struct call *call, struct str tag, const char *suffix)
{
	call_add_field(call, STR("ETag"),
				   arena_printf(call->arena, "\"%.*s%s\"", STR_ARG(tag), suffix));
}

static void answer_page(struct call *call, const struct page *page, struct str content_type)
{
	if (page->text.ptr == NULL) {
		struct error error = {0};
		error_set(&error, ERROR_INTERNAL, "the page is too large");
		call_fail(call, &error);
		return;
	}
	add_tag(call, page->tag, "");
	call_add_field(call, STR("Cache-Control"), STR("no-cache"));
	call_add_field(call, STR("X-Content-Type-Options"), STR("nosniff"));
	if (is_held(call, page->tag)) {
		call_answer_empty(call, 304);
		return;
	}
	call_answer(call, 200, content_type, page->text);
}

void pages_run_root(struct call *call)
{
	const struct pages *pages = call->binding->service->pages;
	bool browser = accept_prefers(call->request, STR("text/html")) &&
		!accept_prefers(call->request, TYPE_OPENAPI);
	call_add_field(call, STR("Vary"), STR("Accept, Accept-Encoding"));
	if (browser) {
		call_add_field(call, STR("Content-Security-Policy"), POLICY_PLAIN);
		answer_page(call, &pages->start, TYPE_HTML);
	} else {
		answer_page(call, &pages->swagger, STR("application/openapi+json; charset=utf-8"));
	}
}

void pages_run_openapi(struct call *call)
{
	const struct pages *pages = call->binding->service->pages;
	bool below = str_starts_with(call->request->path, STR("/.rowlock/"));
	bool named = accept_prefers(call->request, TYPE_OPENAPI);
	call_add_field(call, STR("Vary"), STR("Accept, Accept-Encoding"));
	answer_page(call, below ? &pages->openapi_below : &pages->openapi,
				named ? TYPE_OPENAPI : STR("application/json"));
}

void pages_run_docs(struct call *call)
{
	const struct pages *pages = call->binding->service->pages;
	bool slash = str_ends_with(call->request->path, STR("/"));
	call_add_field(call, STR("Content-Security-Policy"),
				   asset_count > 0 ? POLICY_UI : POLICY_PLAIN);
	answer_page(call, slash ? &pages->docs_slash : &pages->docs, TYPE_HTML);
}

void pages_run_asset(struct call *call)
{
	const struct asset *asset = asset_find(call->match.parameters[0]);
	if (asset == NULL) {
		struct error error = {0};
		error_set(&error, ERROR_PATH, NULL);
		call_fail(call, &error);
		return;
	}
	bool packed = http_gzip_accepted(http_request_field(call->request, STR("Accept-Encoding")));
	add_tag(call, asset->tag, packed ? "-gz" : "");
	call_add_field(call, STR("Vary"), STR("Accept-Encoding"));
	call_add_field(call, STR("Cache-Control"), STR("max-age=3600"));
	call_add_field(call, STR("X-Content-Type-Options"), STR("nosniff"));
	if (is_held(call, asset->tag)) {
		call_answer_empty(call, 304);
		return;
	}
	struct buf *text = http_exchange_buffer(call->exchange);
	if (packed) {
		call_add_field(call, STR("Content-Encoding"), STR("gzip"));
	} else {
		asset_inflate(asset, text);
	}
	struct http_answer answer = {
		.status = 200,
		.content_type = asset->content_type,
		.body = packed ? asset->gzip : buf_str(text),
		.fields = buf_str(http_exchange_field_buffer(call->exchange)),
		.identity = true,
	};
	http_answer(call->exchange, &answer);
}
