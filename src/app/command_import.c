#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/command_store.h"
#include "app/import.h"
#include "base/clock.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "codec/number.h"
#include "link/credential.h"

static const char help[] =
	"usage: rowlock import [options] FILE RESOURCE DATA\n"
	"\n"
	"Reads the rows of DATA, a CSV, JSON or NDJSON file (- is standard input), into a\n"
	"resource of a service file. Rows that are wrong are told with their line and left\n"
	"out; the others are written in one transaction. No server may have the SQLite file.\n"
	"\n"
	"  --format FORMAT      csv, json (a list of objects) or ndjson; otherwise the end of\n"
	"                       DATA's name says it\n"
	"  --on-conflict WHAT   a row whose key is there already: fail (nothing is written),\n"
	"                       skip (it is left out) or merge (it changes the other)\n"
	"  --replace            the rows that are there go first, in the same transaction\n"
	"  --batch N            commit every N rows\n"
	"  --errors FILE        write what is left out to FILE as CSV: line, column, reason, text\n"
	"  --store URL          instead of the one of the service file\n"
	"\n"
	"The first line of CSV names the fields; a field that is empty is null. The exit code is\n"
	"1 when rows were wrong.\n";

enum { SHOWN_ERRORS = 20, PROGRESS_MS = 100, BAR = 24, MOST_WAITS = 30 };

struct session {
	FILE *errors; /* NULL: none */
	const char *errors_path;
	uint64_t shown;
	uint64_t waits; /* for services that do not answer */
	bool terminal;
	bool drawn;
	uint64_t begun_ns;
	uint64_t drawn_ns;
};

static uint64_t now_ns(void)
{
	return clock_system.monotonic_ns(&clock_system);
}

static void clear_bar(struct session *session)
{
	if (session->drawn) {
		fputs("\r\033[K", stderr);
		session->drawn = false;
	}
}

static void write_error(FILE *file, const struct bad_row *row, struct str reason)
{
	struct buf line;
	buf_init(&line, SIZE_MAX);
	buf_printf(&line, "%zu,", row->line);
	if (row->column > 0) {
		buf_append_uint(&line, row->column);
	}
	buf_append_byte(&line, ',');
	csv_write_field(&line, reason);
	buf_append_byte(&line, ',');
	csv_write_field(&line, row->text);
	buf_append_byte(&line, '\n');
	(void)fwrite(line.ptr, 1, line.len, file); /* ferror() tells at the end */
	buf_finish(&line);
}

static void on_left_out(void *context, const struct bad_row *row, bool skipped)
{
	struct session *session = context;
	const struct error *error = row->error;
	char reason[sizeof(error->message) + sizeof(error->details) + 2];
	int len = snprintf(reason, sizeof(reason), "%s%s%s", error->message,
					   error->details[0] != '\0' ? ": " : "", error->details);
	if (session->errors != NULL) {
		write_error(session->errors, row, (struct str){reason, (size_t)len});
		return;
	}
	if (session->shown++ >= SHOWN_ERRORS) {
		return;
	}
	clear_bar(session);
	fprintf(stderr, "line %zu", row->line);
	if (row->column > 0) {
		fprintf(stderr, ", column %zu", row->column);
	}
	fprintf(stderr, ": %s%s\n", skipped ? "skipped: " : "", reason);
	if (session->shown == SHOWN_ERRORS) {
		fprintf(stderr, "more such rows are only counted; --errors FILE keeps them all\n");
	}
}

static void draw(struct session *session, const struct import_summary *summary, uint64_t now)
{
	char bar[BAR + 1];
	double seconds = (double)(now - session->begun_ns) / 1e9;
	double done = summary->file_bytes == 0 ? 1
										   : (double)summary->bytes / (double)summary->file_bytes;
	size_t full = (size_t)(done * BAR);
	memset(bar, ' ', BAR);
	memset(bar, '=', full <= BAR ? full : BAR);
	bar[BAR] = '\0';
	fprintf(stderr, "\r\033[K[%s] %3.0f %%  %llu rows  %.0f rows/s", bar, done * 100,
			(unsigned long long)summary->read, seconds > 0 ? (double)summary->read / seconds : 0);
	if (done > 0.001) {
		fprintf(stderr, "  %.0f s left", seconds / done - seconds);
	}
	fflush(stderr);
	session->drawn = true;
	session->drawn_ns = now;
}

static void on_progress(void *context, const struct import_summary *summary)
{
	struct session *session = context;
	uint64_t now = now_ns();
	if (now - session->drawn_ns >= PROGRESS_MS * UINT64_C(1000000)) {
		draw(session, summary, now);
	}
}

static void print_summary(const struct session *session, const struct import_summary *summary)
{
	double seconds = (double)(now_ns() - session->begun_ns) / 1e9;
	bool terminal = isatty(STDOUT_FILENO) == 1;
	const struct {
		const char *name;
		uint64_t count;
	} counts[] = {
		{"read", summary->read},       {"inserted", summary->inserted}, {"merged", summary->merged},
		{"skipped", summary->skipped}, {"failed", summary->failed},
	};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned long long count = counts[i].count;
		if (terminal) {
			printf("%s%llu %s", i > 0 ? ", " : "", count, counts[i].name);
		} else {
			printf("%s\"%s\":%llu", i > 0 ? "," : "{", counts[i].name, count);
		}
	}
	if (terminal) {
		printf(" in %.1f s\n", seconds);
	} else {
		printf(",\"seconds\":%.3f}\n", seconds);
	}
}

