#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/auth_config.h"

const char *test_environment(const char *name)
{
	static const struct {
		const char *name;
		const char *value;
	} variables[] = {
		{"NAME", "fromenv"},
		{"EMPTY", ""},
		{"PORT", "8080"},
		{"BAD", "\xff"},
		{"DIR", "data"},
		{"STORE", "sqlite:there.db"},
		{"INJECT", "x }\nroutes: { a: b"},
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		if (strcmp(variables[i].name, name) == 0) {
			return variables[i].value;
		}
	}
	return NULL;
}

static void describe_names(struct buf *buf, const char *what, const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_printf(buf, "%s%.*s", i == 0 ? what : ",", STR_ARG(list->items[i]->name));
	}
}

static void describe_value(struct buf *buf, const char *what, const struct field *field,
						   const struct value *value)
{
	if (value != NULL) {
		buf_append(buf, str_from(what));
		value_write_json(buf, field, value);
	}
}

static void describe_roles(struct buf *buf, const char *what, const struct roles *roles)
{
	if (roles != NULL) {
		buf_append(buf, str_from(what));
		for (size_t i = 0; i < roles->count; i++) {
			buf_printf(buf, "%s%.*s", i == 0 ? " " : ",", STR_ARG(roles->items[i]));
		}
	}
}

static void describe_rules(struct buf *buf, const struct resource *resource)
{
	static const char *const actions[RULE_ACTIONS] = {"read", "create", "update", "delete"};
	for (size_t i = 0; i < RULE_ACTIONS; i++) {
		for (size_t k = 0; k < resource->rules[i].count; k++) {
			const struct row_rule *rule = &resource->rules[i].items[k];
			buf_printf(buf, "  rule %s %.*s: %.*s%s\n", actions[i], STR_ARG(rule->role),
					   STR_ARG(rule->text.str), rule->kind == RULE_WHERE ? " (where)" : "");
		}
	}
}

static void describe_field(struct buf *buf, const struct field *field)
{
	buf_printf(buf, "  %.*s %s", STR_ARG(field->name), value_type_name(field->type));
	if (field->type == TYPE_DECIMAL) {
		buf_printf(buf, "(%d,%d)", field->precision, field->scale);
	}
	if (field->max_chars > 0) {
		buf_printf(buf, "(%zu)", field->max_chars);
	}
	buf_printf(buf, "%s%s%s%s", field->key ? " key" : "", field->required ? " required" : "",
			   field->default_kind == DEFAULT_AUTO           ? " auto"
				   : field->default_kind == DEFAULT_DATABASE ? " database"
															 : "",
			   field->write == WRITE_ONCE        ? " once"
				   : field->write == WRITE_NEVER ? " never"
												 : "");
	static const char *const orders[] = {"", " mdy", " dmy", " ymd"};
	buf_append(buf, field->accept_text ? STR(" accept text") : STR(""));
	buf_append(buf, str_from(orders[field->dates.order]));
	buf_append(buf, field->max_today ? STR(" today") : STR(""));
	assert_int_equal(field->dates.two_digit_years, field->max_today);
	if (field->default_kind == DEFAULT_VALUE) {
		describe_value(buf, " default ", field, &field->default_value);
	}
	describe_value(buf, " min ", field, field->min);
	describe_value(buf, " max ", field, field->max);
	for (size_t i = 0; i < field->in_count; i++) {
		describe_value(buf, i == 0 ? " in " : ",", field, &field->in[i]);
	}
	describe_roles(buf, " readable by", field->readable_by);
	describe_roles(buf, " writable by", field->writable_by);
	if (field->references != NULL) {
		buf_printf(buf, " references %.*s", STR_ARG(field->references->name));
	}
	if (field_is_computed(field)) {
		buf_printf(buf, " computed %.*s@%zu:%zu", STR_ARG(field->computed.str),
				   field->computed.place.line, field->computed.place.column);
	}
	buf_append_byte(buf, '\n');
}

