/*
 * Where a gateway has put a service: below a path of folders, /shop/orders. When the last folder is
 * also the first part of one of the service's own paths, it is there once: /shop/orders/5, not
 * /shop/orders/orders/5, which is understood as well.
 *
 * Ownership: texts are borrowed. Threads: immutable. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_MOUNT_H
#define ROWLOCK_API_MOUNT_H

#include "base/buf.h"

struct mount {
	struct str path;   /* percent-encoded, without a slash at its end; "" is the root */
	struct str parent; /* the path without its last folder */
};

void mount_init(struct mount *mount, struct str path);
/* Is the gateway's path one of this service's? */
bool mount_holds(const struct mount *mount, struct str path);
/* What the service may call a path that it holds, the likeliest first; 1 or 2. */
size_t mount_inside(const struct mount *mount, struct str path, struct str ret_paths[2]);
/* Appends the gateway's path of one of the service's own. NULL: there is no gateway. */
void mount_write(const struct mount *mount, struct str path, struct buf *text);

#endif
