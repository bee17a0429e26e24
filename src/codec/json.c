/*
 * DESIGN. A reader without recursion: `state` says what may stand next, `levels` which brackets are
 * open. Bytes are looked at once: the scan of a string finds its end, checks its UTF-8 and its
 * escapes, eight bytes at a time where they are plain ASCII; only a string with escapes is then
 * decoded, into the arena.
 *
 * Keys of one object are compared with each other up to LINEAR_KEYS; then they go into a hash set
 * under a random key, so that nobody can choose keys that make it quadratic. A level keeps its
 * arrays for the next object of the same depth: many small objects take no more memory than one.
 * Of the slots only those up to `mask` are in use and are cleared, so that a small object behind a
 * huge one costs no more than any small object.
 */
#include "codec/json.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "codec/hex.h"
#include "codec/utf8.h"

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

enum { LINEAR_KEYS = 8, FIRST_SLOTS = 32, FIRST_LEVELS = 8, FIRST_KEYS = 16 };

enum state {
	BEFORE_VALUE,
	BEFORE_FIRST_ITEM, /* behind '[' */
	BEFORE_FIRST_KEY,  /* behind '{' */
	BEHIND_VALUE,
	FAILED,
};

struct json_level {
	bool is_object;
	size_t count; /* keys of the open object */
	size_t keys_room;
	struct str *keys; /* arena */
	size_t slots_room;
	size_t mask;     /* slots in use, minus 1; 0 while keys are compared one by one */
	uint32_t *slots; /* arena; number of a key + 1, 0 is free */
};

void json_reader_init(struct json_reader *reader, struct str input, size_t max_depth,
					  struct arena *arena)
{
	*reader = (struct json_reader){
		.input = input,
		.arena = arena,
		.max_depth = max_depth,
		.state = BEFORE_VALUE,
	};
}

static enum json_event fail(struct json_reader *reader)
{
	assert(reader->error.code != ERROR_NONE);
	reader->state = FAILED;
	return JSON_ERROR;
}

static enum json_event fail_at(struct json_reader *reader, size_t at, const char *message)
{
	error_set_at(&reader->error, ERROR_BODY, at, "%s", message);
	return fail(reader);
}

/* Says what was found and what should have been there. */
static enum json_event fail_unexpected(struct json_reader *reader, size_t at, const char *wanted)
{
	struct str input = reader->input;
	if (at == input.len) {
		error_set_at(&reader->error, ERROR_BODY, at, "the text ends where %s should stand", wanted);
		return fail(reader);
	}
	unsigned char byte = (unsigned char)input.ptr[at];
	size_t len = utf8_sequence(input, at);
	if (at == 0 && str_starts_with(input, STR("\xef\xbb\xbf"))) {
		return fail_at(reader, at, "the text begins with a byte order mark");
	}
	if (len == 0 || byte < 0x20 || byte == 0x7f) {
		error_set_at(&reader->error, ERROR_BODY, at, "unexpected byte 0x%02x where %s should stand",
					 byte, wanted);
	} else {
		error_set_at(&reader->error, ERROR_BODY, at, "unexpected '%.*s' where %s should stand",
					 STR_ARG(str_slice(input, at, at + len)), wanted);
	}
	return fail(reader);
}

/* ---- strings ---- */

/* The unit of a \uXXXX at `at`; negative when no such escape stands there. */
static int32_t escaped_unit(struct str input, size_t at)
{
	int32_t unit = 0;
	if (input.len - at < 6 || input.ptr[at] != '\\' || input.ptr[at + 1] != 'u') {
		return -1;
	}
	for (size_t i = at + 2; i < at + 6; i++) {
		int value = hex_value(input.ptr[i]);
		if (value < 0) {
			return -1;
		}
		unit = unit << 4 | value;
	}
	return unit;
}

static bool is_high_surrogate(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Bytes of the escape at `at`, 12 for a surrogate pair; 0 after setting the error. */
static size_t check_escape(struct json_reader *reader, size_t at)
{
	struct str input = reader->input;
	if (at + 1 == input.len) {
		fail_at(reader, input.len, "the text ends inside a string");
		return 0;
	}
	if (input.ptr[at + 1] != 'u') {
		if (input.ptr[at + 1] != '\0' && strchr("\"\\/bfnrt", input.ptr[at + 1]) != NULL) {
			return 2;
		}
		fail_at(reader, at, "unknown escape in a string");
		return 0;
	}
	int32_t unit = escaped_unit(input, at);
	if (unit < 0) {
		fail_at(reader, at, "\\u without four hexadecimal digits");
		return 0;
	}
	if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(input, at + 6))) {
		return 12;
	}
	if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
		fail_at(reader, at, "half of a surrogate pair in a string");
		return 0;
	}
	return 6;
}

