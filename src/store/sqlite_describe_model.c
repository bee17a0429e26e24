#include <stdlib.h>

#include "base/alloc.h"
#include "model/yaml.h"
#include "query/compile.h"
#include "store/sqlite_catalog.h"
#include "store/sqlite_describe.h"
#include "store/sqlite_priv.h"

/* NULL when there is none, or it is of another version. */
static struct model *read_model(sqlite3 *db)
{
	struct model *model = NULL;
	struct buf text;
	buf_init(&text, YAML_MAX_BYTES);
	buf_append(&text, STR("service: own\n"));
	if (sqlite_model_read(db, &text)) {
		struct model_report report;
		model_report_init(&report);
		model = model_parse(buf_str(&text), STR("_rl_model"), NULL, &report);
		if (model != NULL && !query_compile(model, &report)) {
			model_destroy(model);
			model = NULL;
		}
		model_report_finish(&report);
	}
	buf_finish(&text);
	return model;
}

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

void describe_model_init(struct describe_model *own, sqlite3 *db, const struct catalog *catalog)
{
	*own = (struct describe_model){.model = read_model(db)};
	if (own->model == NULL) {
		return;
	}
	size_t count = own->model->resource_count;
	own->good = alloc_zeroed(count + 1, sizeof(*own->good));
	for (size_t i = 0; i < count; i++) {
		own->good[i] = sqlite_schema_fits(db, catalog, &own->model->resources[i]);
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
