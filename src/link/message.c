#include "link/message.h"

#include "codec/json.h"

enum { DEPTH = 4, LEAST_ID_BYTES = UUID_TEXT_LEN + 2 };

struct reading {
	struct json_reader json;
	struct error *error;
};

/* ---- reading ---- */

static void reading_init(struct reading *reading, struct str body, struct arena *arena,
						 struct error *error)
{
	json_reader_init(&reading->json, body, DEPTH, arena);
	reading->error = error;
}

/* Something else than the last event was wanted. */
static bool refuse(const struct reading *reading, const char *what)
{
	if (reading->json.error.code != ERROR_NONE) {
		*reading->error = reading->json.error;
		return false;
	}
	return error_set_at(reading->error, ERROR_BODY, reading->json.event_at, "%s expected", what);
}

static bool expect(struct reading *reading, enum json_event event, const char *what)
{
	return json_next(&reading->json) == event || refuse(reading, what);
}

/* A key, in its place. */
static bool expect_word(struct reading *reading, const char *quoted)
{
	struct str word = str_slice(str_from(quoted), 1, strlen(quoted) - 1);
	return (json_next(&reading->json) == JSON_KEY && str_equal(reading->json.text, word)) ||
		refuse(reading, quoted);
}

static bool expect_end(struct reading *reading)
{
	return expect(reading, JSON_OBJECT_END, "the end of the message") &&
		expect(reading, JSON_END, "the end of the message");
}

static bool read_id(struct reading *reading, enum json_event event, struct uuid *ret_id)
{
	return (event == JSON_STRING && uuid_parse(reading->json.text, ret_id)) ||
		refuse(reading, "a uuid");
}

/* How many items the message can have at most: each has an id, or a key of two bytes. */
static size_t most_items(const struct reading *reading, size_t least_bytes)
{
	size_t most = reading->json.input.len / least_bytes + 1;
	return most < MESSAGE_MOST_HOLDS ? most : MESSAGE_MOST_HOLDS;
}

/* The next item of a list: true with `*ret_more` false behind the last one. */
static bool next_item(struct reading *reading, size_t count, enum json_event *ret_event,
					  bool *ret_more)
{
	*ret_event = json_next(&reading->json);
	*ret_more = *ret_event != JSON_ARRAY_END;
	if (*ret_event == JSON_ERROR) {
		return refuse(reading, "a list");
	}
	if (*ret_more && count == MESSAGE_MOST_HOLDS) {
		return error_set_at(reading->error, ERROR_BODY_TOO_LARGE, reading->json.event_at,
							"A message has at most %d holds", MESSAGE_MOST_HOLDS);
	}
	return true;
}

static bool read_ids(struct reading *reading, const struct uuid **ret_ids, size_t *ret_count)
{
	struct uuid *ids = ARENA_ARRAY(reading->json.arena, most_items(reading, LEAST_ID_BYTES),
								   struct uuid);
	size_t count = 0;
	enum json_event event;
	bool more;
	if (!expect(reading, JSON_ARRAY, "a list of ids")) {
		return false;
	}
	while (next_item(reading, count, &event, &more)) {
		if (!more) {
			*ret_ids = ids;
			*ret_count = count;
			return true;
		}
		if (!read_id(reading, event, &ids[count])) {
			return false;
		}
		count++;
	}
	return false;
}

/* Which field of the key the last event names; the key's count when none. */
static size_t find_field(const struct reading *reading, const struct field_list *key)
{
	size_t i = 0;
	while (i < key->count && !str_equal(key->items[i]->name, reading->json.text)) {
		i++;
	}
	return i;
}

/* An object of the key's fields, in any order, behind its brace. */
static bool read_key(struct reading *reading, const struct field_list *key,
					 const struct value **ret_key)
{
	struct value *values = ARENA_ARRAY(reading->json.arena, key->count, struct value);
	for (size_t count = 0; count < key->count; count++) {
		size_t i = json_next(&reading->json) == JSON_KEY ? find_field(reading, key) : key->count;
		if (i == key->count) {
			return refuse(reading, "a field of the key");
		}
		if (!value_from_json(key->items[i], &reading->json, false, &values[i], reading->error)) {
			bool syntax = reading->json.error.code != ERROR_NONE;
			reading->error->at = syntax ? reading->json.error.at : reading->json.event_at;
			return false;
		}
		if (values[i].kind == VALUE_NULL) {
			return refuse(reading, "a value of the key");
		}
	}
	*ret_key = values;
	return expect(reading, JSON_OBJECT_END, "the end of the key");
}

