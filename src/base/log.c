#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	LINE_BYTES = 8192,
	END_BYTES = 3, /* kept for the last quote, brace and line feed */
};

struct line {
	char bytes[LINE_BYTES];
	size_t len;
	bool full; /* something did not fit; nothing more is added */
};

static const struct {
	const char *text;
	const char *json;
} level_names[] = {
	[LOG_INFO] = {"INFO ", "info"},
	[LOG_WARNING] = {"WARN ", "warning"},
	[LOG_ERROR] = {"ERROR", "error"},
};

/* All or nothing. */
static void add(struct line *line, const char *bytes, size_t count)
{
	if (line->full || line->len + count > sizeof(line->bytes) - END_BYTES) {
		line->full = true;
		return;
	}
	memcpy(line->bytes + line->len, bytes, count);
	line->len += count;
}

static void add_text(struct line *line, const char *text)
{
	add(line, text, strlen(text));
}

static void add_number(struct line *line, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, number);
	add(line, digits, (size_t)len);
}

/* Bytes of the well-formed UTF-8 character at the start of s (RFC 3629, 4); 0 when there is none.
 * codec/utf8.h does the same, but stands above this layer. */
static size_t character_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	unsigned char least = 0x80; /* of the second byte: no overlong forms, surrogates, > 10FFFF */
	unsigned char most = 0xbf;
	size_t len;
	if (p[0] < 0x80) {
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		least = p[0] == 0xe0 ? 0xa0 : 0x80;
		most = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		least = p[0] == 0xf0 ? 0x90 : 0x80;
		most = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (s.len < len || p[1] < least || p[1] > most) {
		return 0;
	}
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return len;
}

/* Adds \xNN; in JSON the backslash is itself escaped, so that the byte can be read there too. */
static void add_raw_byte(struct line *line, unsigned char byte, enum log_format format)
{
	static const char hex[] = "0123456789abcdef";
	const char bytes[] = {'\\', '\\', 'x', hex[byte >> 4], hex[byte & 15]};
	size_t skip = format == LOG_JSON ? 0 : 1;
	add(line, bytes + skip, sizeof(bytes) - skip);
}

static void add_control(struct line *line, unsigned char code)
{
	static const char hex[] = "0123456789abcdef";
	const char bytes[] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
	add(line, bytes, sizeof(bytes));
}

/* Adds text as it stands between quotes, cut between two characters when the line is full. C1
 * controls are escaped like C0: a terminal may obey them. */
static void add_escaped(struct line *line, struct str text, enum log_format format)
{
	for (size_t i = 0; i < text.len && !line->full;) {
		struct str rest = str_slice(text, i, text.len);
		unsigned char byte = (unsigned char)rest.ptr[0];
		size_t len = character_len(rest);
		if (len == 0) {
			add_raw_byte(line, byte, format);
			len = 1;
		} else if (byte == '"' || byte == '\\') {
			add(line, (const char[]){'\\', (char)byte}, 2);
		} else if (byte == '\n') {
			add_text(line, "\\n");
		} else if (byte < 0x20 || byte == 0x7f) {
			add_control(line, byte);
		} else if (byte == 0xc2 && (unsigned char)rest.ptr[1] < 0xa0) {
			add_control(line, (unsigned char)rest.ptr[1]);
		} else {
			add(line, rest.ptr, len);
		}
		i += len;
	}
}

static bool needs_quotes(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\') {
			return true;
		}
	}
	return text.len == 0;
}

/* RFC 3339. Not gmtime_r(): glibc's takes a lock that all loops would share. */
static void add_time(struct line *line, int64_t wall_us)
{
	int64_t ms = wall_us / 1000;
	int64_t day = ms / 86400000;
	int64_t in_day = ms % 86400000;
	if (in_day < 0) {
		in_day += 86400000;
		day--;
	}
	/* Days are counted from 1 March of year 0, so that the leap day is the last of its year; an era
	 * is 400 years. The months from March on have 30.6 days on average: 153 in five. */
	int64_t days = day + 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	int64_t date = of_year - (153 * month + 2) / 5 + 1;
	year += era * 400 + (month >= 10);
	month += month < 10 ? 3 : -9;

	char text[64];
	int len = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year,
					   (int)month, (int)date, (int)(in_day / 3600000), (int)(in_day / 60000 % 60),
					   (int)(in_day / 1000 % 60), (int)(in_day % 1000));
	add(line, text, (size_t)len);
}

/* A field whose beginning does not fit is left out whole: a line that is cut stays valid. */
static void add_field(struct line *line, const struct log_field *field, enum log_format format)
{
	size_t before = line->len;
	bool json = format == LOG_JSON;
	bool quoted = field->kind == LOG_FIELD_TEXT && (json || needs_quotes(field->text));
	add_text(line, json ? ",\"" : " ");
	add_text(line, field->name);
	add_text(line, json ? "\":" : "=");
	if (field->kind == LOG_FIELD_INT) {
		add_number(line, field->number);
	} else if (quoted) {
		add_text(line, "\"");
	}
	if (line->full) {
		line->len = before;
		return;
	}
	if (field->kind == LOG_FIELD_TEXT) {
		add_escaped(line, field->text, format);
	}
	if (quoted) {
		/* Into the bytes kept for the end: a value that was cut has its quote. */
		line->bytes[line->len++] = '"';
	}
}

void log_event(const struct log *log, enum log_level level, const char *message,
			   const struct log_field *fields, size_t count)
{
	if (log->format == LOG_OFF && level != LOG_ERROR) {
		return;
	}
	assert((size_t)level < sizeof(level_names) / sizeof(level_names[0]));
	struct line line;
	line.len = 0;
	line.full = false;
	bool json = log->format == LOG_JSON;

	add_text(&line, json ? "{\"time\":\"" : "");
	add_time(&line, clock_system.wall_us(&clock_system));
	add_text(&line, json ? "\",\"level\":\"" : " ");
	add_text(&line, json ? level_names[level].json : level_names[level].text);
	add_text(&line, json ? "\",\"message\":\"" : " ");
	add_escaped(&line, str_from(message), log->format);
	if (json) {
		line.bytes[line.len++] = '"';
	}
	for (size_t i = 0; i < count && !line.full; i++) {
		add_field(&line, &fields[i], log->format);
	}
	if (json) {
		line.bytes[line.len++] = '}';
	}
	line.bytes[line.len++] = '\n';

	/* Its whole use is that nothing is done about a line that cannot be written. */
	ssize_t written;
	do {
		written = write(log->fd, line.bytes, line.len);
	} while (written < 0 && errno == EINTR);
}
