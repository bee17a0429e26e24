#include "api/links.h"

#include <stdlib.h>

#include "api/api_priv.h"
#include "link/peer.h"

struct peers *api_peers(struct api_loop *loop)
{
	if (loop->peers == NULL) {
		const char *key = getenv("LINK_KEY");
		loop->peers = peers_create(loop->loop, key != NULL ? str_from(key) : STR(""));
	}
	return loop->peers;
}
void links_ring(struct api *api)
{
	(void)api;
}
