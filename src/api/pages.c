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

struct str pages_docs_policy(void)
{
	return asset_count > 0 ? POLICY_UI : PAGES_POLICY_PLAIN;
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
static bool is_held(const struct http_request *request, struct str tag)
{
	struct str rest = http_request_field(request, STR("If-None-Match"));
	while (rest.len > 0) {
		struct str inside = tag_inside(str_split(&rest, ','));
		if (str_equal(inside, tag) || str_equal(inside, STR("*"))) {
			return true;
		}
	}
	return false;
}

static void answer_page(struct call *call, const struct page *page, struct str content_type)
{
	if (page->text.ptr == NULL) {
		struct error error = {0};
		error_set(&error, ERROR_INTERNAL, "the page is too large");
		call_fail(call, &error);
		return;
	}
	call_add_field(call, STR("ETag"), arena_printf(call->arena, "\"%.*s\"", STR_ARG(page->tag)));
	call_add_field(call, STR("Cache-Control"), STR("no-cache"));
	call_add_field(call, STR("X-Content-Type-Options"), STR("nosniff"));
	if (is_held(call->request, page->tag)) {
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
		call_add_field(call, STR("Content-Security-Policy"), PAGES_POLICY_PLAIN);
		answer_page(call, &pages->start, TYPE_HTML);
	} else {
		answer_page(call, &pages->swagger, STR("application/openapi+json; charset=utf-8"));
	}
}

void pages_run_openapi(struct call *call)
{
	const struct pages *pages = call->binding->service->pages;
	bool below = str_starts_with(call->path, STR("/.rowlock/"));
	bool named = accept_prefers(call->request, TYPE_OPENAPI);
	call_add_field(call, STR("Vary"), STR("Accept, Accept-Encoding"));
	answer_page(call, below ? &pages->openapi_below : &pages->openapi,
				named ? TYPE_OPENAPI : STR("application/json"));
}

void pages_run_docs(struct call *call)
{
	const struct pages *pages = call->binding->service->pages;
	bool slash = str_ends_with(call->path, STR("/"));
	call_add_field(call, STR("Content-Security-Policy"), pages_docs_policy());
	answer_page(call, slash ? &pages->docs_slash : &pages->docs, TYPE_HTML);
}

bool pages_answer_asset(struct http_exchange *exchange, struct str name)
{
	const struct http_request *request = http_exchange_request(exchange);
	const struct asset *asset = asset_find(name);
	if (asset == NULL) {
		return false;
	}
	struct buf *fields = http_exchange_field_buffer(exchange);
	struct buf *text = http_exchange_buffer(exchange);
	bool packed = http_gzip_accepted(http_request_field(request, STR("Accept-Encoding")));
	bool held = is_held(request, asset->tag);
	buf_printf(fields,
			   "ETag: \"%.*s%s\"\r\nVary: Accept-Encoding\r\nCache-Control: max-age=3600\r\n"
			   "X-Content-Type-Options: nosniff\r\n",
			   STR_ARG(asset->tag), packed ? "-gz" : "");
	if (packed && !held) {
		buf_append(fields, STR("Content-Encoding: gzip\r\n"));
	} else if (!held) {
		asset_inflate(asset, text);
	}
	struct http_answer answer = {
		.status = held ? 304 : 200,
		.content_type = held ? STR("") : asset->content_type,
		.body = held ? STR("")
			: packed ? asset->gzip
					 : buf_str(text),
		.fields = buf_str(fields),
		.no_body = held,
		.identity = true,
	};
	http_answer(exchange, &answer);
	return true;
}

void pages_run_asset(struct call *call)
{
	if (!pages_answer_asset(call->exchange, call->match.parameters[0])) {
		struct error error = {0};
		error_set(&error, ERROR_PATH, NULL);
		call_fail(call, &error);
	}
}
