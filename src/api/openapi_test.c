#include "api/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/pages.h"
#include "api/swagger.h"
#include "base/limits.h"

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

#define SMALL                                                                                      \
	"service: small\n"                                                                             \
	"resources:\n"                                                                                 \
	"  things:\n"                                                                                  \
	"    key: id\n"                                                                                \
	"    fields:\n"                                                                                \
	"      id: { type: integer, default: auto }\n"                                                 \
	"      name: { type: text(8), required: true }\n"                                              \
	"      kind: { type: integer, in: [1, 2], default: 1 }\n"
#define EVENTS                                                                                     \
	"service: events\n"                                                                            \
	"resources:\n"                                                                                 \
	"  events:\n"                                                                                  \
	"    key: day\n"                                                                               \
	"    fields:\n"                                                                                \
	"      day: { type: date, min: 2014-03-08, max: today }\n"                                     \
	"      start: { type: time, max: 23:00:00, in: [06:00:00], default: 06:00:00 }\n"              \
	"      at: datetime\n"
#define ROUTE(text) SMALL "routes:\n  " text "\n"
#define PAIRS                                                                                      \
	"service: pairs\n"                                                                             \
	"resources:\n"                                                                                 \
	"  \"a/b c\":\n"                                                                               \
	"    key: [x, \"y z\"]\n"                                                                      \
	"    fields: { x: text, \"y z\": uuid, limit: integer, o-k: json, d: \"decimal(4,2)\" }\n"     \
	"  live:\n"                                                                                    \
	"    key: []\n"                                                                                \
	"    read_only: true\n"                                                                        \
	"    fields: { n: { type: number, min: 0, max: 7.5 } }\n"

enum document { OPENAPI, BELOW, SWAGGER };

struct row {
	int line;
	enum document document;
	const char *yaml;
	const char *at;   /* keys on the way, separated by blanks; `#0` is an index */
	const char *want; /* JSON; "" : there is nothing; "{…}" : only the keys, as a list */
	bool keys;
};

