/* A program that was built without Redis. */
#include <stdlib.h>

#include "cache/redis.h"

struct redis *redis_create(const struct redis_options *options)
{
	(void)options;
	return NULL;
}

void redis_destroy(struct redis *redis)
{
	(void)redis;
}

/* The rest is never called without what redis_create() made. */

struct redis_loop *redis_attach(struct redis *redis, struct loop *loop)
{
	(void)redis;
	(void)loop;
	abort();
}

void redis_detach(struct redis_loop *loop)
{
	(void)loop;
}

void redis_find(struct redis_loop *loop, struct redis_lookup *lookup)
{
	(void)loop;
	(void)lookup;
	abort();
}

void redis_keep(struct redis_loop *loop, struct str key, const struct cached_answer *answer)
{
	(void)loop;
	(void)key;
	(void)answer;
	abort();
}

void redis_get_stats(const struct redis *redis, struct redis_stats *ret_stats)
{
	(void)redis;
	*ret_stats = (struct redis_stats){.hits = 0};
}
