/*
 * What commands that work on one service's rows share: its service file, loaded and compiled, and
 * its store, opened by this process.
 *
 * Ownership: command_store_open() to command_store_close(). Threads: the main thread.
 * Errors: said on standard error. Limits: those of the service file.
 */
#ifndef ROWLOCK_APP_COMMAND_STORE_H
#define ROWLOCK_APP_COMMAND_STORE_H

#include "api/service.h"
#include "store/store.h"

struct command_store {
	const char *command; /* its name, for messages */
	struct service *service;
	struct store *store;
};

/* `url` stands in place of the file's store; NULL: it does not. */
bool command_store_open(struct command_store *store, const char *command, const char *file,
						const char *url);
/* NULL after saying that there is none of that name. */
const struct resource *command_store_resource(const struct command_store *store, const char *name);
void command_store_close(struct command_store *store);

#endif
