#include <errno.h>

#include "store/json_priv.h"

bool json_is_full(const struct jsonstore_error *failure)
{
	int number = failure->system;
	return failure->code == JSONSTORE_IO &&
		(number == ENOSPC || number == EDQUOT || number == EFBIG);
}

static bool fail_conflict(const struct jsonstore_error *failure, struct error *error)
{
	error_set(error, ERROR_STORE, NULL);
	error_details(error, "%s", failure->message);
	return error_hint(error,
					  "the file was edited while the journal held changes of it: `jsonstore "
					  "repair` decides which of them stays");
}

bool json_fail(const struct jsonstore_error *failure, struct error *error)
{
	if (json_is_full(failure)) {
		return error_set(error, ERROR_STORE_FULL, NULL);
	}
	switch ((enum jsonstore_code)failure->code) {
	case JSONSTORE_BUSY:
		return error_set(error, ERROR_OVERLOADED, "Another program is writing");
	case JSONSTORE_CONFLICT:
		return fail_conflict(failure, error);
	case JSONSTORE_OK:
	case JSONSTORE_NO_MEMORY:
	case JSONSTORE_IO:
	case JSONSTORE_INVALID:
	case JSONSTORE_LIMIT:
	case JSONSTORE_ABSENT:
	case JSONSTORE_PRESENT:
	case JSONSTORE_DAMAGED:
	case JSONSTORE_FAILED:
	case JSONSTORE_FORKED:
	case JSONSTORE_READONLY:
		break;
	}
	error_set(error, ERROR_STORE, NULL);
	return error_details(error, "%s",
						 failure->message[0] != '\0' ? failure->message
													 : jsonstore_code_text(failure->code));
}

bool json_fail_record(const struct json_store *store, const struct json_table *table,
					  struct str record, const struct error *why, struct error *error)
{
	enum { SHOWN = 60 };
	struct str begin = str_slice(record, 0, SHOWN);
	error_set(error, ERROR_STORE, NULL);
	error_details(error, "%s/%s.json: the record %.*s%s: %s", store->path, table->collection,
				  STR_ARG(begin), begin.len < record.len ? "…" : "", why->message);
	return error_hint(error, "put it right while no program has the folder open");
}