static void describe_reference(struct buf *buf, const char *what, const struct reference *reference)
{
	assert_int_equal(reference->fields.count, reference->target_fields.count);
	buf_printf(buf, "  %s %.*s", what, STR_ARG(reference->name));
	describe_names(buf, ": ", &reference->fields);
	buf_printf(buf, " -> %.*s", STR_ARG(reference->target->name));
	describe_names(buf, " ", &reference->target_fields);
	buf_append_byte(buf, '\n');
}

/* ` where a=eq.1@4:5`, to the end of the line. */
static void describe_text(struct buf *buf, const char *before, const struct text *text)
{
	if (text->str.len > 0) {
		buf_printf(buf, "%s%.*s@%zu:%zu", before, STR_ARG(text->str), text->place.line,
				   text->place.column);
	}
	buf_append_byte(buf, '\n');
}

void test_describe_resource(struct buf *buf, const struct resource *resource)
{
	buf_printf(buf, "%.*s", STR_ARG(resource->name));
	describe_names(buf, " key ", &resource->key);
	if (resource_is_remote(resource)) {
		assert_true(resource->read_only && resource->reference_count == 0);
		buf_printf(buf, " at %.*s@%zu:%zu", STR_ARG(resource->at.str), resource->at.place.line,
				   resource->at.place.column);
	} else if (resource->read_only && resource->tally_of == NULL) {
		buf_append(buf, STR(" read_only"));
	}
	if (resource->tally_of != NULL) {
		assert_true(resource->read_only && resource->reference_count == 0);
		buf_printf(buf, " tally %.*s", STR_ARG(resource->tally_of->name));
		describe_names(buf, " by ", &resource->by);
	}
	for (size_t i = 0; i < resource->tally_count; i++) {
		buf_printf(buf, " counted %.*s", STR_ARG(resource->tallies[i]->name));
	}
	buf_append_byte(buf, '\n');
	for (size_t i = 0; i < resource->field_count; i++) {
		assert_int_equal(resource->fields[i].number, i);
		describe_field(buf, &resource->fields[i]);
	}
	for (size_t i = 0; i < resource->hold_field_count; i++) {
		assert_int_equal(resource->hold_fields[i].number, resource->field_count + i);
		buf_append(buf, STR("  hidden"));
		describe_field(buf, &resource->hold_fields[i]);
	}
	describe_rules(buf, resource);
	for (size_t i = 0; i < resource->unique_count; i++) {
		buf_printf(buf, "  unique %.*s", STR_ARG(resource->uniques[i].name));
		describe_names(buf, ": ", &resource->uniques[i].fields);
		describe_text(buf, " where ", &resource->uniques[i].where);
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		buf_printf(buf, "  check %.*s", STR_ARG(resource->checks[i].name));
		describe_text(buf, ": ", &resource->checks[i].text);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		describe_names(buf, "  index ", &resource->indexes[i].fields);
		describe_text(buf, " where ", &resource->indexes[i].where);
	}
	if (resource->load.file.len > 0) {
		static const char *const modes[] = {
			[LOAD_REPLACE] = "replace",
			[LOAD_ADD] = "add",
			[LOAD_ONCE] = "once",
		};
		buf_printf(buf, "  load %s %.*s\n", modes[resource->load.mode],
				   STR_ARG(resource->load.file));
	}
	if (resource->search.count > 0) {
		describe_names(buf, "  search ", &resource->search);
		buf_append_byte(buf, '\n');
	}
	for (size_t i = 0; i < resource->reference_count; i++) {
		describe_reference(buf, "reference", &resource->references[i]);
	}
	for (size_t i = 0; i < resource->link_count; i++) {
		describe_reference(buf, resource->links[i].get_only ? "get" : "link",
						   &resource->links[i].reference);
	}
}

