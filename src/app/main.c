#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "rowlock_config.h"

static const struct command *const commands[] = {
	&command_serve,  &command_check,      &command_migrate, &command_import,
	&command_export, &command_introspect, &command_openapi, &command_links,
#if HAVE_AUTH
	&command_keys,   &command_token,
#endif
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
	fprintf(
		out,
		"rowlock turns a service file into a REST microservice.\n\nusage: rowlock COMMAND …\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	}
	fprintf(out,
			"\n`rowlock COMMAND --help` tells more. `rowlock --version` prints the version.\n");
}

static enum exit_code run(const struct command *command, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(command->help, stdout);
			return EXIT_DONE;
		}
	}
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("rowlock " ROWLOCK_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0) {
			return (int)run(commands[i], argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "rowlock: there is no command `%s`\n", argv[1]);
	print_help(stderr);
	return EXIT_USAGE;
}
