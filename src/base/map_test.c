#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Of the vectors that the authors of SipHash publish: key 00..0f, message 00, 01, … */
static void test_siphash_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a},
		{3, 0x85676696d7fb7e2d},  {7, 0xab0200f58b01d137}, {8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
	};
	static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	unsigned char message[16];
	(void)state;
	for (size_t i = 0; i < sizeof(message); i++) {
		message[i] = (unsigned char)i;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(siphash(key, message, rows[i].len), rows[i].want);
	}
}

enum { KEYS = 700 };

struct model {
	char names[KEYS][16];
	int numbers[KEYS];
	bool there[KEYS];
	unsigned order[KEYS]; /* when it was put */
};

static struct str name_of(const struct model *model, size_t i)
{
	return str_from(model->names[i]);
}

/* The map holds what the model says, in the order in which it was put. */
static void assert_same(const struct map *map, const struct model *model)
{
	size_t count = 0;
	for (size_t i = 0; i < KEYS; i++) {
		void *want = model->there[i] ? (void *)(uintptr_t)&model->numbers[i] : NULL;
		assert_ptr_equal(map_get(map, name_of(model, i)), want);
		count += model->there[i];
	}
	assert_int_equal(map->count, count);
	unsigned last = 0;
	const struct map_entry *entry;
	for (size_t i = 0; (entry = map_next(map, &i)) != NULL; count--) {
		size_t key = (size_t)((int *)entry->value - model->numbers);
		assert_true(model->there[key]);
		assert_true(str_equal(entry->key, name_of(model, key)));
		assert_true(model->order[key] > last);
		last = model->order[key];
	}
	assert_int_equal(count, 0);
}

static void test_against_a_model(void **state)
{
	static struct model model;
	struct map map;
	uint32_t random = 12345;
	unsigned now = 0;
	(void)state;
	map_init(&map);
	for (size_t i = 0; i < KEYS; i++) {
		(void)snprintf(model.names[i], sizeof(model.names[i]), "%zu", i);
	}
	for (int step = 0; step < 20000; step++) {
		random = random * 1664525 + 1013904223;
		/* Few keys at first, so that the map without a table is met in every state. */
		size_t key = (random >> 8) % (step < 2000 ? 12 : KEYS);
		bool put = (random >> 28) < (step / 4000 % 2 == 0 ? 10u : 4u);
		void *before = model.there[key] ? (void *)(uintptr_t)&model.numbers[key] : NULL;
		if (put) {
			assert_ptr_equal(map_put(&map, name_of(&model, key), &model.numbers[key]), before);
			model.order[key] = model.there[key] ? model.order[key] : ++now;
		} else {
			assert_ptr_equal(map_remove(&map, name_of(&model, key)), before);
		}
		model.there[key] = put;
		if (step < 2000 || step % 500 == 0) {
			assert_same(&map, &model);
		}
	}
	assert_same(&map, &model);
	map_finish(&map);
	map_finish(&map);
	map_finish(NULL);
}

static void test_odd_keys(void **state)
{
	int a;
	int b;
	struct map map;
	(void)state;
	map_init(&map);
	assert_null(map_get(&map, STR("")));
	assert_null(map_remove(&map, STR("")));
	assert_null(map_put(&map, (struct str){NULL, 0}, &a));
	assert_ptr_equal(map_get(&map, STR("")), &a);
	assert_ptr_equal(map_put(&map, STR(""), &b), &a);
	assert_null(map_put(&map, STR("a\0b"), &a));
	assert_null(map_get(&map, STR("a")));
	assert_null(map_get(&map, STR("a\0c")));
	assert_ptr_equal(map_get(&map, STR("a\0b")), &a);
	size_t position = 0;
	assert_ptr_equal(map_next(&map, &position)->value, &b);
	map_finish(&map);
}

/* Coming and going must not make the map grow. */
static void test_tombstones_are_swept(void **state)
{
	char name[16];
	int value;
	struct map map;
	(void)state;
	map_init(&map);
	for (int i = 0; i < 100000; i++) {
		int len = snprintf(name, sizeof(name), "%d", i);
		struct str key = {name, (size_t)len};
		assert_null(map_put(&map, key, &value));
		assert_ptr_equal(map_remove(&map, key), &value);
	}
	assert_int_equal(map.count, 0);
	assert_true(map.capacity <= 32);
	map_finish(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vectors),
		cmocka_unit_test(test_against_a_model),
		cmocka_unit_test(test_odd_keys),
		cmocka_unit_test(test_tombstones_are_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
