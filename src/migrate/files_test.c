#include "migrate/files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"

#define L __LINE__
#define NAME80 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Files of a folder, `NAME=TEXT` parted by spaces, and what is read of them. */
static const struct files_row {
	int line;
	const char *files;
	const char *want;
} files_rows[] = {
	{L, "", ""},
	{L, "0001_a.up.sql=x", "1 a x ;"},
	{L, "0001_a.up.sql=x 0001_a.down.sql=y", "1 a x y;"},
	{L, "0002_b_2.up.sql=z 0001_a.up.sql=x", "1 a x ;2 b_2 z ;"},
	{L, "0001_a.up.sql= notes.txt=x README=y", "1 a  ;"},
	{L, "0001_" NAME80 ".up.sql=x", "1 " NAME80 " x ;"},
	{L, "0001_" NAME80 "a.up.sql=x", "/0001_" NAME80 "a.up.sql is no migration by its name"},
	{L, "0001_a.sql=x", "/0001_a.sql is no migration by its name"},
	{L, "001_a.up.sql=x", "/001_a.up.sql is no migration by its name"},
	{L, "00001_a.up.sql=x", "/00001_a.up.sql is no migration by its name"},
	{L, "0000_a.up.sql=x", "/0000_a.up.sql is no migration by its name"},
	{L, "000x_a.up.sql=x", "/000x_a.up.sql is no migration by its name"},
	{L, "0001_.up.sql=x", "/0001_.up.sql is no migration by its name"},
	{L, "0001_A.up.sql=x", "/0001_A.up.sql is no migration by its name"},
	{L, "0001-a.up.sql=x", "/0001-a.up.sql is no migration by its name"},
	{L, "x.down.sql=x", "/x.down.sql is no migration by its name"},
	{L, "0002_a.up.sql=x", " has no migration 0001"},
	{L, "0001_a.up.sql=x 0003_a.up.sql=x", " has no migration 0002"},
	{L, "0001_a.down.sql=x", " has no migration 0001"},
	{L, "0001_a.up.sql=x 0001_a.down.sql=x 0002_b.down.sql=x", " has no migration 0002"},
};

struct bed {
	struct arena arena;
	char folder[64];
};

static void make_file(const struct bed *bed, struct str name, struct str text)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%.*s", bed->folder, STR_ARG(name));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.ptr, text.len), text.len);
	close(fd);
}

static void remove_file(const struct bed *bed, struct str name)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%.*s", bed->folder, STR_ARG(name));
	assert_int_equal(unlink(path), 0);
}

static void each_file(const struct bed *bed, const char *files, bool make)
{
	struct str rest = str_from(files);
	while (rest.len > 0) {
		struct str text = str_split(&rest, ' ');
		struct str name = str_split(&text, '=');
		if (make) {
			make_file(bed, name, text);
		} else {
			remove_file(bed, name);
		}
	}
}

static void run_row(struct bed *bed, const struct files_row *row)
{
	struct store_migration *items = NULL;
	size_t count = 0;
	struct error error = {0};
	struct buf got;
	buf_init(&got, SIZE_MAX);
	each_file(bed, row->files, true);
	if (migrate_read(str_from(bed->folder), &bed->arena, &items, &count, &error)) {
		for (size_t i = 0; i < count; i++) {
			buf_printf(&got, "%d %.*s %.*s %.*s;", (int)items[i].number, STR_ARG(items[i].name),
					   STR_ARG(items[i].up), STR_ARG(items[i].down));
		}
	} else {
		buf_append(&got, str_from(error.message + strlen(bed->folder)));
	}
	if (!str_equal(buf_str(&got), str_from(row->want))) {
		fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&got)));
	}
	each_file(bed, row->files, false);
	buf_finish(&got);
}

static void begin(struct bed *bed)
{
	arena_init(&bed->arena, 65536);
	(void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/rowlock-migrate-XXXXXX");
	assert_non_null(mkdtemp(bed->folder));
}

static void test_read(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	for (size_t i = 0; i < sizeof(files_rows) / sizeof(files_rows[0]); i++) {
		run_row(&bed, &files_rows[i]);
	}
	assert_int_equal(rmdir(bed.folder), 0);
	const struct files_row gone = {L, "", ""};
	run_row(&bed, &gone);
	arena_finish(&bed.arena);
}

static void test_what_cannot_be_read(void **state)
{
	(void)state;
	struct bed bed;
	struct store_migration *items;
	size_t count;
	struct error error;
	char path[128];
	begin(&bed);
	(void)snprintf(path, sizeof(path), "%s/0001_a.up.sql", bed.folder);
	make_file(&bed, STR("0001_a.up.sql"), (struct str){"a\0b", 3});
	assert_false(migrate_read(str_from(bed.folder), &bed.arena, &items, &count, &error));
	assert_non_null(strstr(error.message, "holds a NUL"));
	/* 16 MiB, and a byte more */
	assert_int_equal(truncate(path, 0), 0);
	char *big = alloc_zeroed(1, MIGRATION_BYTES + 1);
	memset(big, ' ', MIGRATION_BYTES + 1);
	make_file(&bed, STR("0001_a.up.sql"), (struct str){big, MIGRATION_BYTES});
	assert_true(migrate_read(str_from(bed.folder), &bed.arena, &items, &count, &error));
	make_file(&bed, STR("0001_a.up.sql"), (struct str){big, MIGRATION_BYTES + 1});
	assert_false(migrate_read(str_from(bed.folder), &bed.arena, &items, &count, &error));
	assert_non_null(strstr(error.message, "16 MiB"));
	free(big);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(migrate_read(str_from(bed.folder), &bed.arena, &items, &count, &error));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(bed.folder), 0);
	arena_finish(&bed.arena);
}

static void test_write(void **state)
{
	(void)state;
	struct bed bed;
	struct store_migration *items;
	size_t count;
	struct error error;
	const struct store_migration migration = {
		.number = 1, .name = STR("a_1"), .up = STR("up;\n"), .down = STR("down;\n")};
	begin(&bed);
	struct str folder = migrate_folder(arena_printf(&bed.arena, "%s/s.yaml", bed.folder), "sqlite",
									   &bed.arena);
	assert_true(migrate_write(folder, &migration, &bed.arena, &error));
	assert_true(migrate_read(folder, &bed.arena, &items, &count, &error));
	assert_int_equal(count, 1);
	assert_true(str_equal(items[0].name, migration.name));
	assert_true(str_equal(items[0].up, migration.up));
	assert_true(str_equal(items[0].down, migration.down));
	/* What is there stays as it is. */
	assert_false(migrate_write(folder, &migration, &bed.arena, &error));
	assert_non_null(strstr(error.message, "0001_a_1.down.sql"));
	remove_file(&bed, STR("migrations/sqlite/0001_a_1.up.sql"));
	remove_file(&bed, STR("migrations/sqlite/0001_a_1.down.sql"));
	assert_int_equal(rmdir(folder.ptr), 0);
	assert_int_equal(rmdir(arena_printf(&bed.arena, "%s/migrations", bed.folder).ptr), 0);
	assert_int_equal(rmdir(bed.folder), 0);
	struct str plain = migrate_folder(STR("s.yaml"), "mariadb", &bed.arena);
	assert_true(str_equal(plain, STR("migrations/mariadb")));
	arena_finish(&bed.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
