#include "store/describe.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Are all resources that it stands on good? */
static bool stands(const struct describe_model *own, const struct resource *resource)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		if (!own->good[resource->references[i].target->number]) {
			return false;
		}
	}
	return resource->tally_of == NULL || own->good[resource->tally_of->number];
}

void describe_model_init(struct describe_model *own, struct model *model, describe_fits_call *fits,
						 void *context)
{
	*own = (struct describe_model){.model = model};
	if (own->model == NULL) {
		return;
	}
	size_t count = own->model->resource_count;
	own->good = alloc_zeroed(count + 1, sizeof(*own->good));
	for (size_t i = 0; i < count; i++) {
		own->good[i] = fits(context, &own->model->resources[i]);
	}
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < count; i++) {
			if (own->good[i] && !stands(own, &own->model->resources[i])) {
				own->good[i] = false;
				changed = true;
			}
		}
	}
}

void describe_model_finish(struct describe_model *own)
{
	free(own->good);
	model_destroy(own->model);
}

const struct resource *describe_model_find(const struct describe_model *own, struct str table)
{
	const struct resource *resource = own->model != NULL ? model_resource(own->model, table) : NULL;
	return resource != NULL && own->good[resource->number] ? resource : NULL;
}
