#include "cache/cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"

#define L __LINE__

enum { KEY_BYTES = 16, THREADS = 4, ROUNDS = 20000 };

static struct str make_key(char text[KEY_BYTES], unsigned number)
{
	int len = snprintf(text, KEY_BYTES, "key %06u", number % 1000000);
	return (struct str){text, (size_t)len};
}

static struct cached_answer make_answer(char *body, size_t bytes, char fill)
{
	memset(body, fill, bytes);
	return (struct cached_answer){
		.status = 206,
		.content_type = STR("text/csv"),
		.fields = STR("ETag: \"1\"\r\n"),
		.body = {body, bytes},
	};
}

static void test_finds_what_was_put(void **state)
{
	(void)state;
	struct cache *cache = cache_create(MIB(1));
	char body[100];
	struct cached_answer answer = make_answer(body, sizeof(body), 'a');
	assert_null(cache_find(cache, STR("k")));
	assert_true(cache_put(cache, STR("k"), &answer));
	memset(body, 'b', sizeof(body)); /* it has a copy */
	const struct cache_entry *entry = cache_find(cache, STR("k"));
	assert_non_null(entry);
	assert_int_equal(entry->answer.status, 206);
	assert_true(str_equal(entry->key, STR("k")));
	assert_true(str_equal(entry->answer.content_type, STR("text/csv")));
	assert_true(str_equal(entry->answer.fields, STR("ETag: \"1\"\r\n")));
	assert_int_equal(entry->answer.body.len, sizeof(body));
	assert_int_equal(entry->answer.body.ptr[99], 'a');
	assert_null(cache_find(cache, STR("K")));
	assert_null(cache_find(cache, STR("k\0")));
	assert_null(cache_find(cache, STR("")));

	/* Another answer under the key: who holds the old one keeps it. */
	assert_true(cache_put(cache, STR("k"), &answer));
	assert_int_equal(entry->answer.body.ptr[99], 'a');
	cache_unref(entry);
	entry = cache_find(cache, STR("k"));
	assert_int_equal(entry->answer.body.ptr[99], 'b');
	cache_unref(entry);

	struct cache_stats stats;
	cache_get_stats(cache, &stats);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.misses, 4);
	assert_int_equal(stats.fills, 2);
	assert_int_equal(stats.evictions, 0);
	assert_int_equal(stats.entries, 1);
	assert_int_equal(stats.bytes, cache_entry_bytes(STR("k"), &answer));
	cache_destroy(cache);
	cache_destroy(NULL);
}

static const struct {
	int line;
	uint64_t max_bytes;
	int64_t over; /* bytes more than the most that an entry may have */
	bool want;
} sizes[] = {
	{L, KIB(64), 0, true},        {L, KIB(64), 1, false}, {L, KIB(64), -1, true},
	{L, MIB(1), 0, true},         {L, MIB(1), 1, false},  {L, MIB(1) + 17, 0, true},
	{L, KIB(64) * 1000, 0, true},
};

static void test_entries_have_a_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct cache *cache = cache_create(sizes[i].max_bytes);
		struct cached_answer none = make_answer((char[1]){0}, 0, 'x');
		size_t most = cache_entry_most(cache);
		size_t bytes = most - cache_entry_bytes(STR("key"), &none) + (size_t)sizes[i].over;
		assert_int_equal(most, sizes[i].max_bytes / CACHE_ENTRY_SHARE);
		char *body = alloc_bytes(bytes);
		struct cached_answer answer = make_answer(body, bytes, 'x');
		bool put = cache_put(cache, STR("key"), &answer);
		const struct cache_entry *entry = cache_find(cache, STR("key"));
		if (put != sizes[i].want || (entry != NULL) != sizes[i].want) {
			fail_msg("line %d: %d", sizes[i].line, put);
		}
		if (entry != NULL) {
			cache_unref(entry);
		}
		free(body);
		cache_destroy(cache);
	}
}

