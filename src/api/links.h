/* Stands for the one of another branch. */
#ifndef ROWLOCK_API_LINKS_H
#define ROWLOCK_API_LINKS_H

#include "api/call.h"

void links_ring(struct api *api);

#endif
