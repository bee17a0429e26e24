#include "model/load_priv.h"

static void read_file(struct load *load, const struct node *node, void *target)
{
	struct load_file *file = target;
	struct text path;

	if (!load_text(load, node, "`file`", &path)) {
		return;
	}
	file->file = str_equal(path.str, STR("off")) ? STR("") : path.str;
	if (file->file.len > 0 && path.str.ptr[0] != '/' && !yaml_from_environment(node, 0)) {
		file->file = arena_printf(load->arena, "%.*s%.*s", STR_ARG(load->folder),
								  STR_ARG(path.str));
	}
}

static void read_mode(struct load *load, const struct node *node, void *target)
{
	static const struct {
		struct str word;
		enum load_mode mode;
	} modes[] = {
		{STR_INIT("once"), LOAD_ONCE},
		{STR_INIT("add"), LOAD_ADD},
		{STR_INIT("replace"), LOAD_REPLACE},
	};
	struct load_file *file = target;
	struct text word;

	if (!load_text(load, node, "`mode`", &word)) {
		return;
	}
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (str_equal(word.str, modes[i].word)) {
			file->mode = modes[i].mode;
			return;
		}
	}
	model_report_add(load->report, node->place, NULL,
					 "`mode` is once, add or replace, not \"%.*s\"", STR_ARG(word.str));
}

void load_load(struct load *load, const struct draft *draft)
{
	static const struct word words[] = {{"file", read_file}, {"mode", read_mode}};
	const struct node *node = draft->load;
	struct resource *resource = draft->resource;
	struct load_file *file = &resource->load;

	if (node == NULL || draft->tally != NULL) {
		return;
	}
	file->mode = LOAD_ONCE;
	if (node->kind == NODE_SCALAR) {
		read_file(load, node, file);
	} else if (LOAD_WORDS(load, node, words, "`load`", file) && file->file.ptr == NULL) {
		model_report_add(load->report, node->key.place, "load: { file: people.csv, mode: replace }",
						 "`load` names no file");
	}
	if (resource->read_only || draft->keyless) {
		model_report_add(load->report, node->key.place, NULL,
						 "`load`: the rows of \"%.*s\" cannot be written", STR_ARG(resource->name));
	}
}
