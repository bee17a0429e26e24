/*
 * Building the index of a base while its records go by.
 *
 * Ownership: owns its sorters. Threads: one.
 * Errors: JSONSTORE_DAMAGED where two records have one key, JSONSTORE_IO, JSONSTORE_NO_MEMORY.
 * Limits: JS_BUILD_MEMORY, whatever the number of records.
 */
#ifndef JSONSTORE_SRC_INDEX_BUILD_H
#define JSONSTORE_SRC_INDEX_BUILD_H

#include "sorter.h"

enum { JS_BUILD_MEMORY = 64 << 20 };

struct js_builder {
	const struct js_sys *sys;
	const struct js_schema *schema; /* borrowed */
	uint64_t hash_key[2];
	unsigned section_count;
	struct js_sorter sorters[JS_SECTIONS_MAX];
	struct jsonstore_text form;
};

/* Temporary files are made in `folder`. */
void js_builder_init(struct js_builder *builder, const struct js_sys *sys, int folder,
					 const struct js_schema *schema, const uint64_t hash_key[2]);
void js_builder_finish(struct js_builder *builder);
/* A record at its place in the base, with its fields. */
bool js_builder_add(struct js_builder *builder, struct js_span record, uint64_t offset,
					const struct js_fields *fields, struct jsonstore_error *error);
struct js_built {
	int fd; /* read to compare keys whose hashes are the same */
	const char *path;
	struct js_print print;
	const struct js_sums *sums;
};

/* Writes the index of a base to `fd` and syncs it. */
bool js_builder_write(struct js_builder *builder, int fd, const char *path,
					  const struct js_built *base, struct jsonstore_error *error);

#endif