static bool read_resource(struct reading *reading, const struct model *model,
						  const struct resource **ret_resource)
{
	if (!expect(reading, JSON_STRING, "the name of a resource")) {
		return false;
	}
	*ret_resource = model_resource(model, reading->json.text);
	return true;
}

/* Does the service file say that rows of `from`, which are elsewhere, refer to those of `to`? */
static bool are_linked(const struct resource *to, const struct resource *from)
{
	if (to == NULL || from == NULL || resource_is_remote(to) || !resource_is_remote(from)) {
		return false;
	}
	for (size_t i = 0; i < from->link_count; i++) {
		if (from->links[i].reference.target == to && !from->links[i].get_only) {
			return true;
		}
	}
	return false;
}

/* `"resource": …, "from": …`, with which messages to the owner begin. */
static bool read_ends(struct reading *reading, const struct model *model,
					  const struct resource **ret_resource, const struct resource **ret_from)
{
	if (!expect(reading, JSON_OBJECT, "an object") || !expect_word(reading, "\"resource\"") ||
		!read_resource(reading, model, ret_resource) || !expect_word(reading, "\"from\"") ||
		!read_resource(reading, model, ret_from)) {
		return false;
	}
	if (!are_linked(*ret_resource, *ret_from)) {
		error_set_at(reading->error, ERROR_RESOURCE, reading->json.event_at,
					 "This service knows of no such reference");
		return error_hint(reading->error,
						  "in the service file here, name the resource that "
						  "refers to it, with `at` and `references`");
	}
	return true;
}

/* One hold, behind its brace. */
static bool read_hold(struct reading *reading, const struct field_list *key,
					  struct message_hold *hold)
{
	return expect_word(reading, "\"id\"") &&
		read_id(reading, json_next(&reading->json), &hold->id) && expect_word(reading, "\"key\"") &&
		expect(reading, JSON_OBJECT, "a key") && read_key(reading, key, &hold->key) &&
		expect(reading, JSON_OBJECT_END, "the end of the hold");
}

bool message_read_holds(struct str body, const struct model *model, struct arena *arena,
						struct message_holds *ret_holds, struct error *error)
{
	struct message_holds holds = {0};
	struct reading reading;
	reading_init(&reading, body, arena, error);
	if (!read_ends(&reading, model, &holds.resource, &holds.from) ||
		!expect_word(&reading, "\"holds\"") || !expect(&reading, JSON_ARRAY, "a list of holds")) {
		return false;
	}
	struct message_hold *items = ARENA_ARRAY(arena, most_items(&reading, LEAST_ID_BYTES),
											 struct message_hold);
	holds.items = items;
	enum json_event event;
	bool more;
	while (next_item(&reading, holds.count, &event, &more)) {
		if (!more) {
			bool good = expect_end(&reading);
			*ret_holds = good ? holds : *ret_holds;
			return good;
		}
		if ((event != JSON_OBJECT && !refuse(&reading, "a hold")) ||
			!read_hold(&reading, &holds.resource->key, &items[holds.count])) {
			return false;
		}
		holds.count++;
	}
	return false;
}

bool message_read_releases(struct str body, const struct model *model, struct arena *arena,
						   struct message_ids *ret_ids, struct error *error)
{
	struct message_ids ids;
	struct reading reading;
	reading_init(&reading, body, arena, error);
	if (!read_ends(&reading, model, &ids.resource, &ids.from) ||
		!expect_word(&reading, "\"ids\"") || !read_ids(&reading, &ids.items, &ids.count) ||
		!expect_end(&reading)) {
		return false;
	}
	*ret_ids = ids;
	return true;
}

bool message_read_decide(struct str body, struct arena *arena, struct message_ids *ret_ids,
						 struct error *error)
{
	struct message_ids ids = {0};
	struct reading reading;
	reading_init(&reading, body, arena, error);
	if (!expect(&reading, JSON_OBJECT, "an object") || !expect_word(&reading, "\"ids\"") ||
		!read_ids(&reading, &ids.items, &ids.count) || !expect_end(&reading)) {
		return false;
	}
	*ret_ids = ids;
	return true;
}

