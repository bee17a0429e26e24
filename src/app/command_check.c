#include <stdio.h>

#include "api/service.h"
#include "app/command.h"

static const char help[] =
	"usage: rowlock check FILE\n"
	"\n"
	"Validates a service file and prints its resources and routes, and what of the general API a\n"
	"route hides. Errors are written as FILE:LINE:COLUMN: MESSAGE.\n";

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
	struct model_report report;
	struct buf text;
	model_report_init(&report);
	buf_init(&text, MIB(1));
	bool good = service_load_keys(service, &report);
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
		print_resources(service->model);
		print_routes(service->model);
	}
	enum exit_code code = service != NULL ? EXIT_DONE : EXIT_FAILED;
	service_unref(service);
	return code;
}

const struct command command_check = {
	.name = "check",
	.summary = "validate a service file; print its resources and routes",
	.help = help,
	.run = run,
};