/* However much is put, the bytes keep their limit; what is used stays. */
static void test_the_oldest_go(void **state)
{
	(void)state;
	enum { PUTS = 5000 };
	uint64_t max_bytes = KIB(256);
	struct cache *cache = cache_create(max_bytes);
	char key[KEY_BYTES];
	char body[300];
	struct cached_answer answer = make_answer(body, sizeof(body), 'x');
	struct cache_stats stats;
	assert_true(cache_put(cache, STR("used"), &answer));
	for (unsigned i = 0; i < PUTS; i++) {
		assert_true(cache_put(cache, make_key(key, i), &answer));
		const struct cache_entry *entry = cache_find(cache, STR("used"));
		assert_non_null(entry);
		cache_unref(entry);
		cache_get_stats(cache, &stats);
		assert_true(stats.bytes <= max_bytes);
	}
	assert_int_equal(stats.fills, PUTS + 1);
	assert_int_equal(stats.evictions, PUTS + 1 - stats.entries);
	assert_true(stats.bytes > max_bytes / 2);
	assert_null(cache_find(cache, make_key(key, 0)));
	const struct cache_entry *last = cache_find(cache, make_key(key, PUTS - 1));
	assert_non_null(last);
	cache_unref(last);
	cache_destroy(cache);
}

/* An entry is sent while it is evicted. */
static void test_evicted_while_held(void **state)
{
	(void)state;
	struct cache *cache = cache_create(KIB(64));
	char key[KEY_BYTES];
	char body[2000];
	struct cached_answer answer = make_answer(body, sizeof(body), 'h');
	assert_true(cache_put(cache, STR("held"), &answer));
	const struct cache_entry *held = cache_find(cache, STR("held"));
	answer = make_answer(body, sizeof(body), 'n');
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(cache_put(cache, make_key(key, i), &answer));
	}
	assert_null(cache_find(cache, STR("held")));
	assert_int_equal(held->answer.body.len, sizeof(body));
	assert_int_equal(held->answer.body.ptr[sizeof(body) - 1], 'h');
	cache_unref(held);
	cache_destroy(cache);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct cache *cache;
	unsigned number;
	uint64_t hits;
};

/* What is found under a key was put under it: its body is the key's number, over and over. */
static void *run_worker(void *context)
{
	struct worker *worker = context;
	uint32_t random = worker->number + 1;
	char key[KEY_BYTES];
	char body[200];
	for (unsigned i = 0; i < ROUNDS; i++) {
		random = random * 1664525 + 1013904223;
		unsigned number = random >> 16 & 0x3ff;
		const struct cache_entry *entry = cache_find(worker->cache, make_key(key, number));
		if (entry == NULL) {
			struct cached_answer answer = make_answer(body, number % sizeof(body),
													  (char)(number & 0x7f));
			if (!cache_put(worker->cache, make_key(key, number), &answer)) {
				abort();
			}
			continue;
		}
		worker->hits++;
		struct str kept = entry->answer.body;
		if (!str_equal(entry->key, make_key(key, number)) || kept.len != number % sizeof(body) ||
			(kept.len > 0 && kept.ptr[kept.len - 1] != (char)(number & 0x7f))) {
			abort();
		}
		cache_unref(entry);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct worker workers[THREADS];
	struct cache *cache = cache_create(KIB(128));
	uint64_t hits = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.cache = cache, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		hits += workers[i].hits;
	}
	struct cache_stats stats;
	cache_get_stats(cache, &stats);
	assert_int_equal(stats.hits, hits);
	assert_int_equal(stats.hits + stats.misses, THREADS * ROUNDS);
	assert_true(stats.evictions > 0);
	assert_true(stats.bytes <= KIB(128));
	cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_was_put),
		cmocka_unit_test(test_entries_have_a_limit),
		cmocka_unit_test(test_the_oldest_go),
		cmocka_unit_test(test_evicted_while_held),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
