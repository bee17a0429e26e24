/*
 * The structured log: one line an event, `key=value` text for people on a terminal, JSON lines when
 * piped. Only http, api and app log; below them errors go up.
 *
 * Ownership: the log owns nothing but its settings; lines are written whole with one write().
 * Threads: all. Errors: a line that cannot be written is dropped. Limits: a line is cut at 8 KiB.
 */
#ifndef ROWLOCK_BASE_LOG_H
#define ROWLOCK_BASE_LOG_H

#include "base/str.h"

enum log_format { LOG_OFF, LOG_TEXT, LOG_JSON };
enum log_level { LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log {
	enum log_format format; /* of access lines and events; errors are written even when off */
	int fd;
};

struct log_field {
	const char *name;
	enum { LOG_FIELD_TEXT, LOG_FIELD_INT } kind;
	struct str text;
	int64_t number;
};

#define LOG_STR(n, s)                                                                              \
	{                                                                                              \
		.name = (n), .kind = LOG_FIELD_TEXT, .text = (s)                                           \
	}
#define LOG_INT(n, i)                                                                              \
	{                                                                                              \
		.name = (n), .kind = LOG_FIELD_INT, .number = (int64_t)(i)                                 \
	}

/* Writes one line: time (RFC 3339, UTC, milliseconds), level, message, fields. Control characters
 * and bytes that are not UTF-8 are escaped, so that no client can forge a line. */
void log_event(const struct log *log, enum log_level level, const char *message,
			   const struct log_field *fields, size_t count);

#endif
