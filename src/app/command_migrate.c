#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/service.h"
#include "app/command.h"
#include "migrate/files.h"
#include "migrate/migrate.h"

static const char help[] =
	"usage: rowlock migrate FILE plan|apply|status|rollback|new NAME [--store URL]\n"
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

/* getenv() has another type: its result is not const. */
static const char *environment(const char *name)
{
	return getenv(name);
}

static void print_error(const struct error *error)
{
	fprintf(stderr, "rowlock migrate: %s\n", error->message);
	if (error->details[0] != '\0') {
		fprintf(stderr, "  %s\n", error->details);
	}
	if (error->hint[0] != '\0') {
		fprintf(stderr, "  hint: %s\n", error->hint);
	}
}

static bool run_action(const struct action *action, const struct model *model, struct str url,
					   struct str name, struct buf *out, struct error *error)
{
	struct arena arena;
	struct store_migrator *migrator = store_migrate(url, action->makes, error);
	if (migrator == NULL) {
		return false;
	}
	arena_init(&arena, MIB(1));
	const struct migrate migrate = {
		.model = model,
		.folder = migrate_folder(model->file, migrator->ops->dialect, &arena),
		.out = out,
		.arena = &arena,
	};
	bool ok = action->run != NULL ? action->run(&migrate, migrator, error)
								  : migrate_new(&migrate, migrator, name, error);
	migrator->ops->close(migrator);
	arena_finish(&arena);
	return ok;
}

static enum exit_code migrate_service(const struct action *action, const char *file,
									  const char *store, struct str name)
{
	struct model_report report;
	struct buf out;
	struct error error = {0};
	model_report_init(&report);
	buf_init(&out, OUTPUT_BYTES);
	struct model *model = model_load(file, environment, &report);
	struct service *service = model != NULL ? service_create(model, &report) : NULL;
	model_report_write(&report, str_from(file), &out);
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&out)));
	buf_clear(&out);
	bool ok = service != NULL;
	if (ok) {
		struct str url = store != NULL ? str_from(store) : service->model->store.str;
		ok = run_action(action, service->model, url, name, &out, &error);
		ok = fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0 && ok;
		if (!ok) {
			print_error(&error);
		}
	}
	service_unref(service);
	buf_finish(&out);
	model_report_finish(&report);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(int argc, char **argv)
{
	const char *store = NULL;
	const struct option options[] = {{.name = "store", .value = &store}, {0}};
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
	return migrate_service(action, argv[1], store, str_from(operands == 3 ? argv[3] : ""));
}

const struct command command_migrate = {
	.name = "migrate",
	.summary = "change a database into what a service file says",
	.help = help,
	.run = run,
};