static const struct row rows[] = {
	{__LINE__, OPENAPI, SMALL, "openapi", "\"3.1.0\""},
	{__LINE__, OPENAPI, SMALL, "servers", "[{\"url\":\".\"}]"},
	{__LINE__, BELOW, SMALL, "servers", "[{\"url\":\"..\"}]"},
	{__LINE__, BELOW, SMALL, "info title", "\"small\""},
	{__LINE__, OPENAPI, "service: none\n", "tags #0 name", "\"system\""},
	/* The paths are those of the router, in its order. */
	{__LINE__, OPENAPI, SMALL, "paths /things",
	 "[\"delete\",\"description\",\"get\",\"head\","
	 "\"patch\",\"post\",\"put\"]",
	 true},
	{__LINE__, OPENAPI, SMALL, "paths /things/{key}", "[\"delete\",\"get\",\"patch\",\"put\"]",
	 true},
	{__LINE__, OPENAPI, SMALL, "paths /live", "[\"get\"]", true},
	{__LINE__, OPENAPI, SMALL, "paths /.rowlock/live", ""},
	{__LINE__, OPENAPI, SMALL, "paths /.rowlock", ""},
	{__LINE__, OPENAPI, SMALL, "paths / get operationId", "\"get\""},
	/* A resource in the place of a system page; no key, no writes. */
	{__LINE__, OPENAPI, PAIRS, "paths /live get operationId", "\"get.live\""},
	{__LINE__, OPENAPI, PAIRS, "paths /live", "[\"description\",\"get\",\"head\"]", true},
	{__LINE__, OPENAPI, PAIRS, "paths /live/{key}", ""},
	{__LINE__, OPENAPI, PAIRS, "paths /.rowlock/live get tags #0", "\"system\""},
	{__LINE__, OPENAPI, PAIRS, "components schemas live.insert", ""},
	/* Names that need escapes. */
	{__LINE__, OPENAPI, PAIRS, "paths /a%2Fb%20c/{key} get operationId",
	 "\"get.a--2Fb--20c..key\""},
	{__LINE__, OPENAPI, PAIRS, "paths /a%2Fb%20c/{key} get parameters #0",
	 "{\"name\":\"key\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\","
	 "\"description\":\"Joined by commas; a value may stand in double quotes: x,y z\"}}"},
	{__LINE__, OPENAPI, PAIRS, "components parameters rowFilter.a--2Fb--20c.o-k name", "\"o-k\""},
	/* A field whose filter would have the name of another parameter. */
	{__LINE__, OPENAPI, PAIRS, "components parameters rowFilter.a--2Fb--20c.limit", ""},
	/* Schemas. */
	{__LINE__, OPENAPI, SMALL, "components schemas things",
	 "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\","
	 "\"description\":\"Part of the key. Made by the server when it is not given.\"},"
	 "\"name\":{\"type\":\"string\",\"maxLength\":8},\"kind\":{\"type\":[\"integer\",\"null\"],"
	 "\"format\":\"int64\",\"enum\":[1,2,null],\"default\":1}},"
	 "\"required\":[\"id\",\"name\",\"kind\"]}"},
	{__LINE__, OPENAPI, SMALL, "components schemas things.insert required", "[\"name\"]"},
	{__LINE__, OPENAPI, SMALL, "components schemas things.update required", ""},
	{__LINE__, OPENAPI, EVENTS, "components schemas events properties",
	 "{\"day\":{\"type\":\"string\",\"format\":\"date\",\"description\":\"Part of the key. At "
	 "least "
	 "2014-03-08. Not later than today.\"},\"start\":{\"type\":[\"string\",\"null\"],\"format\":"
	 "\"time\",\"enum\":[\"06:00:00\",null],\"default\":\"06:00:00\",\"description\":\"At most "
	 "23:00:00.\"},\"at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}}"},
	{__LINE__, SWAGGER, EVENTS, "definitions events properties",
	 "{\"day\":{\"format\":\"date\",\"type\":\"string\",\"description\":\"Note:\\nThis is a "
	 "Primary "
	 "Key.<pk/>\"},\"start\":{\"format\":\"time without time "
	 "zone\",\"type\":\"string\",\"default\":"
	 "\"06:00:00\",\"enum\":[\"06:00:00\"]},\"at\":{\"format\":\"timestamp with time zone\","
	 "\"type\":\"string\"}}"},
	{__LINE__, OPENAPI, PAIRS, "components schemas live properties n",
	 "{\"type\":[\"number\",\"null\"],\"format\":\"double\",\"minimum\":0,\"maximum\":7.5}"},
	{__LINE__, OPENAPI, PAIRS, "components schemas a--2Fb--20c properties",
	 "{\"x\":{\"type\":\"string\",\"description\":\"Part of the key.\"},\"y z\":{\"type\":"
	 "\"string\",\"format\":\"uuid\",\"description\":\"Part of the key.\"},\"limit\":{\"type\":"
	 "[\"integer\",\"null\"],\"format\":\"int64\"},\"o-k\":{},\"d\":{\"type\":[\"number\","
	 "\"null\"],"
	 "\"format\":\"decimal\"}}"},
	{__LINE__, OPENAPI,
	 "service: t\nresources:\n  a:\n    key: id\n    fields:\n"
	 "      id: { type: uuid, default: auto, write: never }\n"
	 "      once: { type: boolean, required: true, write: once }\n",
	 "components schemas a.insert",
	 "{\"type\":\"object\",\"properties\":{\"once\":{\"type\":\"boolean\",\"description\":"
	 "\"Never changes.\"}},\"required\":[\"once\"]}"},
	{__LINE__, OPENAPI,
	 "service: t\nresources:\n  a:\n    key: id\n    fields:\n"
	 "      id: { type: uuid, default: auto, write: never }\n"
	 "      once: { type: boolean, required: true, write: once }\n",
	 "components schemas a.update", "{\"type\":\"object\",\"properties\":{}}"},
	/* Routes. */
	{__LINE__, OPENAPI, ROUTE("GET /a: { reply: { b: [1], c: ok } }"),
	 "paths /a get responses 200 content application/json schema",
	 "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"array\",\"items\":{},\"const\":[1]},"
	 "\"c\":{\"type\":\"string\",\"const\":\"ok\"}},\"required\":[\"b\",\"c\"]}"},
	{__LINE__, OPENAPI, ROUTE("GET /a: { reply: pong }"),
	 "paths /a get responses 200 content text/plain schema",
	 "{\"type\":\"string\",\"const\":\"pong\"}"},
	{__LINE__, OPENAPI, ROUTE("POST /a: { reply: 202 }"), "paths /a post responses",
	 "[\"202\",\"403\",\"500\",\"503\",\"default\"]", true},
	{__LINE__, OPENAPI, ROUTE("GET /things: { list: things, select: \"n:name\" }"),
	 "paths /things get responses 200 content application/json schema",
	 "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
	 "\"string\",\"maxLength\":8}}}}"},
	{__LINE__, OPENAPI, ROUTE("GET /things: { list: things }"), "paths /things",
	 "[\"delete\",\"description\",\"get\",\"patch\",\"post\",\"put\"]", true},
	{__LINE__, OPENAPI, ROUTE("GET /names: { list: things, values: name }"),
	 "paths /names get responses 200 content application/json schema",
	 "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":8}}"},
	{__LINE__, OPENAPI, ROUTE("GET /f: { list: things, where: \"kind=eq.{select?}\", empty: 410 }"),
	 "paths /f get parameters #0",
	 "{\"name\":\"select\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"format\":"
	 "\"int64\"}}"},
	{__LINE__, OPENAPI, ROUTE("GET /f: { list: things, where: \"kind=eq.{select?}\", empty: 410 }"),
	 "paths /f get parameters #1", "{\"$ref\":\"#/components/parameters/query.order\"}"},
	{__LINE__, OPENAPI, ROUTE("GET /f: { list: things, where: \"kind=eq.{k?}\", empty: 410 }"),
	 "paths /f get responses 410 content application/json schema",
	 "{\"$ref\":\"#/components/schemas/rowlock.error\"}"},
	{__LINE__, OPENAPI, ROUTE("GET /f: { list: things, where: \"name=like.{id?}\" }"),
	 "paths /f get parameters #0",
	 "{\"name\":\"id\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}}"},
	{__LINE__, OPENAPI, ROUTE("PUT /t/{id}: { upsert: things }"),
	 "paths /t/{id} put requestBody content application/json schema required", "[\"name\"]"},
	{__LINE__, OPENAPI, ROUTE("PATCH /t/{id}: { update: things, needs: [kind] }"),
	 "paths /t/{id} patch requestBody content application/json schema required", "[\"kind\"]"},
	{__LINE__, OPENAPI, ROUTE("POST /t: { insert: things, from: rows }"),
	 "paths /t post requestBody content application/json schema required", "[\"rows\"]"},
	{__LINE__, OPENAPI, ROUTE("DELETE /t/{name}: { delete: things }"),
	 "paths /t/{name} delete responses 204", "{\"description\":\"Deleted\"}"},
	/* One path whose operations name its parameter otherwise: it has one name. */
	{__LINE__, OPENAPI,
	 ROUTE("GET /t/{id}: { get: things }\n  DELETE /t/{name}: { delete: things }"),
	 "paths /t/{id} delete parameters #0",
	 "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}"},
	/* Errors. */
	{__LINE__, OPENAPI, SMALL, "components responses item.get.404 content application/json schema",
	 "{\"$ref\":\"#/components/schemas/rowlock.error\"}"},
	{__LINE__, OPENAPI, SMALL, "components responses item.put.412 description",
	 "\"`RL412` The row is another than If-Match names\""},
	{__LINE__, OPENAPI, SMALL, "components responses route.read.400", ""},
	{__LINE__, OPENAPI,
	 "errors: { ok: false, why: \"{message}\" }\n" ROUTE("GET /t: { list: things }"),
	 "components responses route.read.400 content application/json schema",
	 "{\"$ref\":\"#/components/schemas/rowlock.route_error\"}"},
	{__LINE__, OPENAPI, "errors: { ok: false, why: [\"{message}\"] }\n" SMALL,
	 "components schemas rowlock.route_error",
	 "{\"type\":\"object\",\"properties\":{\"ok\":{\"const\":false},\"why\":{\"type\":\"array\","
	 "\"items\":{}}},\"required\":[\"ok\",\"why\"]}"},
	/* PostgREST's document. */
	{__LINE__, SWAGGER, SMALL, "swagger", "\"2.0\""},
	{__LINE__, SWAGGER, "listen: \"[::1]:9\"\n" SMALL, "host", "\"[::1]:9\""},
	{__LINE__, SWAGGER, SMALL, "paths", "[\"/\",\"/things\"]", true},
	{__LINE__, SWAGGER, SMALL, "paths /things", "[\"delete\",\"get\",\"patch\",\"post\"]", true},
	{__LINE__, SWAGGER, PAIRS, "paths /live", "[\"get\"]", true},
	{__LINE__, SWAGGER, ROUTE("GET /things: { list: things }"), "paths /things",
	 "[\"delete\",\"patch\",\"post\"]", true},
	{__LINE__, SWAGGER, SMALL, "definitions things",
	 "{\"required\":[\"id\",\"name\"],\"properties\":{\"id\":{\"format\":\"bigint\",\"type\":"
	 "\"integer\",\"description\":\"Note:\\nThis is a Primary Key.<pk/>\"},\"name\":{\"format\":"
	 "\"text\",\"type\":\"string\",\"maxLength\":8},\"kind\":{\"format\":\"bigint\",\"type\":"
	 "\"integer\",\"default\":1,\"enum\":[1,2]}},\"type\":\"object\"}"},
	{__LINE__, SWAGGER,
	 SMALL "  parts:\n    key: id\n    fields: { id: integer, thing: { type: integer, references: "
		   "things } }\n",
	 "definitions parts properties thing description",
	 "\"Note:\\nThis is a Foreign Key to `things.id`.<fk table='things' column='id'/>\""},
	{__LINE__, SWAGGER, PAIRS, "paths /a/b c get parameters #1",
	 "{\"$ref\":\"#/parameters/rowFilter.a~1b%20c.y%20z\"}"},
	{__LINE__, SWAGGER, PAIRS, "parameters rowFilter.a/b c.y z",
	 "{\"name\":\"y z\",\"required\":false,\"in\":\"query\",\"type\":\"string\"}"},
	{__LINE__, SWAGGER, SMALL, "parameters body.things schema",
	 "{\"$ref\":\"#/definitions/things\"}"},
	{__LINE__, SWAGGER, PAIRS, "parameters body.live", ""},
};

