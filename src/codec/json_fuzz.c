/*
 * Any bytes as JSON. What is accepted must survive being minified; each string and each number in
 * it must survive being written and read again; nothing may be read outside the input.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/json.h"
#include "codec/number.h"
#include "codec/utf8.h"

enum { DEPTH = 32, MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(struct str text, struct arena *arena)
{
	struct buf buf;
	struct json_reader reader;
	assert(utf8_check(text) == text.len);
	buf_init(&buf, MOST_BYTES);
	json_write_string(&buf, text);
	json_reader_init(&reader, buf_str(&buf), 1, arena);
	enum json_event event = json_next(&reader);
	assert(event == JSON_STRING && str_equal(reader.text, text));
	event = json_next(&reader);
	assert(event == JSON_END);
	buf_finish(&buf);
}

static void check_number(struct str text)
{
	struct buf buf;
	double number;
	double again;
	int64_t integer;
	buf_init(&buf, MOST_BYTES);
	enum number_result result = number_parse_double(text, &number);
	assert(result != NUMBER_SYNTAX);
	if (result == NUMBER_OK) {
		json_write_double(&buf, number);
		result = number_parse_double(buf_str(&buf), &again);
		assert(result == NUMBER_OK && again == number);
	}
	if (number_parse_integer(text, &integer) == NUMBER_OK) {
		buf_clear(&buf);
		buf_append_int(&buf, integer);
		assert(str_equal(buf_str(&buf), text));
	}
	if (number_parse_decimal(text, 18, 6, &integer) == NUMBER_OK) {
		int64_t decimal;
		buf_clear(&buf);
		number_write_decimal(&buf, integer, 6);
		result = number_parse_decimal(buf_str(&buf), 18, 6, &decimal);
		assert(result == NUMBER_OK && decimal == integer);
	}
	buf_finish(&buf);
}

/* Both texts have the same events. */
static void check_same(struct str a, struct str b, struct arena *arena)
{
	struct json_reader left;
	struct json_reader right;
	enum json_event event;
	json_reader_init(&left, a, DEPTH, arena);
	json_reader_init(&right, b, DEPTH, arena);
	do {
		event = json_next(&left);
		enum json_event other = json_next(&right);
		assert(event == other && event != JSON_ERROR);
		assert(str_equal(left.text, right.text));
	} while (event != JSON_END);
}

static void check(struct str input, struct arena *arena)
{
	struct json_reader reader;
	enum json_event event;
	json_reader_init(&reader, input, DEPTH, arena);
	do {
		event = json_next(&reader);
		assert(reader.at <= input.len && reader.event_at <= input.len);
		if (event == JSON_KEY || event == JSON_STRING) {
			check_string(reader.text, arena);
		} else if (event == JSON_NUMBER) {
			check_number(reader.text);
		}
	} while (event != JSON_END && event != JSON_ERROR);
	if (event == JSON_ERROR) {
		assert(reader.error.code == ERROR_BODY && reader.error.at <= input.len);
		assert(utf8_check(str_from(reader.error.message)) == strlen(reader.error.message));
		return;
	}
	struct buf minified;
	buf_init(&minified, MOST_BYTES);
	json_write_minified(&minified, input);
	assert(minified.len <= input.len);
	check_same(input, buf_str(&minified), arena);
	buf_finish(&minified);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 4096);
	check((struct str){(const char *)data, size}, &arena);
	arena_finish(&arena);
	return 0;
}
