#include "query/claims.h"

#include "codec/json.h"

struct list {
	struct arena *arena;
	struct claim *claims; /* arena */
	size_t count;
	size_t room;
	struct error *error;
};

static enum claim_kind kind_of(enum json_event event)
{
	if (event == JSON_STRING) {
		return CLAIM_TEXT;
	}
	if (event == JSON_NUMBER) {
		return CLAIM_NUMBER;
	}
	if (event == JSON_TRUE || event == JSON_FALSE) {
		return CLAIM_BOOLEAN;
	}
	if (event == JSON_NULL) {
		return CLAIM_NULL;
	}
	return event == JSON_ARRAY ? CLAIM_LIST : CLAIM_OBJECT;
}

/* The members of the object that the reader has just entered, under the name of the object; NULL
 * for the outermost. The depth is the reader's to limit. */
static bool read_members(struct list *list, struct json_reader *reader, const struct str *prefix);

/* The value that begins with `event`. An object's text is known once its members were read. */
static bool read_value(struct list *list, struct json_reader *reader, enum json_event event,
					   struct claim *claim)
{
	size_t from = reader->event_at;
	claim->kind = kind_of(event);
	if (event == JSON_OBJECT) {
		bool good = read_members(list, reader, &claim->name);
		claim->text = str_slice(reader->input, from, reader->at);
		return good;
	}
	struct str text = reader->text;
	if (!json_skip(reader, event, &claim->text)) {
		*list->error = reader->error;
		return false;
	}
	if (event == JSON_STRING) {
		claim->text = text;
	}
	return true;
}

static bool read_members(struct list *list, struct json_reader *reader, const struct str *prefix)
{
	enum json_event event;
	while ((event = json_next(reader)) == JSON_KEY) {
		if (list->count == list->room) {
			return error_set_at(list->error, ERROR_BODY, reader->event_at, "more than %d claims",
								CLAIMS_COUNT);
		}
		struct claim *claim = &list->claims[list->count++];
		claim->name = prefix == NULL
			? reader->text
			: arena_printf(list->arena, "%.*s.%.*s", STR_ARG(*prefix), STR_ARG(reader->text));
		event = json_next(reader);
		if (event == JSON_ERROR) {
			break;
		}
		if (!read_value(list, reader, event, claim)) {
			return false;
		}
	}
	if (event == JSON_ERROR) {
		*list->error = reader->error;
	}
	return event == JSON_OBJECT_END;
}

bool claims_read(struct str json, struct arena *arena, struct claims *ret_claims,
				 struct error *error)
{
	struct list list = {.arena = arena, .error = error};
	struct json_reader reader;
	json_reader_init(&reader, json, CLAIMS_DEPTH, arena);
	enum json_event event = json_next(&reader);
	if (event == JSON_ERROR) {
		*error = reader.error;
		return false;
	}
	if (event != JSON_OBJECT) {
		return error_set_at(error, ERROR_BODY, reader.event_at, "the claims are no JSON object");
	}
	/* A member takes five bytes at least: "":0, */
	list.room = json.len / 5 + 1 < CLAIMS_COUNT ? json.len / 5 + 1 : CLAIMS_COUNT;
	list.claims = ARENA_ARRAY(arena, list.room, struct claim);
	if (!read_members(&list, &reader, NULL)) {
		return false;
	}
	if (json_next(&reader) != JSON_END) {
		*error = reader.error;
		return false;
	}
	*ret_claims = (struct claims){.list = list.claims, .count = list.count};
	return true;
}

const struct claim *claims_find(const struct claims *claims, struct str name)
{
	const struct claim *found = NULL;
	for (size_t i = 0; claims != NULL && i < claims->count; i++) {
		if (str_equal(claims->list[i].name, name)) {
			if (found != NULL) {
				return NULL;
			}
			found = &claims->list[i];
		}
	}
	return found;
}