static bool read_format(const char *word, const char *path, enum body_format *ret_format)
{
	static const struct {
		const char *word;
		enum body_format format;
	} words[] = {{"csv", BODY_CSV}, {"json", BODY_JSON_ROWS}, {"ndjson", BODY_NDJSON}};
	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0) {
			*ret_format = words[i].format;
			return true;
		}
	}
	if (word == NULL && import_format(path, ret_format)) {
		return true;
	}
	fprintf(stderr, "rowlock import: give --format csv, json or ndjson%s%s%s\n",
			word != NULL ? ", not \"" : "", word != NULL ? word : "", word != NULL ? "\"" : "");
	return false;
}

static bool read_conflict(const char *word, enum import_conflict *ret_conflict)
{
	static const char *const words[] = {
		[IMPORT_FAIL] = "fail",
		[IMPORT_SKIP] = "skip",
		[IMPORT_MERGE] = "merge",
	};
	*ret_conflict = IMPORT_FAIL;
	for (size_t i = 0; word != NULL; i++) {
		if (i == sizeof(words) / sizeof(words[0])) {
			fprintf(stderr, "rowlock import: --on-conflict is fail, skip or merge, not \"%s\"\n",
					word);
			return false;
		}
		if (strcmp(words[i], word) == 0) {
			*ret_conflict = (enum import_conflict)i;
			return true;
		}
	}
	return true;
}

static bool read_batch(const char *text, uint64_t *ret_rows)
{
	int64_t number = 0;
	if (text != NULL &&
		(number_parse_integer(str_from(text), &number) != NUMBER_OK || number < 1)) {
		fprintf(stderr, "rowlock import: --batch is a number of rows, not \"%s\"\n", text);
		return false;
	}
	*ret_rows = (uint64_t)number;
	return true;
}

static bool can_write(const struct resource *resource)
{
	if (resource->read_only || resource->key.count == 0) {
		fprintf(stderr, "rowlock import: \"%.*s\" %s\n", STR_ARG(resource->name),
				resource->read_only ? "is read only" : "has no key");
		return false;
	}
	return true;
}

static bool open_errors(struct session *session)
{
	if (session->errors_path == NULL) {
		return true;
	}
	session->errors = fopen(session->errors_path, "w");
	if (session->errors == NULL || fputs("line,column,reason,text\n", session->errors) == EOF) {
		fprintf(stderr, "rowlock import: %s: %s\n", session->errors_path, strerror(errno));
		return false;
	}
	return true;
}

static bool close_errors(struct session *session)
{
	if (session->errors == NULL) {
		return true;
	}
	bool ok = ferror(session->errors) == 0;
	ok = fclose(session->errors) == 0 && ok;
	if (!ok) {
		fprintf(stderr, "rowlock import: %s: not all was written\n", session->errors_path);
	}
	return ok;
}

static bool is_patient(void *context)
{
	struct session *session = context;
	if (session->waits == 0) {
		clear_bar(session);
		fprintf(stderr, "waiting for a service that rows refer to\n");
	}
	return session->waits++ < MOST_WAITS;
}

static bool import(struct session *session, struct import_options *options,
				   struct import_summary *summary)
{
	struct error error = {0};
	session->terminal = isatty(STDERR_FILENO) == 1;
	session->begun_ns = now_ns();
	const char *key = command_environment("LINK_KEY");
	options->link_key = str_from(key != NULL ? key : "");
	options->patient = is_patient;
	options->left_out = on_left_out;
	options->progress = session->terminal ? on_progress : NULL;
	options->context = session;
	bool ok = (credential_check_key(options->link_key, &error) || command_fail("import", &error)) &&
		open_errors(session) &&
		(import_run(options, summary, &error) || command_fail("import", &error));
	clear_bar(session);
	if (ok) {
		print_summary(session, summary);
	}
	return close_errors(session) && ok;
}

static enum exit_code run(int argc, char **argv)
{
	const char *format = NULL;
	const char *conflict = NULL;
	const char *batch = NULL;
	const char *url = NULL;
	struct session session = {0};
	struct import_options options = {0};
	const struct option words[] = {
		{.name = "format", .value = &format},
		{.name = "on-conflict", .value = &conflict},
		{.name = "batch", .value = &batch},
		{.name = "errors", .value = &session.errors_path},
		{.name = "store", .value = &url},
		{.name = "replace", .flag = &options.replace},
		{0},
	};
	int operands = options_read(argc, argv, words);
	if (operands != 3) {
		fputs(operands < 0 ? "" : "rowlock import: give a service file, a resource and a file\n",
			  stderr);
		return EXIT_USAGE;
	}
	options.path = argv[3];
	if (!read_format(format, options.path, &options.format) ||
		!read_conflict(conflict, &options.conflict) || !read_batch(batch, &options.part_rows)) {
		return EXIT_USAGE;
	}
	struct command_store store;
	struct import_summary summary = {0};
	bool ok = command_store_open(&store, "import", argv[1], url);
	options.store = store.store;
	options.model = ok ? store.service->model : NULL;
	options.resource = ok ? command_store_resource(&store, argv[2]) : NULL;
	ok = options.resource != NULL && can_write(options.resource) &&
		import(&session, &options, &summary);
	command_store_close(&store);
	return ok && summary.failed == 0 ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_import = {
	.name = "import",
	.summary = "read rows from a CSV, JSON or NDJSON file",
	.help = help,
	.run = run,
};
