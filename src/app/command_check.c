#include <stdio.h>
#include <string.h>

#include "api/service.h"
#include "app/app_priv.h"
#include "app/command.h"
#include "model/auth_config.h"

static const char help[] =
	"usage: rowlock check FILE\n"
	"\n"
	"Validates a service file and prints who may come, its resources with who may do what, its\n"
	"routes, and what of the general API a route hides. The files of keys and certificates that\n"
	"it names are read too. Errors are written as FILE:LINE:COLUMN: MESSAGE.\n";

static void print_key(const struct auth_key_source *key)
{
	struct str source = key->public_key.str.len > 0 ? key->public_key.str : key->jwks.str;
	struct str algorithm = auth_algorithm_name(key->algorithm);
	printf("  tokens  %.*s%s", STR_ARG(algorithm), algorithm.len > 0 ? " " : "");
	printf("%.*s", STR_ARG(source.len > 0 ? source : STR("by a secret")));
	printf(key->kid.len > 0 ? " kid %.*s\n" : "\n", STR_ARG(key->kid));
}

static void print_auth(const struct auth_config *auth)
{
	printf("auth\n");
	for (size_t i = 0; i < auth->key_count; i++) {
		print_key(&auth->keys[i]);
	}
	for (size_t i = 0; i < auth->api_key_count; i++) {
		const struct auth_api_key *key = &auth->api_keys[i];
		printf("  API key %.*s", STR_ARG(key->name));
		printf(key->role.len > 0 ? "  role %.*s\n" : "\n", STR_ARG(key->role));
	}
	if (auth->anonymous.len > 0) {
		printf("  without token or key  role %.*s\n", STR_ARG(auth->anonymous));
	}
	if (auth->rate_requests > 0) {
		printf("  rate    %lld in %lld s, %lld at once\n", (long long)auth->rate_requests,
			   (long long)auth->rate_period_s, (long long)auth->rate_burst);
	}
}

static void print_cidr(const struct cidr *cidr)
{
	char text[CIDR_TEXT_BYTES];
	ip_format(&cidr->base, text);
	bool v4 = str_find(str_from(text), ':', 0) == strlen(text);
	printf(" %s/%u", text, v4 ? cidr->bits - 96 : cidr->bits);
}

static void print_doors(const struct model *model)
{
	if (model->tls.certificate.str.len > 0) {
		printf("tls\n  certificate %.*s\n  key         %.*s\n", STR_ARG(model->tls.certificate.str),
			   STR_ARG(model->tls.key.str));
	}
	if (model->auth == NULL) {
		printf("no auth: loopback addresses only, unless --open is given\n");
	} else {
		print_auth(model->auth);
	}
	if (model->trusted_proxy_count > 0) {
		printf("trusted proxies\n ");
		for (size_t i = 0; i < model->trusted_proxy_count; i++) {
			print_cidr(&model->trusted_proxies[i]);
		}
		printf("\n");
	}
}

/* ---- resources ---- */

/* An action that no rule is about is open to all who may come in. */
static void print_rules(const struct resource *resource)
{
	static const char *const actions[RULE_ACTIONS] = {"read", "create", "update", "delete"};
	for (size_t i = 0; i < RULE_ACTIONS; i++) {
		const struct row_rules *rules = &resource->rules[i];
		for (size_t k = 0; k < rules->count; k++) {
			const struct row_rule *rule = &rules->items[k];
			struct str rows = rule->kind == RULE_ALL ? STR("all")
				: rule->kind == RULE_NEVER           ? STR("never")
													 : rule->text.str;
			bool everybody = str_equal(rule->role, STR("*"));
			printf("    %-6s  %.*s%s%.*s\n", actions[i], STR_ARG(everybody ? STR("") : rule->role),
				   everybody ? "" : ": ", STR_ARG(rows));
		}
	}
}

static void print_roles(const struct field *field, const char *action, const struct roles *roles)
{
	if (roles == NULL) {
		return;
	}
	printf("    %-6s  %.*s only by", action, STR_ARG(field->name));
	for (size_t i = 0; i < roles->count; i++) {
		printf("%s %.*s", i > 0 ? "," : "", STR_ARG(roles->items[i]));
	}
	printf("%s\n", roles->count == 0 ? " nobody" : "");
}

static void print_field_roles(const struct resource *resource)
{
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		print_roles(field, "read", field->readable_by);
		print_roles(field, "write", field->writable_by);
	}
}

static void print_resources(const struct model *model)
{
	printf("resources\n");
	for (size_t i = 0; i < model->resource_count && !model->resources[i].hidden; i++) {
		const struct resource *resource = &model->resources[i];
		if (resource_is_remote(resource)) {
			printf("  %.*s  at %.*s\n", STR_ARG(resource->name), STR_ARG(resource->at.str));
			continue;
		}
		printf("  /%.*s", STR_ARG(resource->name));
		if (resource->tally_of != NULL) {
			printf("  counts the rows of %.*s; read only", STR_ARG(resource->tally_of->name));
		}
		printf("  key");
		for (size_t k = 0; k < resource->key.count; k++) {
			printf("%s %.*s", k > 0 ? "," : "", STR_ARG(resource->key.items[k]->name));
		}
		printf("\n");
		print_rules(resource);
		print_field_roles(resource);
	}
}

/* A route at /RESOURCE stands in place of the general API's operation. */
static const struct resource *hides(const struct model *model, const struct route *route)
{
	return route->segment_count == 1 && !route->segments[0].parameter
		? model_resource(model, route->segments[0].text)
		: NULL;
}

static void print_routes(const struct model *model)
{
	printf("routes\n");
	for (size_t i = 0; i < model->route_count; i++) {
		const struct route *route = &model->routes[i];
		printf("  %-6.*s %.*s", STR_ARG(route->method), STR_ARG(route->path));
		const struct resource *hidden = hides(model, route);
		if (hidden != NULL) {
			printf("  hides the general API's %.*s /%.*s", STR_ARG(route->method),
				   STR_ARG(hidden->name));
		}
		printf("\n");
	}
}

/* The files of keys are part of what must be good. */
static bool load_keys(struct service *service, const char *file)
{
	struct tls_identity *identity;
	struct model_report report;
	struct buf text;
	model_report_init(&report);
	buf_init(&text, MIB(1));
	bool good = app_load_identity(&service->model->tls, &report, &identity);
	good = service_load_keys(service, &report) && good;
	tls_identity_destroy(identity);
	model_report_write(&report, str_from(file), &text);
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
	buf_finish(&text);
	model_report_finish(&report);
	return good;
}

static enum exit_code run(int argc, char **argv)
{
	const struct option options[] = {{0}};
	int operands = options_read(argc, argv, options);
	if (operands != 1) {
		fputs(operands < 0 ? "" : "rowlock check: give one service file\n", stderr);
		return EXIT_USAGE;
	}
	struct service *service = command_load(argv[1]);
	if (service != NULL && !load_keys(service, argv[1])) {
		service_unref(service);
		service = NULL;
	}
	if (service != NULL) {
		printf("%s is good: service %.*s\n", argv[1], STR_ARG(service->model->service));
		print_doors(service->model);
		print_resources(service->model);
		print_routes(service->model);
	}
	enum exit_code code = service != NULL ? EXIT_DONE : EXIT_FAILED;
	service_unref(service);
	return code;
}

const struct command command_check = {
	.name = "check",
	.summary = "validate a service file; print its rules, resources and routes",
	.help = help,
	.run = run,
};
