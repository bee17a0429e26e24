/*
 * What the fuzzer that compares stores (diff_fuzz.c) sends: rows to begin with, and requests that
 * bytes choose (diff_fuzz_make.c). A request is a text, so that one that fails can be read, changed
 * and run again:
 *
 *   ACTION[FLAGS] RESOURCE[/KEY][?QUERY]
 *   BODY
 *
 * Ownership: texts are written to the caller's buffers. Threads: one. Errors: none; a model that
 * does not hold ends the program. Limits: the buffers' maxima.
 */
#ifndef ROWLOCK_STORE_DIFF_FUZZ_H
#define ROWLOCK_STORE_DIFF_FUZZ_H

#include "base/buf.h"
#include "model/model.h"

/* Fields of every type and relations of every shape: to itself, two to one resource, by several
 * fields, by a unique rule, one to one, through a junction; and a tally. */
extern const char diff_service[];

/* Writes the rows of a resource as JSON, in which few values meet often. */
void diff_write_rows(const struct model *model, const struct resource *resource, struct buf *json);
/* Writes the request that the bytes choose; the same for the same bytes. */
void diff_write_request(const struct model *model, const uint8_t *data, size_t size,
						struct buf *request);

#endif