static struct service *load(const char *yaml)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("f.yaml"), no_environment, &report);
	struct service *service = model != NULL ? service_create(model, &report) : NULL;
	if (service == NULL) {
		struct buf text;
		buf_init(&text, SIZE_MAX);
		model_report_write(&report, STR(""), &text);
		fail_msg("%.*s in\n%s", STR_ARG(buf_str(&text)), yaml);
	}
	model_report_finish(&report);
	return service;
}

static json_t *parse(struct str text, int line)
{
	json_error_t error;
	json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json == NULL) {
		fail_msg("row of line %d: %s at %d in %.*s", line, error.text, error.position,
				 STR_ARG(text));
	}
	return json;
}

/* A key may hold blanks: the longest one that is there counts. */
static json_t *step(json_t *json, struct str *rest)
{
	if (json_is_array(json)) {
		struct str index = str_split(rest, ' ');
		return json_array_get(json, (size_t)(index.ptr[1] - '0'));
	}
	for (size_t end = rest->len; end > 0; end--) {
		json_t *next = json_object_getn(json, rest->ptr, end);
		if (next != NULL && (end == rest->len || rest->ptr[end] == ' ')) {
			*rest = str_slice(*rest, end == rest->len ? end : end + 1, rest->len);
			return next;
		}
	}
	return NULL;
}

