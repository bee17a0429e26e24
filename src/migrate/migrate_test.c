/* What the commands say of a database, which a fake stands for: its every call may fail. */
#include "migrate/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "migrate/files.h"

#define L __LINE__

struct fake {
	struct store_migrator base;
	const struct store_migration *applied;
	size_t applied_count;
	struct str up; /* what differs */
	int calls;
	int fail_at;      /* the call that fails, from 1; 0: none */
	size_t statement; /* that is to blame; SIZE_MAX: none */
	struct str kept;
};

static bool call(struct store_migrator *migrator, struct error *error)
{
	struct fake *fake = (struct fake *)migrator;
	return ++fake->calls != fake->fail_at || error_set(error, ERROR_STORE, "it failed");
}

static bool history(struct store_migrator *migrator, struct arena *arena,
					struct store_migration **ret_items, size_t *ret_count, struct error *error)
{
	const struct fake *fake = (struct fake *)migrator;
	*ret_items = ARENA_ARRAY(arena, fake->applied_count, struct store_migration);
	*ret_count = fake->applied_count;
	for (size_t i = 0; i < fake->applied_count; i++) {
		(*ret_items)[i] = fake->applied[i];
	}
	return call(migrator, error);
}

static bool differ(struct store_migrator *migrator, const struct model *model, struct buf *ret_up,
				   struct buf *ret_down, struct error *error)
{
	(void)model;
	buf_append(ret_up, ((struct fake *)migrator)->up);
	buf_append(ret_down, STR("back;\n"));
	return call(migrator, error);
}

static bool fail_statement(struct store_migrator *migrator, struct store_failure *failure,
						   struct error *error)
{
	const struct fake *fake = (struct fake *)migrator;
	if (call(migrator, error)) {
		return true;
	}
	failure->at = fake->statement;
	failure->kept = fake->kept;
	return false;
}

static bool apply(struct store_migrator *migrator, const struct store_migration *migration,
				  const struct model *model, struct store_failure *failure, struct error *error)
{
	(void)migration;
	(void)model;
	return fail_statement(migrator, failure, error);
}

static bool adopt(struct store_migrator *migrator, const struct store_migration *items,
				  size_t count, const struct model *model, struct error *error)
{
	(void)items;
	(void)count;
	(void)model;
	return call(migrator, error);
}

static bool undo(struct store_migrator *migrator, const struct store_migration *migration,
				 struct store_failure *failure, struct error *error)
{
	(void)migration;
	return fail_statement(migrator, failure, error);
}

static const struct store_migrator_ops fake_ops = {
	.dialect = "fake",
	.history = history,
	.differ = differ,
	.apply = apply,
	.adopt = adopt,
	.undo = undo,
};

#define FIRST                                                                                      \
	{                                                                                              \
		.number = 1, .name = STR_INIT("a"), .up = STR_INIT("one;\n\ntwo;\n"),                      \
		.down = STR_INIT("back;\n"), .applied_at = STR_INIT("then"), .state = STR_INIT("applied")  \
	}
static const struct store_migration whole[] = {FIRST};
static const struct store_migration halved[] = {{
	.number = 1,
	.name = STR_INIT("a"),
	.up = STR_INIT("one;\n\ntwo;\n"),
	.state = STR_INIT("1 of 2 statements"),
}};
static const struct store_migration without_way[] = {{
	.number = 1,
	.name = STR_INIT("a"),
	.up = STR_INIT("one;\n\ntwo;\n"),
	.state = STR_INIT("applied"),
}};
static const struct store_migration half_undone[] = {{
	.number = 1,
	.name = STR_INIT("a"),
	.up = STR_INIT("one;\n\ntwo;\n"),
	.down = STR_INIT("back;\n"),
	.state = STR_INIT("1 of 2 statements"),
	.undoing = true,
}};

