/*
 * A scanner of its own rather than codec/json.h: it takes duplicate keys and no memory at all. It
 * passes over all of the text once, so that what it answers never depends on a text that is no
 * JSON, and once more over the part that each further step leads into.
 */
#include "codec/json_path.h"

#include <string.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "codec/utf8.h"

struct scan {
	struct str text;
	size_t at; /* next byte */
};

static bool scan_value(struct scan *scan, size_t depth);

static bool next_is(const struct scan *scan, char byte)
{
	return scan->at < scan->text.len && scan->text.ptr[scan->at] == byte;
}

/* Passes over the byte when it stands there. */
static bool take(struct scan *scan, char byte)
{
	bool is_there = next_is(scan, byte);
	scan->at += is_there;
	return is_there;
}

static void skip_space(struct scan *scan)
{
	while (next_is(scan, ' ') || next_is(scan, '\n') || next_is(scan, '\r') ||
		   next_is(scan, '\t')) {
		scan->at++;
	}
}

/* ---- strings ---- */

/* The unit of the \uXXXX at `at`; negative when no such escape stands there. */
static int32_t escaped_unit(struct str text, size_t at)
{
	int32_t unit = 0;
	if (!str_equal(str_slice(text, at, at + 2), STR("\\u")) || text.len - at < 6) {
		return -1;
	}
	for (size_t i = at + 2; i < at + 6; i++) {
		int value = hex_value(text.ptr[i]);
		if (value < 0) {
			return -1;
		}
		unit = unit << 4 | value;
	}
	return unit;
}

/* What the escape at *at stands for, moving *at behind it; 0 bytes when it is none. */
static size_t read_escape(struct str text, size_t *at, char ret_bytes[4])
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	int32_t unit = escaped_unit(text, *at);
	if (unit < 0) {
		const char *found = NULL;
		if (text.len - *at >= 2) {
			found = memchr(plain, text.ptr[*at + 1], sizeof(plain) - 1);
		}
		if (found == NULL) {
			return 0;
		}
		ret_bytes[0] = meant[found - plain];
		*at += 2;
		return 1;
	}
	uint32_t code = (uint32_t)unit;
	*at += 6;
	if (code >= 0xd800 && code <= 0xdfff) {
		int32_t low = escaped_unit(text, *at);
		if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
			return 0;
		}
		code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
		*at += 6;
	}
	return utf8_write(ret_bytes, code);
}

/* Passes over the string; *ret_raw is what stands between its quotes. */
static bool scan_string(struct scan *scan, struct str *ret_raw)
{
	struct str text = scan->text;
	char code_point[4];
	if (!take(scan, '"')) {
		return false;
	}
	size_t at = scan->at;
	while (at < text.len && text.ptr[at] != '"') {
		unsigned char byte = (unsigned char)text.ptr[at];
		if (byte == '\\') {
			if (read_escape(text, &at, code_point) == 0) {
				return false;
			}
		} else if (byte < 0x80) {
			if (byte < 0x20) {
				return false;
			}
			at++;
		} else {
			size_t len = utf8_sequence(text, at);
			if (len == 0) {
				return false;
			}
			at += len;
		}
	}
	*ret_raw = str_slice(text, scan->at, at);
	scan->at = at;
	return take(scan, '"');
}

/* Does the string, which was scanned, say `key`? */
static bool says(struct str raw, struct str key)
{
	size_t escape = str_find(raw, '\\', 0);
	for (size_t at = 0; at < raw.len; escape = str_find(raw, '\\', at)) {
		struct str plain = str_slice(raw, at, escape);
		if (!str_starts_with(key, plain)) {
			return false;
		}
		key = str_slice(key, plain.len, key.len);
		at = escape;
		if (at < raw.len) {
			char bytes[4];
			struct str code_point = {bytes, read_escape(raw, &at, bytes)};
			if (!str_starts_with(key, code_point)) {
				return false;
			}
			key = str_slice(key, code_point.len, key.len);
		}
	}
	return key.len == 0;
}

/* Writes what the string, which was scanned, says. */
static void write_said(struct buf *buf, struct str raw)
{
	for (size_t at = 0; at < raw.len;) {
		size_t escape = str_find(raw, '\\', at);
		buf_append(buf, str_slice(raw, at, escape));
		at = escape;
		if (at < raw.len) {
			char bytes[4];
			struct str code_point = {bytes, read_escape(raw, &at, bytes)};
			buf_append(buf, code_point);
		}
	}
}

/* ---- values ---- */

static bool scan_digits(struct scan *scan)
{
	size_t from = scan->at;
	while (scan->at < scan->text.len && scan->text.ptr[scan->at] >= '0' &&
		   scan->text.ptr[scan->at] <= '9') {
		scan->at++;
	}
	return scan->at > from;
}

static bool scan_number(struct scan *scan)
{
	take(scan, '-');
	if (!take(scan, '0') && !scan_digits(scan)) {
		return false;
	}
	if (take(scan, '.') && !scan_digits(scan)) {
		return false;
	}
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+')) {
			take(scan, '-');
		}
		return scan_digits(scan);
	}
	return true;
}

