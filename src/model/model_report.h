/*
 * What is wrong with a service file: problems with their places and hints, gathered while it is
 * loaded and compiled.
 *
 * Ownership: texts are the report's arena. Threads: one. Errors: it is them.
 * Limits: 50 problems are kept.
 */
#ifndef ROWLOCK_MODEL_MODEL_REPORT_H
#define ROWLOCK_MODEL_MODEL_REPORT_H

#include "base/arena.h"
#include "base/buf.h"

/* Where in a service file something stands; both count from 1. */
struct place {
	size_t line;
	size_t column;
};

/* A text of the file with its place. */
struct text {
	struct str str;
	struct place place;
};

struct model_problem {
	struct place place; /* line 0: the file as a whole */
	struct str message;
	struct str hint; /* "" when there is none */
	bool warning;
};

/* Everything that is wrong with one file; at most 50 are kept. */
struct model_report {
	struct arena arena;
	struct model_problem *problems;
	size_t count;
	size_t errors; /* problems that are not warnings */
};
void model_report_init(struct model_report *report);
void model_report_finish(struct model_report *report);
void model_report_add(struct model_report *report, struct place place, const char *hint,
					  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Writes `file:line:column: message` lines, each with its hint in a line of its own. */
void model_report_write(const struct model_report *report, struct str file, struct buf *ret_text);

#endif
