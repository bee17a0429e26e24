#include "text.h"

#include <stdint.h>
#include <stdlib.h>

#include "fail.h"

enum { SMALLEST = 64 };

bool js_text_reserve(const struct js_sys *sys, struct jsonstore_text *text, size_t more,
					 struct jsonstore_error *error)
{
	if (more <= text->capacity - text->length && text->text != NULL) {
		return true;
	}
	if (more > SIZE_MAX / 4 || text->length > SIZE_MAX / 4) {
		return js_fail_memory(error);
	}
	size_t capacity = text->capacity < SMALLEST ? SMALLEST : text->capacity;
	while (capacity < text->length + more) {
		capacity *= 2;
	}
	char *grown = js_allocate(sys, text->text, capacity);
	if (grown == NULL) {
		return js_fail_memory(error);
	}
	text->text = grown;
	text->capacity = capacity;
	return true;
}

bool js_text_add(const struct js_sys *sys, struct jsonstore_text *text, struct js_span added,
				 struct jsonstore_error *error)
{
	if (!js_text_reserve(sys, text, added.len, error)) {
		return false;
	}
	if (added.len > 0) {
		memcpy(text->text + text->length, added.ptr, added.len);
	}
	text->length += added.len;
	return true;
}

void jsonstore_text_free(struct jsonstore_text *text)
{
	if (text != NULL) {
		free(text->text);
		*text = (struct jsonstore_text){NULL, 0, 0};
	}
}
