#include <stdio.h>
#include <stdlib.h>

#include "api/service.h"
#include "app/command.h"

/* getenv() has another type: its result is not const. */
const char *command_environment(const char *name)
{
	return getenv(name);
}

struct service *command_load(const char *file)
{
	struct model_report report;
	struct buf text;
	model_report_init(&report);
	buf_init(&text, MIB(1));
	struct model *model = model_load(file, command_environment, &report);
	struct service *service = model == NULL ? NULL : service_create(model, &report);
	model_report_write(&report, str_from(file), &text);
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
	buf_finish(&text);
	model_report_finish(&report);
	return service;
}

bool command_fail(const char *command, const struct error *error)
{
	fprintf(stderr, "rowlock %s: %s\n", command, error->message);
	if (error->details[0] != '\0') {
		fprintf(stderr, "  %s\n", error->details);
	}
	if (error->hint[0] != '\0') {
		fprintf(stderr, "  hint: %s\n", error->hint);
	}
	return false;
}
