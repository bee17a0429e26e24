/*
 * Filling struct jsonstore_error. Each function returns false, so that a function can end with
 * `return js_fail(...)`.
 *
 * Ownership: all is copied. Threads: any. Errors: these are the errors.
 * Limits: what does not fit is cut at a character's end.
 */
#ifndef JSONSTORE_SRC_FAIL_H
#define JSONSTORE_SRC_FAIL_H

#include "jsonstore.h"

bool js_fail(struct jsonstore_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool js_fail_memory(struct jsonstore_error *error);
/* JSONSTORE_IO with errno: what was tried, and on which file. */
bool js_fail_io(struct jsonstore_error *error, const char *what, const char *file);
/* JSONSTORE_DAMAGED at a byte of a file. */
bool js_fail_damaged(struct jsonstore_error *error, const char *file, uint64_t offset,
					 const char *what);
/* JSONSTORE_DAMAGED or JSONSTORE_INVALID at a line and column of a file. */
bool js_fail_at(struct jsonstore_error *error, int code, const char *file, uint64_t line,
				uint64_t column, const char *what);

#endif
