#include <stdarg.h>
#include <stdio.h>

#include "codec/utf8.h"
#include "model/load_priv.h"

#define MAX_PROBLEMS 50

void model_report_init(struct model_report *report)
{
	*report = (struct model_report){0};
	arena_init(&report->arena, 4096);
}

void model_report_finish(struct model_report *report)
{
	arena_finish(&report->arena);
	*report = (struct model_report){0};
}

/* Names of the file stand in messages: none may forge a line, or end in half a character. */
static struct str printable(char *message)
{
	for (char *c = message; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7F) {
			*c = ' ';
		}
	}
	return str_slice(str_from(message), 0, utf8_check(str_from(message)));
}

void model_report_add(struct model_report *report, struct place place, const char *hint,
					  const char *format, ...)
{
	struct model_problem *problem;
	char message[512];
	va_list arguments;

	report->errors++;
	if (report->count == MAX_PROBLEMS) {
		return;
	}
	if (report->problems == NULL) {
		report->problems = ARENA_ARRAY(&report->arena, MAX_PROBLEMS, struct model_problem);
	}
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	problem = &report->problems[report->count++];
	problem->place = place;
	problem->message = arena_copy(&report->arena, printable(message));
	problem->hint = hint == NULL ? STR("") : arena_copy(&report->arena, str_from(hint));
}

void model_report_sort(struct model_report *report)
{
	for (size_t i = 1; i < report->count; i++) {
		struct model_problem problem = report->problems[i];
		size_t j = i;

		while (j > 0 &&
			   (report->problems[j - 1].place.line > problem.place.line ||
				(report->problems[j - 1].place.line == problem.place.line &&
				 report->problems[j - 1].place.column > problem.place.column))) {
			report->problems[j] = report->problems[j - 1];
			j--;
		}
		report->problems[j] = problem;
	}
}

void model_report_write(const struct model_report *report, struct str file, struct buf *ret_text)
{
	size_t shown = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct model_problem *problem = &report->problems[i];

		buf_append(ret_text, file);
		if (problem->place.line > 0) {
			buf_printf(ret_text, ":%zu:%zu", problem->place.line, problem->place.column);
		}
		buf_append(ret_text, problem->warning ? STR(": warning: ") : STR(": "));
		buf_append(ret_text, problem->message);
		buf_append_byte(ret_text, '\n');
		if (problem->hint.len > 0) {
			buf_append(ret_text, STR("    hint: "));
			buf_append(ret_text, problem->hint);
			buf_append_byte(ret_text, '\n');
		}
		shown += problem->warning ? 0 : 1;
	}
	if (report->errors > shown) {
		buf_printf(ret_text, "and %zu more\n", report->errors - shown);
	}
}
