/*
 * Files of the page /docs that are built into the program, compressed: Swagger UI, when the build
 * had it (option docs_ui), else none.
 *
 * Ownership: constant. Threads: all. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_ASSETS_H
#define ROWLOCK_API_ASSETS_H

#include "base/buf.h"

struct asset {
	struct str name; /* below /docs/ */
	struct str content_type;
	struct str gzip;
	struct str tag; /* of its content: hexadecimal digits */
};

extern const struct asset assets[];
extern const size_t asset_count; /* 0 without Swagger UI */

/* NULL when there is none of that name. */
const struct asset *asset_find(struct str name);
/* Appends the file as it was before it was compressed. */
void asset_inflate(const struct asset *asset, struct buf *text);

#endif
