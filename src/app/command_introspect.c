#include <stdio.h>

#include "app/command.h"
#include "base/limits.h"
#include "store/store.h"

static const char help[] =
	"usage: rowlock introspect --store URL [--write]\n"
	"\n"
	"Prints the service file of an existing database: every table and view with its keys,\n"
	"references, types and constraints. `rowlock serve --store URL` serves the same without a "
	"file.\n"
	"Nothing is written to the database.\n"
	"\n"
	"  --store URL              sqlite:FILE or mysql://USER:PASSWORD@HOST/DATABASE; a relative\n"
	"                           path in the file that is printed is relative to where that file\n"
	"                           is kept\n"
	"  --write                  rows may be written; without it every resource is read only\n";

static enum exit_code print(const struct describe_options *options)
{
	struct error error = {0};
	struct buf yaml;
	buf_init(&yaml, MIB(1));
	bool good = store_describe(options->url, options, &yaml, &error);
	if (good) {
		good = fwrite(yaml.ptr, 1, yaml.len, stdout) == yaml.len && fflush(stdout) == 0;
		if (!good) {
			fputs("rowlock introspect: the output cannot be written\n", stderr);
		}
	} else {
		(void)command_fail("introspect", &error);
	}
	buf_finish(&yaml);
	return good ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(int argc, char **argv)
{
	const char *store = NULL;
	bool write = false;
	const struct option options[] = {
		{.name = "store", .value = &store},
		{.name = "write", .flag = &write},
		{0},
	};
	int operands = options_read(argc, argv, options);
	if (operands < 0) {
		return EXIT_USAGE;
	}
	if (operands > 0 || store == NULL) {
		fputs("rowlock introspect: give --store URL, such as --store sqlite:FILE\n", stderr);
		return EXIT_USAGE;
	}
	const struct describe_options describe = {
		.url = str_from(store),
		.listen = STR("127.0.0.1:3000"),
		.write = write,
	};
	return print(&describe);
}

const struct command command_introspect = {
	.name = "introspect",
	.summary = "print the service file of an existing database",
	.help = help,
	.run = run,
};
