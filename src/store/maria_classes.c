#include <stdlib.h>

#include "base/alloc.h"
#include "store/maria_priv.h"

/* Each text once. */
struct texts {
	struct map places; /* text -> size_t of the arena */
	struct arena arena;
	struct value *values; /* owned */
	uint64_t *classes;    /* owned */
	size_t count;
};

enum { ARENA_BYTES = 4096 };

static size_t place_of(const struct texts *texts, const struct value *value)
{
	const size_t *place = map_get(&texts->places, value->text);
	return *place;
}

static void add_text(struct texts *texts, const struct value *value)
{
	if (map_get(&texts->places, value->text) == NULL) {
		size_t *place = ARENA_NEW(&texts->arena, size_t);
		*place = texts->count;
		texts->values[texts->count++] = *value;
		map_put(&texts->places, value->text, place);
	}
}

static bool read_classes(struct maria_conn *conn, struct texts *texts, struct error *error)
{
	static const struct field number = {.name = STR_INIT("n"), .type = TYPE_INTEGER};
	static const struct field *const types[] = {&number, &number};
	struct value values[2];
	enum row_step step = ROW_FAILED;
	struct maria_statement *statement = maria_execute(conn, false, error);
	do {
		step = statement == NULL ? ROW_FAILED : maria_fetch(conn, statement, types, values, error);
		if (step == ROW_HERE) {
			texts->classes[values[0].integer] = (uint64_t)values[1].integer;
		}
	} while (step == ROW_HERE);
	maria_rows_end(conn, statement);
	return step == ROW_NONE;
}

bool maria_classes_read(struct maria_conn *conn, const struct resource *resource,
						const struct field *field, const struct value *values, size_t count,
						uint64_t *ret_classes, struct error *error)
{
	struct texts texts = {.count = 0};
	map_init(&texts.places);
	arena_init(&texts.arena, ARENA_BYTES);
	texts.values = alloc_zeroed(count, sizeof(*texts.values));
	texts.classes = alloc_zeroed(count, sizeof(*texts.classes));
	for (size_t i = 0; i < count; i++) {
		add_text(&texts, &values[i]);
	}
	sql_clear(&conn->sql);
	sql_classes(&conn->sql, resource, field, texts.values, texts.count);
	bool ok = read_classes(conn, &texts, error);
	for (size_t i = 0; i < count && ok; i++) {
		ret_classes[i] = texts.classes[place_of(&texts, &values[i])];
	}
	free(texts.values);
	free(texts.classes);
	arena_finish(&texts.arena);
	map_finish(&texts.places);
	return ok;
}