/* Writes what the escape at `at` stands for, which was checked; moves *at behind it. */
static size_t decode_escape(struct str input, size_t *at, char ret_bytes[4])
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	if (input.ptr[*at + 1] != 'u') {
		ret_bytes[0] = meant[strchr(plain, input.ptr[*at + 1]) - plain];
		*at += 2;
		return 1;
	}
	uint32_t code = (uint32_t)escaped_unit(input, *at);
	*at += 6;
	if (is_high_surrogate((int32_t)code)) {
		uint32_t low = (uint32_t)escaped_unit(input, *at);
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		*at += 6;
	}
	return utf8_write(ret_bytes, code);
}

/* Decodes input[from, to), which was scanned and has escapes. */
static struct str decode(struct json_reader *reader, size_t from, size_t to)
{
	struct str raw = str_slice(reader->input, from, to);
	/* An escape is never shorter than what it stands for. */
	char *bytes = arena_bytes(reader->arena, raw.len);
	size_t len = 0;
	for (size_t at = 0; at < raw.len;) {
		size_t plain_end = str_find(raw, '\\', at);
		memcpy(bytes + len, raw.ptr + at, plain_end - at);
		len += plain_end - at;
		at = plain_end;
		if (at < raw.len) {
			char code_point[4];
			size_t count = decode_escape(raw, &at, code_point);
			memcpy(bytes + len, code_point, count);
			len += count;
		}
	}
	return (struct str){bytes, len};
}

/* The first byte at or after `at` that is not plain: a quote, a backslash, a control character, or
 * no ASCII. */
static inline size_t skip_plain(struct str input, size_t at)
{
	/* A byte below n borrows from its highest bit when n is taken off. A borrow may carry into the
	 * bytes above, never below: the lowest bit that is set is right. */
	while (input.len - at >= 8) {
		uint64_t word;
		memcpy(&word, input.ptr + at, sizeof(word));
		word = le64toh(word);
		uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
		uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
		uint64_t control = word - EACH_BYTE(0x20);
		uint64_t special = (word | quote | backslash | control) & EACH_BYTE(0x80);
		if (special != 0) {
			return at + (size_t)__builtin_ctzll(special) / 8;
		}
		at += 8;
	}
	while (at < input.len) {
		unsigned char byte = (unsigned char)input.ptr[at];
		if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') {
			break;
		}
		at++;
	}
	return at;
}

/* Reads the string whose quote stands at reader->at into reader->text. */
static bool read_string(struct json_reader *reader)
{
	struct str input = reader->input;
	size_t from = reader->at + 1;
	size_t at = from;
	bool escaped = false;
	for (;;) {
		at = skip_plain(input, at);
		if (at == input.len) {
			fail_at(reader, at, "the text ends inside a string");
			return false;
		}
		unsigned char byte = (unsigned char)input.ptr[at];
		size_t len;
		if (byte == '"') {
			break;
		}
		if (byte == '\\') {
			escaped = true;
			len = check_escape(reader, at);
			if (len == 0) {
				return false;
			}
		} else if (byte < 0x20) {
			fail_at(reader, at, "control character in a string");
			return false;
		} else {
			/* Text in other scripts is mostly runs of such characters. */
			len = utf8_sequence(input, at);
			if (len == 0) {
				fail_at(reader, at, "a string is not UTF-8");
				return false;
			}
		}
		at += len;
	}
	reader->at = at + 1;
	reader->text = escaped ? decode(reader, from, at) : str_slice(input, from, at);
	return true;
}

/* ---- numbers and words ---- */

static inline bool digit_at(struct str input, size_t at)
{
	return at < input.len && input.ptr[at] >= '0' && input.ptr[at] <= '9';
}

static inline size_t skip_digits(struct str input, size_t at)
{
	while (digit_at(input, at)) {
		at++;
	}
	return at;
}