/* The folder has one migration, 0001_a. */
static const struct migrate_row {
	int line;
	const char *command;
	const struct store_migration *applied;
	const char *differs;
	int fail_at;
	size_t statement;
	const char *kept;
	const char *want; /* what is told, then `! ERROR | DETAILS | HINT` */
} migrate_rows[] = {
	{L, "status", NULL, "x;", 0, 0, "",
	 "pending 0001_a\nthe database differs from the service file: `rowlock migrate f plan` says "
	 "how, and `new NAME` writes it down\n"},
	{L, "status", whole, "", 0, 0, "",
	 "applied 0001_a then\nthe database is what the service file says\n"},
	{L, "status", halved, "x;", 0, 0, "",
	 "applied 0001_a , not to its end: 1 of 2 statements\nthe database differs from the service "
	 "file: `rowlock migrate f plan` says how, and `new NAME` writes it down\n"},
	{L, "status", whole, "", 1, 0, "", "! it failed"},
	{L, "status", whole, "", 2, 0, "", "applied 0001_a then\nit failed\n"},
	{L, "plan", whole, "x;\n", 0, 0, "", "x;\n"},
	{L, "plan", NULL, "x;\n", 0, 0, "",
	 "-- from 0001_a on, files wait to be applied; this is the difference without them\nx;\n"},
	{L, "plan", whole, "", 0, 0, "", "-- the database is what the service file says\n"},
	{L, "plan", whole, "x;\n", 2, 0, "", "! it failed"},
	{L, "apply", NULL, "x;", 0, 0, "",
	 "applied 0001_a\nthe database differs from the service file: `rowlock migrate f plan` says "
	 "how, and `new NAME` writes it down\n"},
	{L, "apply", NULL, "", 0, 0, "",
	 "the database is what the service file says: all files are remembered as applied\n"},
	{L, "apply", NULL, "", 3, 0, "", "! it failed"},
	{L, "apply", NULL, "x;", 2, 0, "", "! it failed"},
	{L, "apply", NULL, "x;", 3, 6, "",
	 "! 0001_a.up.sql:3: it failed | in the statement: two; | nothing of this file was done; "
	 "correct it and run the command again"},
	{L, "apply", NULL, "x;", 3, SIZE_MAX, "the first statement stays done",
	 "! 0001_a.up.sql: it failed |  | the first statement stays done"},
	{L, "apply", halved, "x;", 0, 0, "",
	 "! 0001_a was not applied to its end | 1 of 2 statements | `rowlock migrate FILE apply "
	 "--continue` goes on from there"},
	{L, "apply --continue", halved, "", 0, 0, "",
	 "applied 0001_a\nthe database is what the service file says\n"},
	{L, "apply --continue", halved, "", 2, 6, "so far",
	 "! 0001_a.up.sql:3: it failed | in the statement: two; | so far"},
	{L, "apply --continue", whole, "", 0, 0, "",
	 "no file waits to be applied\nthe database is what the service file says\n"},
	{L, "apply --continue", half_undone, "x;", 0, 0, "",
	 "! 0001_a was not undone to its end | 1 of 2 statements | `rowlock migrate FILE rollback "
	 "--continue` goes on from there"},
	{L, "status", half_undone, "", 0, 0, "",
	 "applied 0001_a , not undone to its end: 1 of 2 statements\nthe database is what the service "
	 "file says\n"},
	{L, "plan", halved, "x;\n", 0, 0, "",
	 "-- 0001_a was not applied to its end: status says more\nx;\n"},
	{L, "plan", half_undone, "x;\n", 0, 0, "",
	 "-- 0001_a was not undone to its end: status says more\nx;\n"},
	{L, "new", halved, "x;", 0, 0, "",
	 "! 0001_a was not applied to its end | 1 of 2 statements | `rowlock migrate FILE apply "
	 "--continue` goes on from there"},
	{L, "rollback", half_undone, "", 0, 0, "",
	 "! 0001_a was not undone to its end | 1 of 2 statements | `rowlock migrate FILE rollback "
	 "--continue` goes on from there"},
	{L, "rollback --continue", half_undone, "", 0, 0, "", "undid 0001_a\n"},
	{L, "rollback", whole, "", 0, 0, "", "undid 0001_a\n"},
	{L, "rollback", whole, "", 2, 0, "",
	 "! 0001_a.down.sql:1: it failed | in the statement: back; | nothing of this file was done; "
	 "correct it and run the command again"},
	{L, "rollback", NULL, "", 0, 0, "", "! nothing was applied that could be undone"},
	{L, "rollback", without_way, "", 0, 0, "",
	 "! 0001_a has no way back |  | it was applied without a file 0001_a.down.sql; write a new "
	 "migration"},
	{L, "rollback --continue", halved, "", 0, 0, "",
	 "! 0001_a was not applied to its end | 1 of 2 statements | `rowlock migrate FILE apply "
	 "--continue` goes on from there"},
	{L, "new", NULL, "x;", 0, 0, "",
	 "! 0001_a is not applied yet |  | a new one is what differs from the database: apply first"},
	{L, "new", whole, "", 0, 0, "",
	 "the database is what the service file says: nothing was written\n"},
	{L, "new", whole, "x;", 2, 0, "", "! it failed"},
};

