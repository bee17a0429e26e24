#include "fail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts a character that snprintf() left half, and ends the rest. */
static void end_text(char *text, size_t size, int wanted)
{
	if (wanted < 0 || (size_t)wanted < size) {
		return;
	}
	size_t end = size - 1;
	while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80) {
		end--;
	}
	if (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0xc0) {
		end--;
	}
	text[end] = '\0';
}

static void begin(struct jsonstore_error *error, int code, const char *file)
{
	*error = (struct jsonstore_error){.code = code};
	end_text(error->file, sizeof(error->file),
			 snprintf(error->file, sizeof(error->file), "%s", file));
}

bool js_fail(struct jsonstore_error *error, int code, const char *format, ...)
{
	va_list arguments;
	begin(error, code, "");
	va_start(arguments, format);
	end_text(error->message, sizeof(error->message),
			 vsnprintf(error->message, sizeof(error->message), format, arguments));
	va_end(arguments);
	return false;
}

bool js_fail_memory(struct jsonstore_error *error)
{
	return js_fail(error, JSONSTORE_NO_MEMORY, "out of memory");
}

bool js_fail_io(struct jsonstore_error *error, const char *what, const char *file)
{
	int number = errno;
	char text[128];
	begin(error, number == ENOMEM ? JSONSTORE_NO_MEMORY : JSONSTORE_IO, file);
	error->system = number;
	end_text(error->message, sizeof(error->message),
			 snprintf(error->message, sizeof(error->message), "%s: cannot %s: %s", file, what,
					  strerror_r(number, text, sizeof(text))));
	return false;
}

bool js_fail_damaged(struct jsonstore_error *error, const char *file, uint64_t offset,
					 const char *what)
{
	begin(error, JSONSTORE_DAMAGED, file);
	error->offset = offset;
	end_text(error->message, sizeof(error->message),
			 snprintf(error->message, sizeof(error->message), "%s: damaged at byte %" PRIu64 ": %s",
					  file, offset, what));
	return false;
}

bool js_fail_at(struct jsonstore_error *error, int code, const char *file, uint64_t line,
				uint64_t column, const char *what)
{
	begin(error, code, file);
	error->line = line;
	error->column = column;
	end_text(error->message, sizeof(error->message),
			 snprintf(error->message, sizeof(error->message), "%s:%" PRIu64 ":%" PRIu64 ": %s",
					  file, line, column, what));
	return false;
}