static enum json_event read_number(struct json_reader *reader)
{
	struct str input = reader->input;
	size_t at = reader->at;
	if (input.ptr[at] == '-') {
		at++;
	}
	if (!digit_at(input, at)) {
		return fail_unexpected(reader, at, "a digit");
	}
	if (input.ptr[at] == '0' && digit_at(input, at + 1)) {
		return fail_at(reader, at, "number with a leading zero");
	}
	at = skip_digits(input, at);
	if (at < input.len && input.ptr[at] == '.') {
		if (!digit_at(input, at + 1)) {
			return fail_unexpected(reader, at + 1, "a digit");
		}
		at = skip_digits(input, at + 1);
	}
	if (at < input.len && (input.ptr[at] == 'e' || input.ptr[at] == 'E')) {
		at++;
		if (at < input.len && (input.ptr[at] == '+' || input.ptr[at] == '-')) {
			at++;
		}
		if (!digit_at(input, at)) {
			return fail_unexpected(reader, at, "a digit");
		}
		at = skip_digits(input, at);
	}
	reader->text = str_slice(input, reader->at, at);
	reader->at = at;
	reader->state = BEHIND_VALUE;
	return JSON_NUMBER;
}

static enum json_event read_word(struct json_reader *reader, struct str word, enum json_event event,
								 const char *wanted)
{
	struct str found = str_slice(reader->input, reader->at, reader->at + word.len);
	if (!str_equal(found, word)) {
		return fail_unexpected(reader, reader->at, wanted);
	}
	reader->at += word.len;
	reader->state = BEHIND_VALUE;
	return event;
}

/* ---- objects and arrays ---- */