static json_t *keys_of(json_t *json)
{
	json_t *list = json_array();
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value)
	{
		json_array_append_new(list, json_string(key));
	}
	return list;
}

static int by_text(const void *a, const void *b)
{
	const json_t *const *left = a;
	const json_t *const *right = b;
	return strcmp(json_string_value(*left), json_string_value(*right));
}

static json_t *sorted(json_t *list)
{
	size_t count = json_array_size(list);
	const json_t *items[64];
	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		items[i] = json_array_get(list, i);
	}
	qsort(items, count, sizeof(items[0]), by_text);
	json_t *result = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(result, json_deep_copy(items[i]));
	}
	json_decref(list);
	return result;
}

static void check_row(const struct row *row, json_t *document)
{
	struct str rest = str_from(row->at);
	json_t *got = document;
	while (got != NULL && rest.len > 0) {
		got = step(got, &rest);
	}
	if (row->want[0] == '\0') {
		if (got != NULL) {
			fail_msg("row of line %d: %s is there", row->line, row->at);
		}
		return;
	}
	if (got == NULL) {
		fail_msg("row of line %d: there is no %s", row->line, row->at);
	}
	json_t *shown = row->keys ? sorted(keys_of(got)) : json_incref(got);
	json_t *want = parse(str_from(row->want), row->line);
	if (!json_equal(shown, want)) {
		char *text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY);
		fail_msg("row of line %d: %s is\n%s\nand not\n%s", row->line, row->at, text, row->want);
	}
	json_decref(want);
	json_decref(shown);
}

static struct str text_of(const struct service *service, enum document document)
{
	switch (document) {
	case BELOW:
		return service->pages->openapi_below.text;
	case SWAGGER:
		return service->pages->swagger.text;
	case OPENAPI:
		break;
	}
	return service->pages->openapi.text;
}

static void test_fragments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service *service = load(rows[i].yaml);
		json_t *document = parse(text_of(service, rows[i].document), rows[i].line);
		check_row(&rows[i], document);
		json_decref(document);
		service_unref(service);
	}
}

/* ---- every reference leads somewhere, every operationId is there once ---- */

static void check_reference(json_t *document, const char *text)
{
	struct str rest = str_from(text);
	assert_true(str_starts_with(rest, STR("#/components/")));
	rest = str_slice(rest, 2, rest.len);
	json_t *at = document;
	while (rest.len > 0 && at != NULL) {
		struct str key = str_split(&rest, '/');
		at = json_object_getn(at, key.ptr, key.len);
	}
	if (at == NULL) {
		fail_msg("%s leads nowhere", text);
	}
}

