#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/command.h"
#include "base/arena.h"
#include "base/limits.h"

static const char help[] =
	"usage: rowlock serve FILE|FOLDER… [options]\n"
	"       rowlock serve --store URL [--write] [options]\n"
	"\n"
	"Runs services in one process, each on its own address: the service files given, and every\n"
	"service.yaml below the folders given. SIGTERM ends well: requests under way are answered.\n"
	"SIGHUP reads the service files again; a wrong one is refused and the old one keeps serving.\n"
	"\n"
	"With --store and no file it serves every table and view of an existing database, on\n"
	"127.0.0.1:3000. Nothing is made in it, and rows are only read unless --write is given.\n"
	"\n"
	"  --listen ADDRESS         HOST:PORT in place of the file's (one service only)\n"
	"  --store URL              sqlite:FILE, json:FOLDER, memory: or\n"
	"                           mysql://USER:PASSWORD@HOST/DATABASE in place of the file's (one\n"
	"                           service only)\n"
	"  --gateway ADDRESS        serve all under one address too, each below the path of its\n"
	"                           folder: `rowlock serve services` has services/shop/orders at\n"
	"                           /shop/orders/; / and /docs list them\n"
	"  --tls-certificate FILE   serve HTTPS: PEM files of the gateway, or without one of the only\n"
	"  --tls-key FILE           service, in place of its file's `tls`\n"
	"  --write                  the rows of an existing database may be written; an SQLite file\n"
	"                           that is served so can be opened by no other program\n"
	"  --set NAME.listen=VALUE  the same for one of several services; also NAME.store=\n"
	"  --log text|json|off      lines for people, JSON lines, or errors only; the default is text\n"
	"                           on a terminal and json elsewhere\n"
	"  --watch                  read a service file again when it changes\n"
	"  --open                   serve other addresses than loopback although the service has no\n"
	"                           authentication\n";

enum { FILES_MAX = 256, OVERRIDES_MAX = 2 * FILES_MAX, FOLDER_DEPTH_MAX = 8 };

struct serve {
	struct arena arena;
	const char *files[FILES_MAX];
	const char *mounts[FILES_MAX]; /* folders below the operand; "" for none */
	size_t file_count;
	struct app_override overrides[OVERRIDES_MAX];
	size_t override_count;
};

static bool add_override(struct serve *serve, const char *service, const char *key,
						 const char *value)
{
	if (serve->override_count == OVERRIDES_MAX) {
		fprintf(stderr, "rowlock serve: more than %d --set\n", OVERRIDES_MAX);
		return false;
	}
	serve->overrides[serve->override_count++] = (struct app_override){service, key, value};
	return true;
}

/* --set NAME.KEY=VALUE */
static bool read_set(void *context, const char *text)
{
	struct serve *serve = context;
	struct str value = str_from(text);
	struct str name = str_split(&value, '=');
	struct str service = str_split(&name, '.');
	if (service.len > 0 && value.len > 0 &&
		(str_equal(name, STR("listen")) || str_equal(name, STR("store")))) {
		return add_override(serve, arena_copy(&serve->arena, service).ptr,
							arena_copy(&serve->arena, name).ptr, value.ptr);
	}
	fprintf(stderr, "rowlock serve: --set takes NAME.listen=ADDRESS or NAME.store=URL, not %s\n",
			text);
	return false;
}

static bool add_file(struct serve *serve, const char *path, const char *below)
{
	if (serve->file_count == FILES_MAX) {
		fprintf(stderr, "rowlock serve: more than %d service files\n", FILES_MAX);
		return false;
	}
	serve->mounts[serve->file_count] = below;
	serve->files[serve->file_count++] = arena_copy(&serve->arena, str_from(path)).ptr;
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return str_compare(str_from((*a)->d_name), str_from((*b)->d_name));
}

/* Every service.yaml below a folder, in order of names; folders that begin with a dot are not
 * entered. */
static bool add_folder(struct serve *serve, const char *folder, const char *below, int depth)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, by_name);
	bool good = count >= 0;
	if (!good) {
		fprintf(stderr, "rowlock serve: cannot read the folder %s: %s\n", folder, strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		const char *path = arena_printf(&serve->arena, "%s/%s", folder, name).ptr;
		struct stat status;
		if (good && name[0] != '.' && stat(path, &status) == 0) {
			if (S_ISDIR(status.st_mode) && depth < FOLDER_DEPTH_MAX) {
				const char *slash = depth > 0 ? "/" : "";
				const char *deeper = arena_printf(&serve->arena, "%s%s%s", below, slash, name).ptr;
				good = add_folder(serve, path, deeper, depth + 1);
			} else if (S_ISREG(status.st_mode) && str_equal(str_from(name), STR("service.yaml"))) {
				good = add_file(serve, path, below);
			}
		}
		free(names[i]);
	}
	if (count >= 0) {
		free(names);
	}
	return good;
}

static bool add_operand(struct serve *serve, const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
		return add_file(serve, path, "");
	}
	size_t before = serve->file_count;
	if (!add_folder(serve, path, "", 0)) {
		return false;
	}
	if (serve->file_count == before) {
		fprintf(stderr, "rowlock serve: there is no service.yaml below %s\n", path);
		return false;
	}
	return true;
}

