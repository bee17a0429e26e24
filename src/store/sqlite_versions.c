#include "store/sqlite_versions.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "query/cond.h"
#include "store/read_tables.h"

enum { STRIPES = 4096, NAMED_MAX = 64 };

struct sqlite_table_version {
	struct str name; /* owned: behind the struct */
	struct version whole;
	struct version bulk;
	struct version *stripes; /* owned; NULL: none are kept */
	int key_column;          /* number of the first key field's column */
	struct sqlite_table_version *next;
	sqlite_watch *watch; /* NULL: nobody is told */
	void *watch_context;

	/* The writer's, since the last commit. */
	bool touched;
	struct sqlite_table_version *next_touched;
	bool many; /* more than can be named */
	size_t named_count;
	uint16_t named[NAMED_MAX];
};

/* ---- stripes ---- */

static uint16_t stripe_of(const struct sqlite_versions *versions, const void *bytes, size_t len)
{
	return (uint16_t)(siphash(versions->seed, bytes, len) % STRIPES);
}

static uint16_t stripe_of_value(const struct sqlite_versions *versions, const struct value *value)
{
	return value->kind == VALUE_TEXT ? stripe_of(versions, value->text.ptr, value->text.len)
									 : stripe_of(versions, &value->integer, sizeof(value->integer));
}

/* The same for a stored value; false when it is of no kind that a key of ours has. */
static bool stripe_of_stored(const struct sqlite_versions *versions, sqlite3_value *stored,
							 uint16_t *ret_stripe)
{
	int64_t integer = sqlite3_value_int64(stored);
	switch (sqlite3_value_type(stored)) {
	case SQLITE_INTEGER:
		*ret_stripe = stripe_of(versions, &integer, sizeof(integer));
		return true;
	case SQLITE_TEXT: {
		const void *text = sqlite3_value_text(stored);
		*ret_stripe = stripe_of(versions, text, (size_t)sqlite3_value_bytes(stored));
		return true;
	}
	default:
		return false;
	}
}

/* ---- writes ---- */

static void name_stripe(struct sqlite_table_version *table, uint16_t stripe)
{
	for (size_t i = 0; i < table->named_count; i++) {
		if (table->named[i] == stripe) {
			return;
		}
	}
	if (table->named_count == NAMED_MAX) {
		table->many = true;
	} else {
		table->named[table->named_count++] = stripe;
	}
}

typedef int get_value(sqlite3 *db, int column, sqlite3_value **ret_value);

static void touch_row(struct sqlite_versions *versions, struct sqlite_table_version *table,
					  get_value *get)
{
	sqlite3_value *stored;
	uint16_t stripe;
	if (table->stripes == NULL || table->many) {
		return;
	}
	if (get(versions->db, table->key_column, &stored) == SQLITE_OK &&
		stripe_of_stored(versions, stored, &stripe)) {
		name_stripe(table, stripe);
	} else {
		table->many = true;
	}
}

static void on_change(void *context, sqlite3 *db, int change, const char *database,
					  const char *name, sqlite3_int64 before, sqlite3_int64 after)
{
	(void)database;
	struct sqlite_versions *versions = context;
	struct sqlite_table_version *table = versions->last;
	versions->touched = true;
	if (table == NULL || !str_equal(table->name, str_from(name))) {
		table = map_get(&versions->tables, str_from(name));
		if (table == NULL) {
			return;
		}
		versions->last = table;
	}
	/* A trigger's own changes have a greater depth; what FTS5 writes is in no table of ours. */
	versions->inserted += change == SQLITE_INSERT && sqlite3_preupdate_depth(db) == 0;
	if (table->watch != NULL) {
		table->watch(table->watch_context, db, change, before, after);
	}
	if (!table->touched) {
		table->touched = true;
		table->next_touched = versions->touched_tables;
		versions->touched_tables = table;
	}
	if (change != SQLITE_INSERT) {
		touch_row(versions, table, sqlite3_preupdate_old);
	}
	if (change != SQLITE_DELETE) {
		touch_row(versions, table, sqlite3_preupdate_new);
	}
}

static void each_touched(struct sqlite_versions *versions, void (*move)(struct version *version))
{
	if (!versions->touched) {
		return;
	}
	move(&versions->any);
	for (struct sqlite_table_version *table = versions->touched_tables; table != NULL;
		 table = table->next_touched) {
		move(&table->whole);
		if (table->many || table->stripes == NULL) {
			move(&table->bulk);
			continue;
		}
		for (size_t i = 0; i < table->named_count; i++) {
			move(&table->stripes[table->named[i]]);
		}
	}
}

void sqlite_versions_begin(struct sqlite_versions *versions)
{
	each_touched(versions, version_begin);
}