static void check_tree(json_t *document, json_t *json, json_t *ids)
{
	const char *key;
	json_t *value;
	size_t index;
	json_object_foreach(json, key, value)
	{
		if (strcmp(key, "$ref") == 0) {
			check_reference(document, json_string_value(value));
		} else if (strcmp(key, "operationId") == 0) {
			const char *id = json_string_value(value);
			assert_null(json_object_get(ids, id));
			json_object_set_new(ids, id, json_true());
			assert_int_equal(strspn(id,
									"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
									"0123456789_.-"),
							 strlen(id));
		}
		check_tree(document, value, ids);
	}
	json_array_foreach(json, index, value)
	{
		check_tree(document, value, ids);
	}
}

static void test_references(void **state)
{
	(void)state;
	static const char *const services[] = {
		SMALL,
		PAIRS,
		ROUTE("GET /a: { list: things }\n  PUT /a/{id}: { upsert: things }\n"
			  "  GET /a--b/x-/-y: { reply: ok }\n  GET /: { reply: ok }\n"
			  "  GET /a/id: { reply: ok }\n  GET /a/{id}: { get: things }"),
	};
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct service *service = load(services[i]);
		json_t *document = parse(service->pages->openapi.text, __LINE__);
		json_t *ids = json_object();
		check_tree(document, document, ids);
		assert_true(json_object_size(ids) > 0);
		json_decref(ids);
		json_decref(document);
		service_unref(service);
	}
}

/* A document that would be larger than its buffer is none. */
static void test_limit(void **state)
{
	(void)state;
	struct service *service = load(SMALL);
	struct str whole = service->pages->openapi.text;
	for (size_t less = 0; less < 2; less++) {
		struct buf text;
		buf_init(&text, whole.len - less);
		openapi_write(service, &text);
		assert_int_equal(text.failed, less > 0);
		assert_true(less > 0 || str_equal(buf_str(&text), whole));
		buf_finish(&text);
	}
	service_unref(service);
}

static bool holds(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void check_outside(struct str page)
{
	assert_false(holds(page, "://"));
	assert_false(holds(page, "\"//"));
}

/* Pages show names as text, and ask nobody else. */
static void test_pages(void **state)
{
	(void)state;
	static const char *const wanted[] = {
		"&lt;b&gt;&amp;&#39;&quot;",
		"curl &quot;$SERVICE/x&quot;\n",
		"curl -X POST --json &#39;{&quot;&lt;i&gt;&quot;:&quot;text&quot;,&quot;n&quot;:3}&#39; "
		"&quot;$SERVICE/%3Cb%3E%26%27%22&quot;\n",
		"curl -X DELETE &quot;$SERVICE/%3Cb%3E%26%27%22?%3Ci%3E=eq.text&quot;\n",
		"curl -X PUT --json &#39;{&quot;n&quot;:3}&#39; "
		"&quot;$SERVICE/%3Cb%3E%26%27%22/text&quot;\n",
		"curl -X PUT --json &#39;{&quot;it&#39;\\&#39;&#39;s&quot;:1}&#39; "
		"&quot;$SERVICE/x/3&quot;\n",
	};
	struct service *service = load("service: s\n"
								   "resources:\n"
								   "  \"<b>&'\\\"\":\n"
								   "    key: \"<i>\"\n"
								   "    fields:\n"
								   "      \"<i>\": text\n"
								   "      it's: integer\n"
								   "      n: { type: integer, min: 3, required: true }\n"
								   "routes:\n"
								   "  GET /x: { reply: ok }\n"
								   "  PUT /x/{n}: { update: \"<b>&'\\\"\" }\n");
	struct buf text;
	buf_init(&text, SIZE_MAX);
	pages_write_reference(service, STR("docs/"), &text);
	struct str page = buf_str(&text);
	assert_false(holds(page, "<b>"));
	assert_false(holds(page, "<i>"));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!holds(page, wanted[i])) {
			fail_msg("no %s in\n%.*s", wanted[i], STR_ARG(page));
		}
	}
	check_outside(page);
	assert_false(holds(service->pages->start.text, "<b>"));
	assert_true(holds(service->pages->start.text, "<a href=\"./x\">/x</a>"));
	assert_true(holds(service->pages->start.text, "<a href=\"./docs\">"));
	check_outside(service->pages->start.text);
	check_outside(service->pages->docs.text);
	buf_finish(&text);
	service_unref(service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
