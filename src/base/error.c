#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct error_info infos[] = {[ERROR_NONE] = {"NONE", "", 200, false, ""},
#define X(code, wire_code, http_status, again, text)                                               \
	[ERROR_##code] = {#code, wire_code, http_status, again, text},
										  ERROR_TABLE(X)
#undef X
};

const struct error_info *error_info(enum error_code code)
{
	assert((size_t)code < sizeof(infos) / sizeof(infos[0]));
	return &infos[code];
}

/* `len` bytes of a longer text were kept; returns how many to keep so that none is part of a code
 * point that was cut. Bytes that are no UTF-8 stay as they are. */
static size_t cut_on_boundary(const char *text, size_t len)
{
	size_t tail = 0; /* continuation bytes at the end */
	while (tail < 3 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80) {
		tail++;
	}
	if (tail == len) {
		return len;
	}
	unsigned char lead = (unsigned char)text[len - 1 - tail];
	size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	return tail < wanted ? len - 1 - tail : len;
}

static void set_text(char *text, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void set_text(char *text, size_t size, const char *format, va_list arguments)
{
	int len = vsnprintf(text, size, format, arguments);
	assert(len >= 0);
	if ((size_t)len >= size) {
		text[cut_on_boundary(text, size - 1)] = '\0';
	}
}

static void set(struct error *error, enum error_code code, size_t at, const char *format,
				va_list arguments) __attribute__((format(printf, 4, 0)));

static void set(struct error *error, enum error_code code, size_t at, const char *format,
				va_list arguments)
{
	assert(code != ERROR_NONE);
	/* The texts are made before anything is overwritten: they may quote the error itself. */
	char message[sizeof(error->message)];
	if (format == NULL) {
		(void)snprintf(message, sizeof(message), "%s", error_info(code)->message);
	} else {
		set_text(message, sizeof(message), format, arguments);
	}
	error->code = code;
	error->at = at;
	memcpy(error->message, message, strlen(message) + 1);
	error->details[0] = '\0';
	error->json = (struct str){NULL, 0};
	error->hint[0] = '\0';
}

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		set(error, code, SIZE_MAX, format, arguments);
		va_end(arguments);
	}
	return false;
}

bool error_set_at(struct error *error, enum error_code code, size_t at, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		set(error, code, at, format, arguments);
		va_end(arguments);
	}
	return false;
}

bool error_details(struct error *error, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		set_text(error->details, sizeof(error->details), format, arguments);
		va_end(arguments);
	}
	return false;
}

bool error_hint(struct error *error, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		set_text(error->hint, sizeof(error->hint), format, arguments);
		va_end(arguments);
	}
	return false;
}