static bool read_log(const char *word, struct log *log)
{
	struct str name = word != NULL ? str_from(word) : isatty(2) ? STR("text") : STR("json");
	log->fd = 2;
	if (str_equal(name, STR("text"))) {
		log->format = LOG_TEXT;
	} else if (str_equal(name, STR("json"))) {
		log->format = LOG_JSON;
	} else if (str_equal(name, STR("off"))) {
		log->format = LOG_OFF;
	} else {
		fprintf(stderr, "rowlock serve: --log takes text, json or off, not %s\n", word);
		return false;
	}
	return true;
}

/* The URL of a store without the password in it: mysql://USER@HOST/DATABASE. */
static const char *without_password(struct arena *arena, const char *url)
{
	struct str text = str_from(url);
	size_t begin = str_find(text, '/', 0);
	if (!str_starts_with(str_slice(text, begin, text.len), STR("//"))) {
		return url;
	}
	begin += 2;
	size_t at = text.len; /* the last @: what is not well encoded may hold others */
	while (at > begin && text.ptr[at - 1] != '@') {
		at--;
	}
	size_t colon = str_find(text, ':', begin);
	if (at == begin || colon >= at - 1) {
		return url;
	}
	return arena_printf(arena, "%.*s%.*s", STR_ARG(str_slice(text, 0, colon)),
						STR_ARG(str_slice(text, at - 1, text.len)))
		.ptr;
}

/* The tables of a store take the place of the one service file. */
static bool add_existing(struct serve *serve, const char *store, struct app_options *options)
{
	if (options->watch) {
		fprintf(stderr, "rowlock serve: --watch is for service files; send SIGHUP\n");
		return false;
	}
	options->existing = store;
	return add_file(serve,
					arena_printf(&serve->arena, "(the tables of %s)",
								 without_password(&serve->arena, store))
						.ptr,
					"");
}

/* What is to be served, of the operands and options. */
static enum exit_code find_files(struct serve *serve, char **operands, int count, const char *store,
								 struct app_options *options)
{
	if (count == 0 && store == NULL) {
		fprintf(stderr,
				"rowlock serve: give a service file, or a folder that holds some, or --store\n");
		return EXIT_USAGE;
	}
	if (count == 0) {
		return add_existing(serve, store, options) ? EXIT_DONE : EXIT_USAGE;
	}
	if (options->write) {
		fprintf(stderr, "rowlock serve: --write is for --store without a service file\n");
		return EXIT_USAGE;
	}
	for (int i = 0; i < count; i++) {
		if (!add_operand(serve, operands[i])) {
			return EXIT_FAILED;
		}
	}
	return EXIT_DONE;
}

static bool check_tls(const struct serve *serve, const struct app_options *options)
{
	if ((options->tls_certificate == NULL) != (options->tls_key == NULL)) {
		fprintf(stderr, "rowlock serve: --tls-certificate and --tls-key belong together\n");
		return false;
	}
	if (options->tls_certificate != NULL && options->gateway == NULL && serve->file_count > 1) {
		fprintf(stderr,
				"rowlock serve: --tls-certificate is for the gateway or for one service; "
				"with several write `tls` in their files\n");
		return false;
	}
	return true;
}

static enum exit_code serve(struct serve *serve, int argc, char **argv)
{
	struct app_options app_options = {0};
	const char *listen = NULL;
	const char *store = NULL;
	const char *log = NULL;
	const struct option options[] = {
		{.name = "listen", .value = &listen},
		{.name = "store", .value = &store},
		{.name = "gateway", .value = &app_options.gateway},
		{.name = "tls-certificate", .value = &app_options.tls_certificate},
		{.name = "tls-key", .value = &app_options.tls_key},
		{.name = "set", .each = read_set, .context = serve},
		{.name = "log", .value = &log},
		{.name = "write", .flag = &app_options.write},
		{.name = "watch", .flag = &app_options.watch},
		{.name = "open", .flag = &app_options.open},
		{0},
	};
	int operands = options_read(argc, argv, options);
	if (operands < 0 || !read_log(log, &app_options.log)) {
		return EXIT_USAGE;
	}
	enum exit_code found = find_files(serve, argv + 1, operands, store, &app_options);
	if (found != EXIT_DONE) {
		return found;
	}
	if (!check_tls(serve, &app_options)) {
		return EXIT_USAGE;
	}
	if (serve->file_count > 1 && (listen != NULL || store != NULL)) {
		fprintf(stderr,
				"rowlock serve: --listen and --store are for one service; with several "
				"use --set NAME.listen=… and --set NAME.store=…\n");
		return EXIT_USAGE;
	}
	if ((listen != NULL && !add_override(serve, NULL, "listen", listen)) ||
		(store != NULL && !add_override(serve, NULL, "store", store))) {
		return EXIT_USAGE;
	}
	app_options.files = serve->files;
	app_options.file_count = serve->file_count;
	app_options.mounts = serve->mounts;
	app_options.overrides = serve->overrides;
	app_options.override_count = serve->override_count;
	struct app *app = app_create(&app_options);
	if (app == NULL) {
		return EXIT_FAILED;
	}
	app_run(app);
	app_destroy(app);
	return EXIT_DONE;
}

static enum exit_code run(int argc, char **argv)
{
	struct serve state = {0};
	arena_init(&state.arena, KIB(4));
	enum exit_code code = serve(&state, argc, argv);
	arena_finish(&state.arena);
	return code;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "run services",
	.help = help,
	.run = run,
};
