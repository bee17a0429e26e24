#include <stdio.h>

#include "api/openapi.h"
#include "api/pages.h"
#include "app/command.h"

static const char help[] =
	"usage: rowlock openapi FILE\n"
	"\n"
	"Prints the OpenAPI 3.1 document of a service file, as the service answers it at\n"
	"/openapi.json. The store is not opened.\n";

static bool print_document(const struct service *service)
{
	struct str text = service->pages->openapi.text;
	if (text.ptr == NULL) {
		fprintf(stderr, "rowlock openapi: the document is too large\n");
		return false;
	}
	if (fwrite(text.ptr, 1, text.len, stdout) < text.len || putchar('\n') == EOF ||
		fflush(stdout) != 0) {
		perror("rowlock openapi");
		return false;
	}
	return true;
}

static enum exit_code run(int argc, char **argv)
{
	const struct option options[] = {{0}};
	int operands = options_read(argc, argv, options);
	if (operands != 1) {
		fputs(operands < 0 ? "" : "rowlock openapi: give one service file\n", stderr);
		return EXIT_USAGE;
	}
	struct service *service = command_load(argv[1]);
	bool good = service != NULL && print_document(service);
	service_unref(service);
	return good ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_openapi = {
	.name = "openapi",
	.summary = "print the OpenAPI document of a service file",
	.help = help,
	.run = run,
};
