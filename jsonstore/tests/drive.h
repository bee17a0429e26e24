/*
 * What the parts of the program `drive` share.
 *
 * Ownership: nothing is kept. Threads: any. Errors: told on standard error. Limits: none.
 */
#ifndef JSONSTORE_TESTS_DRIVE_H
#define JSONSTORE_TESTS_DRIVE_H

#include "jsonstore.h"

/* Seconds of a clock that only goes on. */
double drive_now(void);
/* Says what failed; 1. */
int drive_complain(const char *what, const struct jsonstore_error *error);
/* The mode "big". */
int drive_big(char **arguments);

#endif
