/*
 * A path into a JSON text, as PostgreSQL's -> and ->> take it: keys of objects, positions of arrays
 * (from 0; from the end when negative).
 *
 * Ownership: steps are the caller's; results are borrowed from the JSON text or go to a buffer.
 * Threads: plain functions. Errors: none; what is not there is not found, and neither is anything
 * in a text that is no JSON. Limits: the nesting of the text: JSON_PATH_DEPTH.
 */
#ifndef ROWLOCK_CODEC_JSON_PATH_H
#define ROWLOCK_CODEC_JSON_PATH_H

#include "base/arena.h"
#include "base/buf.h"

enum { JSON_PATH_DEPTH = 512 };

struct json_step {
	bool is_position; /* a number: also the key of an object, when one stands there */
	int64_t position;
	struct str key; /* also of a number: as it was written */
};

struct json_path {
	const struct json_step *steps;
	size_t count;
	bool as_text; /* the last step was ->> */
};

/*
 * Writes what the path leads to: minified JSON, or for `as_text` what ->> gives: the characters of
 * a string, `true`, `5`, minified objects. False, with nothing written, when there is nothing, or,
 * for `as_text`, a JSON null.
 */
bool json_path_write(const struct json_path *path, struct str json, struct buf *buf);

#endif
