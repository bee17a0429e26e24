/*
 * Any bytes as a path and a JSON text, parted by the first line end: the path is a row of keys or
 * positions with a dot before each. What is written must be JSON again, and without a path all of
 * the text, as the reader of codec/json.h sees it; but that one refuses keys that stand twice.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/json.h"
#include "codec/json_path.h"
#include "codec/number.h"

enum { MOST_STEPS = 8, MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum verdict { NO_JSON, JSON_TEXT, TWICE };

static enum verdict judge(struct str text, struct arena *arena)
{
	struct json_reader reader;
	enum json_event event;
	json_reader_init(&reader, text, JSON_PATH_DEPTH, arena);
	do {
		event = json_next(&reader);
	} while (event != JSON_END && event != JSON_ERROR);
	if (event == JSON_END) {
		return JSON_TEXT;
	}
	/* Such a key hides what the reader would say of the rest. */
	bool twice = str_starts_with(str_from(reader.error.message), STR("a key stands twice"));
	return twice ? TWICE : NO_JSON;
}

static size_t read_path(struct str text, struct json_step steps[MOST_STEPS])
{
	size_t count = 0;
	while (text.len > 0 && count < MOST_STEPS) {
		struct json_step *step = &steps[count++];
		step->key = str_split(&text, '.');
		step->is_position = number_parse_integer(step->key, &step->position) == NUMBER_OK;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct buf buf;
	struct json_step steps[MOST_STEPS];
	struct str json = {(const char *)data, size};
	struct str text = str_split(&json, '\n');
	arena_init(&arena, 4096);
	buf_init(&buf, MOST_BYTES);
	enum verdict verdict = judge(json, &arena);
	struct json_path path = {steps, 0, false};
	bool found = json_path_write(&path, json, &buf);
	assert(verdict == TWICE || found == (verdict == JSON_TEXT));
	assert(found == (buf.len > 0));
	bool valid = found;

	path.count = read_path(text, steps);
	buf_clear(&buf);
	found = json_path_write(&path, json, &buf);
	assert(!found || valid);
	assert(found == (buf.len > 0));
	verdict = judge(buf_str(&buf), &arena);
	assert(!found || verdict != NO_JSON);
	path.as_text = true;
	buf_clear(&buf);
	bool found_text = json_path_write(&path, json, &buf);
	assert(!found_text || found);
	buf_finish(&buf);
	arena_finish(&arena);
	return 0;
}
