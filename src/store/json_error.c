#include <errno.h>
#include <string.h>

#include "store/json_priv.h"

bool json_is_full(const struct jsonstore_error *failure)
{
	int number = failure->system;
	return failure->code == JSONSTORE_IO &&
		(number == ENOSPC || number == EDQUOT || number == EFBIG);
}

/* What jsonstore says, without the folder's path. */
static void add_details(const struct json_store *store, const struct jsonstore_error *failure,
						struct error *error)
{
	size_t len = strlen(store->path);
	struct buf plain;
	buf_init(&plain, sizeof(failure->message));
	const char *rest = failure->message[0] != '\0' ? failure->message
												   : jsonstore_code_text(failure->code);
	while (*rest != '\0') {
		bool path = strncmp(rest, store->path, len) == 0 && rest[len] == '/';
		if (!path) {
			buf_append_byte(&plain, *rest);
		}
		rest += path ? len + 1 : 1;
	}
	error_details(error, "%.*s", STR_ARG(buf_str(&plain)));
	buf_finish(&plain);
}

bool json_fail(const struct json_store *store, const struct jsonstore_error *failure,
			   struct error *error)
{
	if (json_is_full(failure)) {
		return error_set(error, ERROR_STORE_FULL, NULL);
	}
	if (failure->code == JSONSTORE_BUSY) {
		return error_set(error, ERROR_OVERLOADED, "Another program is writing");
	}
	error_set(error, ERROR_STORE, NULL);
	add_details(store, failure, error);
	if (failure->code == JSONSTORE_CONFLICT) {
		error_hint(error,
				   "`jsonstore repair` decides which of them stays: the file, or the "
				   "journal's changes");
	}
	return false;
}

bool json_fail_record(const struct json_table *table, struct str record, const struct error *why,
					  struct error *error)
{
	enum { SHOWN = 60 };
	struct str begin = str_slice(record, 0, SHOWN);
	error_set(error, ERROR_STORE, NULL);
	error_details(error, "%s.json: the record %.*s%s: %s", table->collection, STR_ARG(begin),
				  begin.len < record.len ? "…" : "", why->message);
	return error_hint(error, "put it right while no program has the folder open");
}
