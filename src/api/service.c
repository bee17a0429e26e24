#include "api/service.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/assets.h"
#include "api/general.h"
#include "api/links.h"
#include "api/pages.h"
#include "api/plan.h"
#include "api/system.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "link/user.h"
#include "query/compile.h"

#include "rowlock_config.h"

static struct operation *new_operation(struct service *service)
{
	struct operation *operation = ARENA_NEW(&service->arena, struct operation);
	operation->number = service->operation_count;
	service->operations[service->operation_count++] = operation;
	return operation;
}

static bool add_routes(struct service *service, struct model_report *report)
{
	const struct model *model = service->model;
	const struct plan **plans = ARENA_ARRAY(&service->arena, model->route_count,
											const struct plan *);
	for (size_t i = 0; i < model->route_count; i++) {
		const struct route *route = &model->routes[i];
		const struct plan *plan = plan_create(model, route, plans, &service->arena, report);
		plans[i] = plan;
		if (plan == NULL) {
			continue;
		}
		struct operation *operation = new_operation(service);
		operation->run = plan_run;
		operation->pattern = route->path;
		operation->plan = plan;
		operation->own_errors = true;
		if (!http_method_parse(route->method, &operation->method)) {
			model_report_add(report, route->place, NULL, "unknown method %.*s",
							 STR_ARG(route->method));
			continue;
		}
		router_add(&service->router, route->segments, route->segment_count, operation);
	}
	return report->errors == 0;
}

static struct str path_of(struct service *service, const char *prefix, struct str name)
{
	return arena_printf(&service->arena, "%s%.*s", prefix, STR_ARG(name));
}

static struct str pattern_of(struct service *service, const struct resource *resource, bool item)
{
	return arena_printf(&service->arena, "/%.*s%s", STR_ARG(resource->name), item ? "/{key}" : "");
}

static void add_resources(struct service *service)
{
	const struct model *model = service->model;
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		struct segment segments[] = {
			{.text = resource->name},
			{.text = STR("key"), .parameter = true},
		};
		for (size_t k = 0; k < general_operation_count && resource_is_served(resource); k++) {
			const struct general_operation *general = &general_operations[k];
			bool keyless = resource->key.count == 0;
			bool needs_key = general->item || general->method == HTTP_PUT;
			if ((general->writes && resource->read_only) || (needs_key && keyless)) {
				continue;
			}
			struct operation *operation = new_operation(service);
			operation->run = general->run;
			operation->method = general->method;
			operation->pattern = pattern_of(service, resource, general->item);
			operation->resource = resource;
			router_add(&service->router, segments, general->item ? 2 : 1, operation);
		}
	}
}

/* The path of a page: `.rowlock`, then the parts of its name. */
static size_t page_segments(struct str name, struct segment *segments)
{
	size_t count = 0;
	segments[count++] = (struct segment){.text = STR(".rowlock")};
	while (name.len > 0) {
		struct str part = str_split(&name, '/');
		bool parameter = part.ptr[0] == '{';
		segments[count++] = (struct segment){
			parameter ? str_slice(part, 1, part.len - 1) : part,
			parameter,
		};
	}
	return count;
}

static void add_system_pages(struct service *service)
{
	for (size_t i = 0; i < system_page_count; i++) {
		const struct system_page *page = &system_pages[i];
		struct segment segments[SYSTEM_PAGE_SEGMENTS];
		size_t count = page_segments(page->name, segments);
		if (segments[count - 1].parameter && asset_count == 0) {
			continue;
		}
		struct operation *operation = new_operation(service);
		operation->run = page->run;
		operation->method = HTTP_GET;
		operation->pattern = path_of(service, "/", page->name);
		operation->open = page->open;
		router_add(&service->router, segments, count, operation);
		if (count < 2 || model_resource(service->model, segments[1].text) == NULL) {
			router_add(&service->router, segments + 1, count - 1, operation);
		}
	}
}

/* What other services call; nothing of a service file can stand there. */
static void add_link_routes(struct service *service)
{
	for (size_t i = 0; i < link_route_count; i++) {
		const struct link_route *route = &link_routes[i];
		struct segment segments[] = {{.text = STR(".rowlock")}, {.text = route->name}};
		if (!link_route_serves(route, service->model)) {
			continue;
		}
		struct operation *operation = new_operation(service);
		operation->run = route->run;
		operation->method = route->method;
		operation->pattern = path_of(service, "/.rowlock/", route->name);
		operation->open = true; /* their credential is their own */
		operation->inner = true;
		router_add(&service->router, segments, 2, operation);
	}
}

#if !HAVE_LINKS
/* Of references that nobody keeps nothing may be promised: such a file is refused as a whole. */
static void refuse_links(const struct model *model, struct model_report *report)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		if (resource_is_remote(&model->resources[i])) {
			model_report_add(report, model->resources[i].at.place, "build it with libcurl",
							 "this program was built without references between services");
		}
	}
}
#endif

struct service *service_create(struct model *model, struct model_report *report)
{
	struct service *service = alloc_zeroed(1, sizeof(*service));
	service->references = 1;
	service->model = model;
	arena_init(&service->arena, KIB(16));
	router_init(&service->router, &service->arena);
	error_shape_init(&service->errors, model->error_shape, &service->arena);
	size_t most = model->route_count + model->resource_count * general_operation_count +
		system_page_count + link_route_count;
	service->operations = ARENA_ARRAY(&service->arena, most, const struct operation *);
	link_user_check(model, report);
#if !HAVE_LINKS
	refuse_links(model, report);
#endif
	if (!query_compile(model, report) || !add_routes(service, report)) {
		service_unref(service);
		return NULL;
	}
	add_resources(service);
	add_system_pages(service);
	add_link_routes(service);
	assert(service->operation_count <= most);
	service->pages = pages_create(service, &service->arena);
	return service;
}

bool service_load_keys(struct service *service, struct model_report *report)
{
	assert(service->auth == NULL);
	if (service->model->auth == NULL) {
		return true;
	}
	service->auth = auth_create(service->model->auth, report);
	return service->auth != NULL;
}

void service_ref(struct service *service)
{
	atomic_fetch_add(&service->references, 1);
}

void service_unref(struct service *service)
{
	if (service == NULL || atomic_fetch_sub(&service->references, 1) > 1) {
		return;
	}
	auth_destroy(service->auth);
	model_destroy(service->model);
	arena_finish(&service->arena);
	free(service);
}
