/*
 * The bytes of a file to import, as one text, and how they leave memory again.
 *
 * Ownership: import_file_open() to import_file_close(). Threads: one at a time.
 * Errors: ERROR_CONFIG naming the file. Limits: none; what is read is not kept in memory.
 */
#ifndef ROWLOCK_APP_IMPORT_FILE_H
#define ROWLOCK_APP_IMPORT_FILE_H

#include "base/error.h"

/* "-" is standard input, which is copied to a file without a name first. */
bool import_file_open(const char *path, struct str *ret_text, struct error *error);
/* Nothing points into the first `bytes` any more. */
void import_file_release(struct str text, size_t bytes);
/* Accepts an empty text. */
void import_file_close(struct str text);

#endif
