/*
 * Building text in a struct jsonstore_text, and the spans that the library hands around.
 *
 * Ownership: a text owns its bytes; a span borrows. Threads: one. Errors: false, with the error
 * filled. Limits: memory.
 */
#ifndef JSONSTORE_SRC_TEXT_H
#define JSONSTORE_SRC_TEXT_H

#include <string.h>

#include "sys.h"

struct js_span {
	const char *ptr;
	size_t len;
};

#define JS_SPAN(literal) ((struct js_span){(literal), sizeof(literal) - 1})

static inline struct js_span js_span_of(const char *text)
{
	return (struct js_span){text, strlen(text)};
}

static inline struct js_span js_text_span(const struct jsonstore_text *text)
{
	return (struct js_span){text->text, text->length};
}

static inline bool js_span_equal(struct js_span a, struct js_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Room for `more` bytes behind what there is. */
bool js_text_reserve(const struct js_sys *sys, struct jsonstore_text *text, size_t more,
					 struct jsonstore_error *error);
bool js_text_add(const struct js_sys *sys, struct jsonstore_text *text, struct js_span added,
				 struct jsonstore_error *error);

#endif
