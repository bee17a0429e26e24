/*
 * The service file of a database that exists: every table, view and virtual table as a resource.
 * What a service file cannot say (a name, a foreign key to nothing) is left out and named in a
 * comment; a word `database` stands for what the database says in words of its own.
 *
 * Ownership: catalog and options are borrowed; the text is the caller's buffer.
 * Threads: plain functions. Errors: ERROR_CONFIG when the buffer is too small.
 * Limits: the buffer's maximum; names of 63 bytes.
 */
#ifndef ROWLOCK_STORE_DESCRIBE_H
#define ROWLOCK_STORE_DESCRIBE_H

#include "store/catalog.h"
#include "store/store.h"

/* The resources of a model that a database keeps of itself, whose tables are still as they were
 * made. */
struct describe_model {
	struct model *model; /* owned; NULL: the database says nothing */
	bool *good;          /* owned: by the resource's number */
};

/* Appends the file to `yaml`. */
bool describe_write(const struct catalog *catalog, const struct describe_model *own,
					const struct describe_options *options, struct buf *yaml, struct error *error);

/* ---- describe_model.c: what our own databases say of their resources ---- */

typedef bool describe_fits_call(void *context, const struct resource *resource);

/* Takes the model, which may be NULL; `fits` says whether a resource's table is as it was made. */
void describe_model_init(struct describe_model *own, struct model *model, describe_fits_call *fits,
						 void *context);
void describe_model_finish(struct describe_model *own);
/* NULL: the table's own schema says what it is. */
const struct resource *describe_model_find(const struct describe_model *own, struct str table);

/* ---- describe_text.c: names ---- */

/* Can a resource, field or rule have this name? */
bool describe_is_name(struct str name);
/* A service's name made of a store's URL: `sqlite:data/My Music.db` is my_music. */
void describe_service(struct buf *yaml, struct str url);

#endif
