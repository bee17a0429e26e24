/*
 * Any bytes as JSON: what is good stays good without its white space and in pieces, and its members
 * can be walked; what wants more is no prefix of something bad.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "json.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_members(struct js_span object)
{
	struct js_member member;
	while (js_json_member(&object, &member)) {
		struct js_scanned scanned;
		char *decoded = malloc(member.name.len + 1);
		assert(decoded != NULL);
		assert(js_json_unescape(member.name, decoded) <= member.name.len);
		free(decoded);
		assert(js_json_check(member.value, &scanned));
		if (member.value.ptr[0] == '{') {
			check_members(member.value);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct js_sys plain = {NULL, NULL};
	struct js_span text = {(const char *)data, size};
	struct js_scanned scanned;
	struct jsonstore_text form = {NULL, 0, 0};
	struct jsonstore_error error;
	if (!js_json_check(text, &scanned)) {
		assert(scanned.at >= text.ptr && scanned.at <= text.ptr + size);
		return 0;
	}
	char *squeezed = malloc(size + 1);
	assert(squeezed != NULL);
	struct js_span value = {squeezed, js_json_squeeze(js_json_trim(text), squeezed)};
	bool good = js_json_check(value, &scanned);
	assert(good && !scanned.spaced);
	for (size_t half = 0; half < value.len; half++) {
		enum js_scan scan = js_json_scan(value.ptr, value.ptr + half, false, &scanned);
		assert(scan == JS_SCAN_MORE);
	}
	good = js_value_form(&plain, value, &form, &error);
	assert(good);
	if (value.ptr[0] == '{') {
		check_members(value);
		form.length = 0;
		good = js_record_merge(&plain, value, value, &form, &error);
		assert(!good || js_json_check(js_text_span(&form), &scanned));
	}
	jsonstore_text_free(&form);
	free(squeezed);
	return 0;
}
