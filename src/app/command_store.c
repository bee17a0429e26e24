#include "app/command_store.h"

#include <stdio.h>
#include <unistd.h>

#include "app/command.h"

static void on_fatal(void *context, const struct error *error)
{
	const struct command_store *store = context;
	(void)command_fail(store->command, error);
	_exit(1);
}

bool command_store_open(struct command_store *store, const char *command, const char *file,
						const char *url)
{
	*store = (struct command_store){.command = command};
	store->service = command_load(file);
	if (store->service == NULL) {
		return false;
	}
	const struct model *model = store->service->model;
	struct error error = {0};
	struct store_options options = {
		.model = model,
		.limits = &model->limits,
		.fatal = on_fatal,
		.context = store,
	};
	struct str place = url != NULL ? str_from(url) : model->store.str;
	if (place.len == 0) {
		error_set(&error, ERROR_CONFIG, "%s names no store", file);
		error_hint(&error, "add `store: sqlite:FILE` or give --store");
	} else {
		store->store = store_open(place, &options, &error);
	}
	return store->store != NULL || command_fail(command, &error);
}

const struct resource *command_store_resource(const struct command_store *store, const char *name)
{
	const struct model *model = store->service->model;
	const struct resource *resource = model_resource(model, str_from(name));
	if (resource == NULL || resource->hidden) {
		struct str nearest = model_nearest_resource(model, str_from(name));
		fprintf(stderr, "rowlock %s: there is no resource \"%s\"%s%.*s%s\n", store->command, name,
				nearest.len > 0 ? "; did you mean \"" : "", STR_ARG(nearest),
				nearest.len > 0 ? "\"?" : "");
		return NULL;
	}
	return resource;
}

void command_store_close(struct command_store *store)
{
	store_close(store->store);
	service_unref(store->service);
}
