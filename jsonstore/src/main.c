/*
 * The command `jsonstore`: one function and one row of the table for each of its commands. Exits
 * with 0, with 1 after an error, which is told on standard error, with 2 after a wrong call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonstore.h"

enum { DONE = 0, FAILED = 1, WRONG_CALL = 2, ARGUMENTS_MAX = 4 };

struct call {
	const char *arguments[ARGUMENTS_MAX];
	int count;
	const char *key;
	const char *fields[JSONSTORE_FIELDS_MAX];
	size_t field_count;
	const char *use;
};

struct command {
	const char *name;
	int (*run)(const struct call *call);
	int fewest; /* arguments */
	int most;
	const char *help;
};

static int complain(const struct jsonstore_error *error)
{
	(void)fprintf(stderr, "jsonstore: %s\n",
				  error->message[0] != '\0' ? error->message : jsonstore_code_text(error->code));
	return FAILED;
}

/* Opens the folder and, when it is named, the collection. */
static bool open_both(const struct call *call, bool make, struct jsonstore **store,
					  struct jsonstore_collection **collection, struct jsonstore_error *error)
{
	struct jsonstore_options options = {.size = sizeof(options), .must_exist = !make};
	struct jsonstore_schema schema = {
		.size = sizeof(schema),
		.key = call->key,
		.fields = call->fields,
		.field_count = call->field_count,
	};
	bool wanted = make && (call->key != NULL || call->field_count > 0);
	if (jsonstore_open(call->arguments[0], &options, store, error) != JSONSTORE_OK) {
		return false;
	}
	if (collection == NULL) {
		return true;
	}
	int code = jsonstore_collection(*store, call->arguments[1], wanted ? &schema : NULL, collection,
									error);
	if (code == JSONSTORE_ABSENT && make) {
		code = jsonstore_collection(*store, call->arguments[1], &schema, collection, error);
	}
	if (code != JSONSTORE_OK) {
		struct jsonstore_error unwanted;
		(void)jsonstore_close(*store, &unwanted);
		return false;
	}
	return true;
}

/* Closes; the result of the command, of which an error is told. */
static int finish(struct jsonstore *store, int code, struct jsonstore_error *error)
{
	int result = code == JSONSTORE_OK ? DONE : complain(error);
	if (jsonstore_close(store, error) != JSONSTORE_OK && result == DONE) {
		result = complain(error);
	}
	if (fflush(stdout) != 0) {
		(void)fprintf(stderr, "jsonstore: cannot write: %s\n", strerror(errno));
		result = FAILED;
	}
	return result;
}

static void print_line(const char *text, size_t length)
{
	(void)fwrite(text, 1, length, stdout);
	(void)putchar('\n');
}

static int run_get(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_collection *collection;
	struct jsonstore_error error;
	struct jsonstore_text text = {NULL, 0, 0};
	const char *key = call->arguments[2];
	if (!open_both(call, false, &store, &collection, &error)) {
		return complain(&error);
	}
	int code = jsonstore_get(collection, NULL, key, strlen(key), &text, &error);
	if (code == JSONSTORE_OK) {
		print_line(text.text, text.length);
	}
	jsonstore_text_free(&text);
	return finish(store, code, &error);
}

/* All of standard input; NULL when it cannot be read or is longer than a record may be. */
static char *read_input(size_t *ret_length)
{
	size_t room = (size_t)JSONSTORE_RECORD_MAX + 1;
	char *text = malloc(room);
	if (text != NULL) {
		*ret_length = fread(text, 1, room, stdin);
	}
	if (text == NULL || ferror(stdin) != 0 || *ret_length == room) {
		free(text);
		return NULL;
	}
	return text;
}

static int run_put(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_collection *collection;
	struct jsonstore_error error;
	const char *record = call->arguments[2];
	size_t length = record == NULL ? 0 : strlen(record);
	char *input = NULL;
	if (record == NULL || strcmp(record, "-") == 0) {
		input = read_input(&length);
		if (input == NULL) {
			(void)fprintf(stderr, "jsonstore: cannot read a record from standard input\n");
			return FAILED;
		}
		record = input;
	}
	if (!open_both(call, true, &store, &collection, &error)) {
		free(input);
		return complain(&error);
	}
	int code = jsonstore_put(collection, record, length, &error);
	free(input);
	return finish(store, code, &error);
}

static int run_find(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_collection *collection;
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error;
	const char *value = call->arguments[3];
	const char *record;
	size_t length;
	if (!open_both(call, false, &store, &collection, &error)) {
		return complain(&error);
	}
	int code = jsonstore_find(collection, NULL, call->arguments[2], value, strlen(value), &cursor,
							  &error);
	if (code == JSONSTORE_OK) {
		while ((code = jsonstore_next(cursor, &record, &length, &error)) == JSONSTORE_OK &&
			   record != NULL) {
			print_line(record, length);
		}
		jsonstore_cursor_close(cursor);
	}
	return finish(store, code, &error);
}