static bool run_command(const char *command, const struct migrate *migrate,
						struct store_migrator *migrator, struct error *error)
{
	if (strcmp(command, "status") == 0) {
		return migrate_status(migrate, migrator, error);
	}
	if (strcmp(command, "plan") == 0) {
		return migrate_plan(migrate, migrator, error);
	}
	if (strncmp(command, "apply", 5) == 0) {
		return migrate_apply(migrate, migrator, error);
	}
	if (strncmp(command, "rollback", 8) == 0) {
		return migrate_rollback(migrate, migrator, error);
	}
	return migrate_new(migrate, migrator, STR("b"), error);
}

static void run_row(const struct migrate_row *row, struct str folder, struct arena *arena)
{
	const struct model model = {.file = STR("f")};
	struct fake fake = {
		.base = {&fake_ops},
		.applied = row->applied,
		.applied_count = row->applied == NULL ? 0 : 1,
		.up = str_from(row->differs),
		.fail_at = row->fail_at,
		.statement = row->statement,
		.kept = str_from(row->kept),
	};
	struct error error = {0};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	const struct migrate migrate = {
		.model = &model,
		.folder = folder,
		.go_on = strstr(row->command, "--continue") != NULL,
		.out = &out,
		.arena = arena,
	};
	if (!run_command(row->command, &migrate, &fake.base, &error)) {
		buf_printf(&out, "! %s", error.message);
		if (error.details[0] != '\0' || error.hint[0] != '\0') {
			buf_printf(&out, " | %s | %s", error.details, error.hint);
		}
	}
	if (!str_equal(buf_str(&out), str_from(row->want))) {
		fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&out)));
	}
	buf_finish(&out);
}

static void test_commands(void **state)
{
	(void)state;
	char folder[] = "/tmp/rowlock-migrate-XXXXXX";
	struct arena arena;
	struct error error;
	arena_init(&arena, 1 << 20);
	assert_non_null(mkdtemp(folder));
	struct store_migration file = whole[0];
	assert_true(migrate_write(str_from(folder), &file, &arena, &error));
	for (size_t i = 0; i < sizeof(migrate_rows) / sizeof(migrate_rows[0]); i++) {
		run_row(&migrate_rows[i], str_from(folder), &arena);
		arena_reset(&arena);
	}
	assert_int_equal(unlink(arena_printf(&arena, "%s/0001_a.up.sql", folder).ptr), 0);
	assert_int_equal(unlink(arena_printf(&arena, "%s/0001_a.down.sql", folder).ptr), 0);
	assert_int_equal(rmdir(folder), 0);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