void sqlite_versions_end(struct sqlite_versions *versions)
{
	each_touched(versions, version_end);
	for (struct sqlite_table_version *table = versions->touched_tables; table != NULL;
		 table = table->next_touched) {
		table->touched = false;
		table->many = false;
		table->named_count = 0;
	}
	versions->touched_tables = NULL;
	versions->touched = false;
}

/* ---- reads ---- */

struct reading {
	const struct sqlite_versions *versions;
	uint64_t hash;
	bool settled;
};

static void add_version(struct reading *reading, const struct version *version)
{
	uint64_t n = version_load(version);
	uint64_t parts[2] = {reading->hash, n};
	reading->settled = reading->settled && version_settled(n);
	reading->hash = siphash(reading->versions->seed, parts, sizeof(parts));
}

static void add_table(void *context, const struct resource *resource, const struct cond *where)
{
	struct reading *reading = context;
	const struct sqlite_versions *versions = reading->versions;
	struct sqlite_table_version *table = map_get(&versions->tables, resource->name);
	if (table == NULL) {
		add_version(reading, &versions->any);
		return;
	}
	const struct value *key = table->stripes != NULL && resource->key.count > 0
		? cond_pinned(where, resource->key.items[0])
		: NULL;
	if (key == NULL) {
		add_version(reading, &table->whole);
		return;
	}
	add_version(reading, &table->bulk);
	add_version(reading, &table->stripes[stripe_of_value(versions, key)]);
}

bool sqlite_versions_of(const struct sqlite_versions *versions, const struct query *query,
						uint64_t *ret_version)
{
	struct reading reading = {.versions = versions, .hash = versions->start, .settled = true};
	read_tables_each(query, add_table, &reading);
	*ret_version = reading.hash;
	return reading.settled;
}

/* ---- life ---- */

/* Is a value of this column stored in one way only, and equal to no other? In a strict table
 * integers and texts are; a number may come as the integer that it is. */
static bool is_exact(sqlite3 *db, const char *table, const char *column)
{
	const char *type = NULL;
	const char *collation = NULL;
	if (column == NULL ||
		sqlite3_table_column_metadata(db, "main", table, column, &type, &collation, NULL, NULL,
									  NULL) != SQLITE_OK) {
		return false;
	}
	bool integer = str_equal_nocase(str_from(type), STR("INTEGER")) ||
		str_equal_nocase(str_from(type), STR("INT"));
	return integer ||
		(str_equal_nocase(str_from(type), STR("TEXT")) &&
		 str_equal_nocase(str_from(collation), STR("BINARY")));
}

/* `exact`: stripes can be told. */
static void add_table_version(struct sqlite_versions *versions, struct str name, bool exact,
							  int key_column)
{
	struct sqlite_table_version *table = alloc_zeroed(1, sizeof(*table) + name.len);
	char *copy = (char *)(table + 1);
	memcpy(copy, name.ptr, name.len);
	table->name = (struct str){copy, name.len};
	table->key_column = key_column;
	if (exact) {
		table->stripes = alloc_zeroed(STRIPES, sizeof(*table->stripes));
	}
	table->next = versions->first;
	versions->first = table;
	map_put(&versions->tables, table->name, table);
}

void sqlite_versions_init(struct sqlite_versions *versions, sqlite3 *db)
{
	static const char text[] =
		"SELECT l.name, l.strict AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(l.name)"
		" WHERE hidden<>0), i.cid, i.name FROM pragma_table_list AS l"
		" LEFT JOIN pragma_table_info(l.name) AS i ON i.pk=1"
		" WHERE l.schema='main' AND l.type='table'";
	*versions = (struct sqlite_versions){.db = db};
	map_init(&versions->tables);
	random_bytes(versions->seed, sizeof(versions->seed));
	random_bytes(&versions->start, sizeof(versions->start));
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK) {
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *name = (const char *)sqlite3_column_text(stmt, 0);
			bool exact = sqlite3_column_int(stmt, 1) != 0 &&
				is_exact(db, name, (const char *)sqlite3_column_text(stmt, 3));
			add_table_version(versions, str_from(name), exact, sqlite3_column_int(stmt, 2));
		}
	}
	/* A table that is not found depends on everything. Columns that are computed move the others to
	 * places that the hook does not tell. */
	sqlite3_finalize(stmt);
	sqlite3_preupdate_hook(db, on_change, versions);
}

void sqlite_versions_watch(struct sqlite_versions *versions, struct str table, sqlite_watch *watch,
						   void *context)
{
	struct sqlite_table_version *found = map_get(&versions->tables, table);
	assert(found != NULL && found->watch == NULL);
	found->watch = watch;
	found->watch_context = context;
}

void sqlite_versions_finish(struct sqlite_versions *versions)
{
	while (versions->first != NULL) {
		struct sqlite_table_version *table = versions->first;
		versions->first = table->next;
		free(table->stripes);
		free(table);
	}
	map_finish(&versions->tables);
}
