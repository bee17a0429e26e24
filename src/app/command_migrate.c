#include <stdio.h>
#include <string.h>

#include "api/service.h"
#include "app/command.h"
#include "migrate/files.h"
#include "migrate/migrate.h"

static const char help[] =
	"usage: rowlock migrate FILE plan|apply|status|rollback|new NAME [OPTION]\n"
	"\n"
	"Changes a database into what a service file says, by numbered files of SQL that are kept in\n"
	"migrations/ beside the service file.\n"
	"\n"
	"  plan       prints the SQL that makes the database what the service file says\n"
	"  new NAME   writes it as the next migration: NUMBER_NAME.up.sql, and .down.sql to undo it\n"
	"  apply      applies the files that were not applied yet, in their order\n"
	"  status     says which files were applied and which were not\n"
	"  rollback   undoes the last one that was applied\n"
	"\n"
	"  --store URL              in place of the service file's\n"
	"  --continue               apply and rollback: goes on with one that stopped before its end\n"
	"                           (MariaDB: a statement failed, or the process was killed)\n"
	"\n"
	"One process owns an SQLite file: stop the server first.\n";

enum { OUTPUT_BYTES = 1 << 27 };

typedef bool action_call(const struct migrate *migrate, struct store_migrator *migrator,
						 struct error *error);

static const struct action {
	const char *name;
	bool makes; /* a database that is not there */
	action_call *run;
} actions[] = {
	{"plan", false, migrate_plan},
	{"apply", true, migrate_apply},
	{"status", false, migrate_status},
	{"rollback", false, migrate_rollback},
	{"new", false, NULL},
};

struct order {
	const struct action *action;
	const char *file;
	const char *store; /* NULL: the service file's */
	struct str name;
	bool go_on;
};

static bool run_action(const struct order *order, const struct model *model, struct str url,
					   struct buf *out, struct error *error)
{
	const struct action *action = order->action;
	struct arena arena;
	struct store_migrator *migrator = store_migrate(url, action->makes, error);
	if (migrator == NULL) {
		return false;
	}
	arena_init(&arena, MIB(1));
	const struct migrate migrate = {
		.model = model,
		.folder = migrate_folder(model->file, migrator->ops->dialect, &arena),
		.go_on = order->go_on,
		.out = out,
		.arena = &arena,
	};
	bool ok = action->run != NULL ? action->run(&migrate, migrator, error)
								  : migrate_new(&migrate, migrator, order->name, error);
	migrator->ops->close(migrator);
	arena_finish(&arena);
	return ok;
}

static enum exit_code migrate_service(const struct order *order)
{
	struct error error = {0};
	struct buf out;
	struct service *service = command_load(order->file);
	if (service == NULL) {
		return EXIT_FAILED;
	}
	buf_init(&out, OUTPUT_BYTES);
	struct str url = order->store != NULL ? str_from(order->store) : service->model->store.str;
	bool ok = run_action(order, service->model, url, &out, &error) ||
		command_fail("migrate", &error);
	if (fwrite(out.ptr, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		fputs("rowlock migrate: the output cannot be written\n", stderr);
		ok = false;
	}
	service_unref(service);
	buf_finish(&out);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(int argc, char **argv)
{
	struct order order = {.name = STR("")};
	const struct option options[] = {
		{.name = "store", .value = &order.store},
		{.name = "continue", .flag = &order.go_on},
		{0},
	};
	int operands = options_read(argc, argv, options);
	const struct action *action = NULL;
	for (size_t i = 0; operands >= 2 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		action = strcmp(argv[2], actions[i].name) == 0 ? &actions[i] : action;
	}
	if (operands < 0) {
		return EXIT_USAGE;
	}
	if (action == NULL || operands != (action->run == NULL ? 3 : 2)) {
		fputs("rowlock migrate: give a service file and one of plan, apply, status, rollback, "
			  "new NAME\n",
			  stderr);
		return EXIT_USAGE;
	}
	order.action = action;
	order.file = argv[1];
	order.name = str_from(operands == 3 ? argv[3] : "");
	return migrate_service(&order);
}

const struct command command_migrate = {
	.name = "migrate",
	.summary = "change a database into what a service file says",
	.help = help,
	.run = run,
};