/* In the form of a base. */
static int print_all(struct jsonstore_collection *collection, struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor;
	const char *record;
	size_t length;
	bool first = true;
	int code = jsonstore_scan(collection, NULL, &cursor, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	(void)fputs("[\n", stdout);
	while ((code = jsonstore_next(cursor, &record, &length, error)) == JSONSTORE_OK &&
		   record != NULL) {
		(void)fputs(first ? "" : ",\n", stdout);
		(void)fwrite(record, 1, length, stdout);
		first = false;
	}
	jsonstore_cursor_close(cursor);
	if (code == JSONSTORE_OK) {
		(void)fputs(first ? "]\n" : "\n]\n", stdout);
	}
	return code;
}

static int run_export(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_collection *collection;
	struct jsonstore_error error;
	if (!open_both(call, false, &store, &collection, &error)) {
		return complain(&error);
	}
	int code = call->arguments[2] == NULL
		? print_all(collection, &error)
		: jsonstore_export(collection, NULL, call->arguments[2], &error);
	return finish(store, code, &error);
}

static int run_checkpoint(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_error error;
	if (!open_both(call, false, &store, NULL, &error)) {
		return complain(&error);
	}
	return finish(store, jsonstore_checkpoint(store, JSONSTORE_NOW, &error), &error);
}

static int run_verify(const struct call *call)
{
	struct jsonstore *store;
	struct jsonstore_statistics statistics = {.size = sizeof(statistics)};
	struct jsonstore_error error;
	uint64_t records;
	if (!open_both(call, false, &store, NULL, &error)) {
		return complain(&error);
	}
	int code = jsonstore_statistics(store, &statistics, &error);
	if (code == JSONSTORE_OK) {
		code = jsonstore_verify(store, &records, &error);
	}
	if (code == JSONSTORE_OK) {
		(void)printf("%llu collections, %llu records in files, %llu changes in the journal\n",
					 (unsigned long long)statistics.collections, (unsigned long long)records,
					 (unsigned long long)statistics.journal_changes);
		if (statistics.bytes_cut > 0) {
			(void)printf("%llu bytes of a torn end were cut\n",
						 (unsigned long long)statistics.bytes_cut);
		}
	}
	return finish(store, code, &error);
}

static int run_repair(const struct call *call)
{
	struct jsonstore_error error;
	bool file = call->use != NULL && strcmp(call->use, "file") == 0;
	if (!file && (call->use == NULL || strcmp(call->use, "journal") != 0)) {
		(void)fprintf(stderr, "jsonstore: repair needs --use file or --use journal\n");
		return WRONG_CALL;
	}
	int code = jsonstore_repair(call->arguments[0], call->arguments[1],
								file ? JSONSTORE_USE_FILE : JSONSTORE_USE_JOURNAL, &error);
	return code == JSONSTORE_OK ? DONE : complain(&error);
}

static const struct command commands[] = {
	{"get", run_get, 3, 3, "get FOLDER COLLECTION KEY\n\nPrints the record with the key.\n"},
	{"put", run_put, 2, 3,
	 "put [--key FIELD] [--index FIELD]... FOLDER COLLECTION [RECORD]\n\n"
	 "Stores a record, a JSON object; without RECORD, or with -, it is read from standard input.\n"
	 "The collection is made when it is not there: --key names the field with the key (id),\n"
	 "--index a further field to find records by.\n"},
	{"find", run_find, 4, 4,
	 "find FOLDER COLLECTION FIELD VALUE\n\n"
	 "Prints the records whose indexed field has the value, as JSON: '\"a\"', 7, true, null.\n"},
	{"export", run_export, 2, 3,
	 "export FOLDER COLLECTION [FILE]\n\n"
	 "Writes all records of now, as an array, to FILE or to standard output.\n"},
	{"checkpoint", run_checkpoint, 1, 1,
	 "checkpoint FOLDER\n\nBrings all files up to date with the journal.\n"},
	{"verify", run_verify, 1, 1,
	 "verify FOLDER\n\nReads everything, and tells the first damage.\n"},
	{"repair", run_repair, 1, 2,
	 "repair --use file|journal FOLDER [COLLECTION]\n\n"
	 "Decides when a file was edited while the journal held changes for it. file: the changes are\n"
	 "dropped, and written to COLLECTION.journal.json. journal: they are put over the edited\n"
	 "file, of which a copy is kept in COLLECTION.edited.json. No process may have it open.\n"},
};

static void print_help(FILE *to)
{
	(void)fputs("jsonstore COMMAND FOLDER ...: concurrent, durable JSON files\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		(void)fprintf(to, "  jsonstore %.*s\n", (int)strcspn(commands[i].help, "\n"),
					  commands[i].help);
	}
	(void)fputs("\njsonstore COMMAND --help says more.\n", to);
}

/* Reads what follows the command's name; false: it is wrong. */
static bool read_call(struct call *call, char **arguments)
{
	bool options = true;
	for (; *arguments != NULL; arguments++) {
		const char *text = *arguments;
		if (options && strcmp(text, "--") == 0) {
			options = false;
		} else if (options && strncmp(text, "--", 2) == 0) {
			const char *value = *++arguments;
			if (value == NULL) {
				return false;
			}
			if (strcmp(text, "--key") == 0) {
				call->key = value;
			} else if (strcmp(text, "--use") == 0) {
				call->use = value;
			} else if (strcmp(text, "--index") == 0 && call->field_count < JSONSTORE_FIELDS_MAX) {
				call->fields[call->field_count++] = value;
			} else {
				return false;
			}
		} else if (call->count == ARGUMENTS_MAX) {
			return false;
		} else {
			call->arguments[call->count++] = text;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct call call = {.count = 0};
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		(void)printf("jsonstore %s\n", jsonstore_version());
		return DONE;
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		print_help(stdout);
		return DONE;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];
		if (strcmp(argv[1], command->name) != 0) {
			continue;
		}
		if (argc > 2 && strcmp(argv[2], "--help") == 0) {
			(void)printf("jsonstore %s", command->help);
			return DONE;
		}
		if (!read_call(&call, argv + 2) || call.count < command->fewest ||
			call.count > command->most) {
			(void)fprintf(stderr, "jsonstore %s", command->help);
			return WRONG_CALL;
		}
		return command->run(&call);
	}
	print_help(stderr);
	return WRONG_CALL;
}