static void describe_route(struct buf *buf, const struct route *route)
{
	static const char *const actions[] = {"reply",  "list",    "get",    "insert",
										  "upsert", "replace", "update", "delete"};

	buf_printf(buf, "%.*s %.*s", STR_ARG(route->method), STR_ARG(route->path));
	for (size_t i = 0; i < route->segment_count; i++) {
		buf_printf(buf, "%s%s%.*s", i == 0 ? " [" : " ", route->segments[i].parameter ? "$" : "",
				   STR_ARG(route->segments[i].text));
	}
	buf_printf(buf, "%s %s", route->segment_count > 0 ? "]" : "", actions[route->action]);
	if (route->resource != NULL) {
		buf_printf(buf, " %.*s", STR_ARG(route->resource->name));
	}
	if (route->select.str.len > 0) {
		buf_printf(buf, " select %.*s", STR_ARG(route->select.str));
	}
	if (route->order.str.len > 0) {
		buf_printf(buf, " order %.*s", STR_ARG(route->order.str));
	}
	for (size_t i = 0; i < route->where_count; i++) {
		buf_printf(buf, " where %.*s", STR_ARG(route->where[i].str));
	}
	if (route->from.len > 0) {
		buf_printf(buf, " from %.*s", STR_ARG(route->from));
	}
	describe_names(buf, " needs ", &route->needs);
	if (route->values != NULL) {
		buf_printf(buf, " values %.*s", STR_ARG(route->values->name));
	}
	if (route->empty_status > 0) {
		buf_printf(buf, " empty %d", route->empty_status);
	}
	if (route->then != NULL) {
		buf_printf(buf, " then %.*s %.*s", STR_ARG(route->then->method),
				   STR_ARG(route->then->path));
	}
	if (route->reply == REPLY_STATUS) {
		buf_printf(buf, " status %d", route->reply_status);
	} else if (route->reply != REPLY_NONE) {
		buf_printf(buf, " %s %.*s", route->reply == REPLY_JSON ? "json" : "text",
				   STR_ARG(route->reply_text));
	}
	buf_append_byte(buf, '\n');
}

static void describe_auth_key(struct buf *buf, const struct auth_key_source *key)
{
	buf_printf(buf, " [%.*s %.*s%.*s%s", STR_ARG(auth_algorithm_name(key->algorithm)),
			   STR_ARG(key->public_key.str), STR_ARG(key->jwks.str),
			   key->secret.str.len > 0 ? "secret" : "");
	if (key->kid.len > 0) {
		buf_printf(buf, " kid %.*s", STR_ARG(key->kid));
	}
	buf_append_byte(buf, ']');
}

static void describe_auth(struct buf *buf, const struct auth_config *auth)
{
	buf_append(buf, STR(" auth"));
	for (size_t i = 0; i < auth->key_count; i++) {
		describe_auth_key(buf, &auth->keys[i]);
	}
	if (auth->issuer.len > 0) {
		buf_printf(buf, " issuer %.*s", STR_ARG(auth->issuer));
	}
	for (size_t i = 0; i < auth->audience_count; i++) {
		buf_printf(buf, " audience %.*s", STR_ARG(auth->audiences[i]));
	}
	for (size_t i = 0; i < auth->required_count; i++) {
		buf_printf(buf, " required %.*s", STR_ARG(auth->required[i]));
	}
	if (auth->refresh_s != 300) {
		buf_printf(buf, " refresh %d", (int)auth->refresh_s);
	}
	if (auth->leeway_s != 30) {
		buf_printf(buf, " leeway %d", (int)auth->leeway_s);
	}
	buf_append(buf, auth->expiry_optional ? STR(" optional") : STR(""));
	if (!str_equal(auth->role_claim, STR("role"))) {
		buf_printf(buf, " role_claim %.*s", STR_ARG(auth->role_claim));
	}
	if (auth->anonymous.len > 0) {
		buf_printf(buf, " anonymous %.*s", STR_ARG(auth->anonymous));
	}
	for (size_t i = 0; i < auth->api_key_count; i++) {
		const struct auth_api_key *key = &auth->api_keys[i];
		buf_printf(buf, " key %.*s %02x-%02x %.*s", STR_ARG(key->name), key->sha256[0],
				   key->sha256[AUTH_HASH_BYTES - 1], STR_ARG(key->role));
	}
	if (auth->rate_requests > 0) {
		buf_printf(buf, " rate %d/%d burst %d", (int)auth->rate_requests, (int)auth->rate_period_s,
				   (int)auth->rate_burst);
	}
	buf_append(buf, auth->gzip ? STR(" gzip") : STR(""));
}