bool message_read_decisions(struct str body, struct arena *arena,
							struct message_decisions *ret_decisions, struct error *error)
{
	struct message_decisions got;
	struct reading reading;
	reading_init(&reading, body, arena, error);
	if (!expect(&reading, JSON_OBJECT, "an object") || !expect_word(&reading, "\"used\"") ||
		!read_ids(&reading, &got.used, &got.used_count) || !expect_word(&reading, "\"void\"") ||
		!read_ids(&reading, &got.voided, &got.void_count) || !expect_end(&reading)) {
		return false;
	}
	*ret_decisions = got;
	return true;
}

bool message_read_missing(struct str body, const struct resource *resource, struct arena *arena,
						  struct message_keys *ret_keys, struct error *error)
{
	struct reading reading;
	reading_init(&reading, body, arena, error);
	const struct value **items = ARENA_ARRAY(arena, most_items(&reading, sizeof("{}") - 1),
											 const struct value *);
	size_t count = 0;
	enum json_event event;
	bool more;
	if (!expect(&reading, JSON_OBJECT, "an object") || !expect_word(&reading, "\"missing\"") ||
		!expect(&reading, JSON_ARRAY, "a list of keys")) {
		return false;
	}
	while (next_item(&reading, count, &event, &more)) {
		if (!more) {
			bool good = expect_end(&reading);
			*ret_keys = good ? (struct message_keys){items, count} : *ret_keys;
			return good;
		}
		if ((event != JSON_OBJECT && !refuse(&reading, "a key")) ||
			!read_key(&reading, &resource->key, &items[count])) {
			return false;
		}
		count++;
	}
	return false;
}

/* ---- writing ---- */

static void write_id(struct buf *buf, const struct uuid *id)
{
	char text[UUID_TEXT_LEN];
	uuid_write(id, text);
	json_write_string(buf, (struct str){text, sizeof(text)});
}

static void write_ids(struct buf *buf, const struct uuid *ids, size_t count)
{
	buf_append_byte(buf, '[');
	for (size_t i = 0; i < count; i++) {
		buf_append(buf, i == 0 ? STR("") : STR(","));
		write_id(buf, &ids[i]);
	}
	buf_append_byte(buf, ']');
}

static void write_key(struct buf *buf, const struct field_list *key, const struct value *values)
{
	for (size_t i = 0; i < key->count; i++) {
		buf_append_byte(buf, i == 0 ? '{' : ',');
		json_write_string(buf, key->items[i]->name);
		buf_append_byte(buf, ':');
		value_write_json(buf, key->items[i], &values[i]);
	}
	buf_append_byte(buf, '}');
}

static void write_ends(struct buf *buf, const struct resource *to, const struct resource *from)
{
	buf_append(buf, STR("{\"resource\":"));
	json_write_string(buf, to->name);
	buf_append(buf, STR(",\"from\":"));
	json_write_string(buf, from->name);
}

void message_write_holds(struct buf *buf, const struct message_holds *holds)
{
	write_ends(buf, holds->resource, holds->from);
	buf_append(buf, STR(",\"holds\":["));
	for (size_t i = 0; i < holds->count; i++) {
		buf_append(buf, i == 0 ? STR("{\"id\":") : STR(",{\"id\":"));
		write_id(buf, &holds->items[i].id);
		buf_append(buf, STR(",\"key\":"));
		write_key(buf, &holds->resource->key, holds->items[i].key);
		buf_append_byte(buf, '}');
	}
	buf_append(buf, STR("]}"));
}

void message_write_ids(struct buf *buf, const struct message_ids *ids)
{
	if (ids->resource == NULL) {
		buf_append(buf, STR("{\"ids\":"));
	} else {
		write_ends(buf, ids->resource, ids->from);
		buf_append(buf, STR(",\"ids\":"));
	}
	write_ids(buf, ids->items, ids->count);
	buf_append_byte(buf, '}');
}

void message_write_decisions(struct buf *buf, const struct message_decisions *decisions)
{
	buf_append(buf, STR("{\"used\":"));
	write_ids(buf, decisions->used, decisions->used_count);
	buf_append(buf, STR(",\"void\":"));
	write_ids(buf, decisions->voided, decisions->void_count);
	buf_append_byte(buf, '}');
}

void message_write_missing(struct buf *buf, const struct resource *resource,
						   const struct message_keys *keys)
{
	buf_append(buf, STR("{\"missing\":"));
	for (size_t i = 0; i < keys->count; i++) {
		buf_append_byte(buf, i == 0 ? '[' : ',');
		write_key(buf, &resource->key, keys->items[i]);
	}
	buf_append(buf, keys->count == 0 ? STR("[]}") : STR("]}"));
}
