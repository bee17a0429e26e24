/*
 * The commands of the program, one file each and one row in the table of main.c.
 *
 * Ownership: argv's. Threads: the main thread. Errors: written to standard error with what to do
 * next. Limits: none.
 */
#ifndef ROWLOCK_APP_COMMAND_H
#define ROWLOCK_APP_COMMAND_H

#include <stdbool.h>

struct error;
struct service;

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;
	const char *summary; /* one line for `rowlock --help` */
	const char *help;    /* all of `rowlock NAME --help` */
	/* argv[0] is the command's name. */
	enum exit_code (*run)(int argc, char **argv);
};

extern const struct command command_serve;
extern const struct command command_check;
extern const struct command command_import;
extern const struct command command_export;
extern const struct command command_introspect;
extern const struct command command_openapi;
extern const struct command command_migrate;
extern const struct command command_links;
extern const struct command command_keys;  /* HAVE_AUTH */
extern const struct command command_token; /* HAVE_AUTH */

/* ${NAME} of service files: the process's own. */
const char *command_environment(const char *name);
/* Loads and compiles a service file, and says what is wrong with it. NULL when it cannot be used;
 * one reference is the caller's. */
struct service *command_load(const char *file);
/* Says what went wrong and what to do next; returns false. */
bool command_fail(const char *command, const struct error *error);

/* One option of a command: `--name`, or `--name VALUE` and `--name=VALUE` when it takes a value. */
struct option {
	const char *name;
	const char **value; /* the last value given; NULL for a flag */
	bool *flag;
	/* May be given more than once: called with each value; NULL: `value` or `flag` is set. */
	bool (*each)(void *context, const char *value);
	void *context;
};

/* Reads options up to the operands, which may stand between them; `--` ends options. Returns the
 * number of operands, moved to argv[1…], or -1 after saying on standard error what is wrong. */
int options_read(int argc, char **argv, const struct option *options);

#endif