void test_describe(const struct model *model, struct buf *buf)
{
	struct limits limits;

	limits_init(&limits);
	buf_append(buf, model->service);
	if (model->listen.str.len > 0) {
		buf_printf(buf, " listen %.*s", STR_ARG(model->listen.str));
	}
	if (model->store.str.len > 0) {
		buf_printf(buf, " store %.*s", STR_ARG(model->store.str));
	}
	for (size_t i = 0; i < model->cors_count; i++) {
		buf_printf(buf, "%s%.*s", i == 0 ? " cors " : ",", STR_ARG(model->cors[i]));
	}
	if (model->tls.certificate.str.len > 0) {
		buf_printf(buf, " tls %.*s %.*s", STR_ARG(model->tls.certificate.str),
				   STR_ARG(model->tls.key.str));
	}
	for (size_t i = 0; i < model->trusted_proxy_count; i++) {
		char text[CIDR_TEXT_BYTES];
		ip_format(&model->trusted_proxies[i].base, text);
		buf_printf(buf, " proxy %s/%u", text, model->trusted_proxies[i].bits);
	}
	if (model->auth != NULL) {
		describe_auth(buf, model->auth);
	}
	if (model->error_shape.len > 0) {
		buf_printf(buf, " errors %.*s", STR_ARG(model->error_shape));
	}
#define X(name, value, min, max, what)                                                             \
	if (model->limits.name != limits.name) {                                                       \
		buf_printf(buf, " " #name " %zu", (size_t)model->limits.name);                             \
	}
	LIMITS_TABLE(X)
#undef X
	buf_append_byte(buf, '\n');
	for (size_t i = 0; i < model->resource_count && !model->resources[i].hidden; i++) {
		assert_int_equal(model->resources[i].number, i);
		test_describe_resource(buf, &model->resources[i]);
	}
	for (size_t i = 0; i < model->route_count; i++) {
		describe_route(buf, &model->routes[i]);
	}
}

char *test_load(const char *before, const char *yaml)
{
	struct model_report report;
	struct model *model;
	struct buf text;
	struct buf got;

	buf_init(&text, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	buf_append(&text, str_from(before));
	buf_append(&text, str_from(yaml));
	model_report_init(&report);
	model = model_parse(buf_str(&text), STR("there/f.yaml"), test_environment, &report);
	assert_true((model == NULL) == (report.errors > 0));
	if (model == NULL) {
		model_report_write(&report, STR(""), &got);
	} else {
		test_describe(model, &got);
	}
	buf_append_byte(&got, '\0');
	assert_false(got.failed);
	model_destroy(model);
	model_report_finish(&report);
	buf_finish(&text);
	return got.ptr;
}

void test_load_rows(const char *before, const char *common, const struct load_row *rows,
					size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *got = test_load(before, rows[i].yaml);
		bool known = strncmp(got, common, strlen(common)) == 0;
		const char *rest = known ? got + strlen(common) : got;

		if (strcmp(rest, rows[i].want) != 0) {
			fail_msg("row of line %d gives\n%sand not\n%s", rows[i].line, rest, rows[i].want);
		}
		free(got);
	}
}