static bool scan_word(struct scan *scan, struct str word)
{
	struct str found = str_slice(scan->text, scan->at, scan->at + word.len);
	scan->at += found.len;
	return str_equal(found, word);
}

/* Passes over the object. *ret_value becomes the value of `key`, the last one when there are
 * several, and is left alone when there is none. `key` may be NULL. */
static bool scan_object(struct scan *scan, const struct str *key, size_t depth,
						struct str *ret_value)
{
	scan->at++;
	skip_space(scan);
	if (take(scan, '}')) {
		return true;
	}
	do {
		struct str raw;
		skip_space(scan);
		if (!scan_string(scan, &raw)) {
			return false;
		}
		skip_space(scan);
		if (!take(scan, ':')) {
			return false;
		}
		skip_space(scan);
		size_t from = scan->at;
		if (!scan_value(scan, depth)) {
			return false;
		}
		if (key != NULL && says(raw, *key)) {
			*ret_value = str_slice(scan->text, from, scan->at);
		}
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, '}');
}

/* Passes over the array, counting its items. *ret_value becomes the one at `position` and is left
 * alone when there is none. */
static bool scan_array(struct scan *scan, uint64_t position, size_t depth, uint64_t *ret_count,
					   struct str *ret_value)
{
	uint64_t count = 0;
	scan->at++;
	skip_space(scan);
	if (!next_is(scan, ']')) {
		do {
			skip_space(scan);
			size_t from = scan->at;
			if (!scan_value(scan, depth)) {
				return false;
			}
			if (count == position) {
				*ret_value = str_slice(scan->text, from, scan->at);
			}
			count++;
			skip_space(scan);
		} while (take(scan, ','));
	}
	*ret_count = count;
	return take(scan, ']');
}

/* Passes over the value that begins at scan->at; `depth` objects and arrays are open around it.
 * Calls itself no deeper than JSON_PATH_DEPTH. */
static bool scan_value(struct scan *scan, size_t depth)
{
	struct str unused;
	uint64_t count;
	if (scan->at == scan->text.len) {
		return false;
	}
	switch (scan->text.ptr[scan->at]) {
	case '{':
		return depth < JSON_PATH_DEPTH && scan_object(scan, NULL, depth + 1, &unused);
	case '[':
		return depth < JSON_PATH_DEPTH && scan_array(scan, UINT64_MAX, depth + 1, &count, &unused);
	case '"':
		return scan_string(scan, &unused);
	case 't':
		return scan_word(scan, STR("true"));
	case 'f':
		return scan_word(scan, STR("false"));
	case 'n':
		return scan_word(scan, STR("null"));
	default:
		return scan_number(scan);
	}
}

/* ---- paths ---- */

static bool is_at_end(struct scan *scan)
{
	skip_space(scan);
	return scan->at == scan->text.len;
}

/* One step into the array at scan->at. */
static bool step_into_array(struct scan *scan, const struct json_step *step, struct str *ret_value)
{
	bool from_end = step->position < 0;
	uint64_t position = from_end || !step->is_position ? UINT64_MAX : (uint64_t)step->position;
	uint64_t count;
	size_t from = scan->at;
	if (!scan_array(scan, position, 1, &count, ret_value) || !is_at_end(scan)) {
		return false;
	}
	uint64_t back = (uint64_t)0 - (uint64_t)step->position;
	if (step->is_position && from_end && back <= count) {
		scan->at = from;
		return scan_array(scan, count - back, 1, &count, ret_value);
	}
	return true;
}

/* One step into the text. False when it is no JSON or nothing is there. */
static bool step_into(struct str text, const struct json_step *step, struct str *ret_value)
{
	struct scan scan = {text, 0};
	struct str found = {NULL, 0}; /* a value has at least one byte */
	bool good = false;
	skip_space(&scan);
	if (next_is(&scan, '{')) {
		good = scan_object(&scan, &step->key, 1, &found) && is_at_end(&scan);
	} else if (next_is(&scan, '[')) {
		good = step_into_array(&scan, step, &found);
	}
	if (!good || found.len == 0) {
		return false;
	}
	*ret_value = found;
	return true;
}

/* All of the text, without the white space around it. */
static bool find_whole(struct str text, struct str *ret_value)
{
	struct scan scan = {text, 0};
	skip_space(&scan);
	size_t from = scan.at;
	if (!scan_value(&scan, 0)) {
		return false;
	}
	*ret_value = str_slice(text, from, scan.at);
	return is_at_end(&scan);
}

bool json_path_write(const struct json_path *path, struct str json, struct buf *buf)
{
	struct str value = json;
	if (path->count == 0 && !find_whole(json, &value)) {
		return false;
	}
	for (size_t i = 0; i < path->count; i++) {
		if (!step_into(value, &path->steps[i], &value)) {
			return false;
		}
	}
	if (!path->as_text) {
		json_write_minified(buf, value);
		return true;
	}
	if (str_equal(value, STR("null"))) {
		return false;
	}
	if (value.ptr[0] == '"') {
		write_said(buf, str_slice(value, 1, value.len - 1));
	} else {
		json_write_minified(buf, value);
	}
	return true;
}