static enum json_event open_level(struct json_reader *reader, bool is_object)
{
	if (reader->depth == reader->max_depth) {
		error_set_at(&reader->error, ERROR_BODY, reader->at, "nesting deeper than %zu levels",
					 reader->max_depth);
		return fail(reader);
	}
	if (reader->depth == reader->levels_room) {
		size_t room = reader->levels_room == 0 ? FIRST_LEVELS : reader->levels_room * 2;
		struct json_level *levels = ARENA_ARRAY(reader->arena, room, struct json_level);
		if (reader->depth > 0) {
			memcpy(levels, reader->levels, reader->depth * sizeof(*levels));
		}
		reader->levels = levels;
		reader->levels_room = room;
	}
	struct json_level *level = &reader->levels[reader->depth++];
	level->is_object = is_object;
	level->count = 0;
	level->mask = 0;
	reader->at++;
	reader->state = is_object ? BEFORE_FIRST_KEY : BEFORE_FIRST_ITEM;
	return is_object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_event close_level(struct json_reader *reader, enum json_event event)
{
	assert(reader->depth > 0);
	reader->depth--;
	reader->at++;
	reader->state = BEHIND_VALUE;
	return event;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *find_slot(const struct json_reader *reader, const struct json_level *level,
						   struct str key)
{
	size_t slot = siphash(reader->seed, key.ptr, key.len) & level->mask;
	while (level->slots[slot] != 0 && !str_equal(level->keys[level->slots[slot] - 1], key)) {
		slot = (slot + 1) & level->mask;
	}
	return &level->slots[slot];
}

/* Makes the set, or one twice as large, and puts all keys of the level into it. */
static void grow_slots(struct json_reader *reader, struct json_level *level)
{
	size_t count = level->mask == 0 ? FIRST_SLOTS : (level->mask + 1) * 2;
	assert(count <= UINT32_MAX);
	if (!reader->seeded) {
		random_bytes(reader->seed, sizeof(reader->seed));
		reader->seeded = true;
	}
	if (count > level->slots_room) {
		level->slots = ARENA_ARRAY(reader->arena, count, uint32_t);
		level->slots_room = count;
	} else {
		memset(level->slots, 0, count * sizeof(*level->slots));
	}
	level->mask = count - 1;
	for (size_t i = 0; i < level->count; i++) {
		*find_slot(reader, level, level->keys[i]) = (uint32_t)(i + 1);
	}
}

/* False when the open object has the key already. */
static bool add_key(struct json_reader *reader, struct str key)
{
	struct json_level *level = &reader->levels[reader->depth - 1];
	uint32_t *slot = NULL;
	if (level->count < LINEAR_KEYS) {
		for (size_t i = 0; i < level->count; i++) {
			if (str_equal(level->keys[i], key)) {
				return false;
			}
		}
	} else {
		if (level->count == LINEAR_KEYS || level->count > level->mask / 2) {
			grow_slots(reader, level);
		}
		slot = find_slot(reader, level, key);
		if (*slot != 0) {
			return false;
		}
	}
	if (level->count == level->keys_room) {
		size_t room = level->keys_room == 0 ? FIRST_KEYS : level->keys_room * 2;
		struct str *keys = ARENA_ARRAY(reader->arena, room, struct str);
		if (level->count > 0) {
			memcpy(keys, level->keys, level->count * sizeof(*keys));
		}
		level->keys = keys;
		level->keys_room = room;
	}
	level->keys[level->count++] = key;
	if (slot != NULL) {
		*slot = (uint32_t)level->count;
	}
	return true;
}

/* ---- events ---- */

static inline void skip_space(struct json_reader *reader)
{
	struct str input = reader->input;
	size_t at = reader->at;
	while (at < input.len &&
		   (input.ptr[at] == ' ' || input.ptr[at] == '\n' || input.ptr[at] == '\r' ||
			input.ptr[at] == '\t')) {
		at++;
	}
	reader->at = at;
}

static inline bool next_is(const struct json_reader *reader, char byte)
{
	return reader->at < reader->input.len && reader->input.ptr[reader->at] == byte;
}

/* Reads the key at reader->at and the colon behind it. */
static enum json_event read_key(struct json_reader *reader, const char *wanted)
{
	reader->event_at = reader->at;
	if (!next_is(reader, '"')) {
		return fail_unexpected(reader, reader->at, wanted);
	}
	if (!read_string(reader)) {
		return JSON_ERROR;
	}
	if (!add_key(reader, reader->text)) {
		error_set_at(&reader->error, ERROR_BODY, reader->event_at, "a key stands twice: \"%.*s\"",
					 STR_ARG(str_slice(reader->text, 0, sizeof(reader->error.message))));
		return fail(reader);
	}
	skip_space(reader);
	if (!next_is(reader, ':')) {
		return fail_unexpected(reader, reader->at, "':'");
	}
	reader->at++;
	reader->state = BEFORE_VALUE;
	return JSON_KEY;
}

static enum json_event read_value(struct json_reader *reader, const char *wanted)
{
	reader->event_at = reader->at;
	if (reader->at == reader->input.len) {
		return fail_unexpected(reader, reader->at, wanted);
	}
	switch (reader->input.ptr[reader->at]) {
	case '"':
		if (!read_string(reader)) {
			return JSON_ERROR;
		}
		reader->state = BEHIND_VALUE;
		return JSON_STRING;
	case '{':
		return open_level(reader, true);
	case '[':
		return open_level(reader, false);
	case 't':
		return read_word(reader, STR("true"), JSON_TRUE, wanted);
	case 'f':
		return read_word(reader, STR("false"), JSON_FALSE, wanted);
	case 'n':
		return read_word(reader, STR("null"), JSON_NULL, wanted);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return read_number(reader);
	default:
		return fail_unexpected(reader, reader->at, wanted);
	}
}

/* What may follow a whole value. */
static enum json_event read_behind_value(struct json_reader *reader)
{
	reader->event_at = reader->at;
	if (reader->depth == 0) {
		if (reader->at < reader->input.len) {
			return fail_unexpected(reader, reader->at, "the end");
		}
		return JSON_END;
	}
	bool is_object = reader->levels[reader->depth - 1].is_object;
	if (next_is(reader, ',')) {
		reader->at++;
		skip_space(reader);
		return is_object ? read_key(reader, "a key") : read_value(reader, "a value");
	}
	if (next_is(reader, is_object ? '}' : ']')) {
		return close_level(reader, is_object ? JSON_OBJECT_END : JSON_ARRAY_END);
	}
	return fail_unexpected(reader, reader->at, is_object ? "',' or '}'" : "',' or ']'");
}

enum json_event json_next(struct json_reader *reader)
{
	skip_space(reader);
	switch ((enum state)reader->state) {
	case BEFORE_VALUE:
		return read_value(reader, "a value");
	case BEFORE_FIRST_ITEM:
		if (next_is(reader, ']')) {
			reader->event_at = reader->at;
			return close_level(reader, JSON_ARRAY_END);
		}
		return read_value(reader, "a value or ']'");
	case BEFORE_FIRST_KEY:
		if (next_is(reader, '}')) {
			reader->event_at = reader->at;
			return close_level(reader, JSON_OBJECT_END);
		}
		return read_key(reader, "a key or '}'");
	case BEHIND_VALUE:
		return read_behind_value(reader);
	case FAILED:
		break;
	}
	return JSON_ERROR;
}

bool json_skip(struct json_reader *reader, enum json_event first, struct str *ret_text)
{
	size_t from = reader->event_at;
	if (first == JSON_OBJECT || first == JSON_ARRAY) {
		/* The value is over when its own bracket is closed. */
		size_t depth = reader->depth - 1;
		while (reader->depth > depth) {
			if (json_next(reader) == JSON_ERROR) {
				return false;
			}
		}
	} else if (first == JSON_ERROR) {
		return false;
	} else {
		assert(first >= JSON_STRING);
	}
	*ret_text = str_slice(reader->input, from, reader->at);
	return true;
}
