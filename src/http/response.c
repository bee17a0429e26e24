#include "http/response.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

/* X(status, reason) */
#define STATUS_TABLE(X)                                                                            \
	X(200, "OK")                                                                                   \
	X(201, "Created")                                                                              \
	X(202, "Accepted")                                                                             \
	X(204, "No Content")                                                                           \
	X(205, "Reset Content")                                                                        \
	X(206, "Partial Content")                                                                      \
	X(207, "Multi-Status")                                                                         \
	X(300, "Multiple Choices")                                                                     \
	X(301, "Moved Permanently")                                                                    \
	X(302, "Found")                                                                                \
	X(303, "See Other")                                                                            \
	X(304, "Not Modified")                                                                         \
	X(307, "Temporary Redirect")                                                                   \
	X(308, "Permanent Redirect")                                                                   \
	X(400, "Bad Request")                                                                          \
	X(401, "Unauthorized")                                                                         \
	X(402, "Payment Required")                                                                     \
	X(403, "Forbidden")                                                                            \
	X(404, "Not Found")                                                                            \
	X(405, "Method Not Allowed")                                                                   \
	X(406, "Not Acceptable")                                                                       \
	X(408, "Request Timeout")                                                                      \
	X(409, "Conflict")                                                                             \
	X(410, "Gone")                                                                                 \
	X(411, "Length Required")                                                                      \
	X(412, "Precondition Failed")                                                                  \
	X(413, "Content Too Large")                                                                    \
	X(414, "URI Too Long")                                                                         \
	X(415, "Unsupported Media Type")                                                               \
	X(416, "Range Not Satisfiable")                                                                \
	X(417, "Expectation Failed")                                                                   \
	X(418, "I'm a teapot")                                                                         \
	X(422, "Unprocessable Content")                                                                \
	X(423, "Locked")                                                                               \
	X(424, "Failed Dependency")                                                                    \
	X(428, "Precondition Required")                                                                \
	X(429, "Too Many Requests")                                                                    \
	X(431, "Request Header Fields Too Large")                                                      \
	X(500, "Internal Server Error")                                                                \
	X(501, "Not Implemented")                                                                      \
	X(502, "Bad Gateway")                                                                          \
	X(503, "Service Unavailable")                                                                  \
	X(504, "Gateway Timeout")                                                                      \
	X(505, "HTTP Version Not Supported")                                                           \
	X(507, "Insufficient Storage")

#define LINE(status, reason) STR_INIT("HTTP/1.1 " #status " " reason "\r\nServer: rowlock\r\n")

static const struct str ok_line = LINE(200, "OK");

/* An index by status: one load in place of a search. */
static const struct str lines[600] = {
#define X(status, reason) [status] = LINE(status, reason),
	STATUS_TABLE(X)
#undef X
};

/* Status line and what follows it are at most this long. */
#define FIXED_BYTES 320

static inline char *put(char *p, const char *bytes, size_t count)
{
	memcpy(p, bytes, count);
	return p + count;
}
#define PUT(p, literal) put((p), "" literal, sizeof(literal) - 1)

static char *put_number(char *p, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return put(p, digits + i, sizeof(digits) - i);
}

static char *put_line(char *p, int status)
{
	if (status == 200) {
		return put(p, ok_line.ptr, ok_line.len);
	}
	assert(status >= 200 && status < 600);
	struct str line = lines[status];
	if (line.len > 0) {
		return put(p, line.ptr, line.len);
	}
	/* RFC 9112 4: the reason may be empty, the space before it not. */
	p = PUT(p, "HTTP/1.1 ");
	p = put_number(p, (uint64_t)status);
	return PUT(p, " \r\nServer: rowlock\r\n");
}

/* The fields, with "-gz" before the quote that closes an ETag: another representation. */
static char *put_packed_fields(char *p, struct str fields)
{
	bool tagged = false; /* only once: there is room for one */
	while (fields.len > 0) {
		struct str line = str_split(&fields, '\n');
		size_t len = line.len; /* with its "\r" */
		bool tag = str_equal_nocase(str_slice(line, 0, 5), STR("ETag:"));
		if (!tagged && tag && len >= 2 && line.ptr[len - 2] == '"') {
			tagged = true;
			p = put(p, line.ptr, len - 2);
			p = PUT(p, "-gz\"\r\n");
		} else {
			p = put(p, line.ptr, len);
			p = PUT(p, "\n");
		}
	}
	return p;
}

/* Is Accept-Encoding among what Vary fields name? `*` stands for everything. */
static bool varies_by_encoding(struct str fields)
{
	while (fields.len > 0) {
		struct str line = str_split(&fields, '\n');
		line = str_slice(line, 0, line.len - 1); /* its "\r" */
		if (!str_equal_nocase(str_split(&line, ':'), STR("Vary"))) {
			continue;
		}
		while (line.len > 0) {
			struct str member = str_trim(str_split(&line, ','));
			if (str_equal_nocase(member, STR("Accept-Encoding")) || str_equal(member, STR("*"))) {
				return true;
			}
		}
	}
	return false;
}

void http_response_write(struct buf *out, const struct http_response *response,
						 const char date[HTTP_DATE_BYTES])
{
	struct str fields = response->fields;
	char *begin = buf_reserve(out, FIXED_BYTES + response->content_type.len + fields.len);
	if (begin == NULL) {
		return;
	}
	char *p = put_line(begin, response->status);
	p = put(p, date, HTTP_DATE_BYTES - 1);
	if (response->content_type.len > 0) {
		p = PUT(p, "Content-Type: ");
		p = put(p, response->content_type.ptr, response->content_type.len);
		p = PUT(p, "\r\n");
	}
	if (response->length == HTTP_LENGTH_KNOWN) {
		p = PUT(p, "Content-Length: ");
		p = put_number(p, response->bytes);
		p = PUT(p, "\r\n");
	} else if (response->length == HTTP_LENGTH_CHUNKED) {
		p = PUT(p, "Transfer-Encoding: chunked\r\n");
	}
	if (response->persistence == HTTP_PERSIST_CLOSE) {
		p = PUT(p, "Connection: close\r\n");
	} else if (response->persistence == HTTP_PERSIST_KEEP_ALIVE) {
		p = PUT(p, "Connection: keep-alive\r\n");
	}
	if (response->vary && !varies_by_encoding(fields)) {
		p = PUT(p, "Vary: Accept-Encoding\r\n");
	}
	if (response->gzip) {
		p = PUT(p, "Content-Encoding: gzip\r\n");
		p = put_packed_fields(p, fields);
	} else if (fields.len > 0) {
		p = put(p, fields.ptr, fields.len);
	}
	p = PUT(p, "\r\n");
	buf_added(out, (size_t)(p - begin));
}

void http_response_date(int64_t seconds, char ret_date[HTTP_DATE_BYTES])
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
									   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t time = (time_t)seconds;
	struct tm tm;
	gmtime_r(&time, &tm);
	/* The remainders tell the compiler how long the text can get. */
	snprintf(ret_date, HTTP_DATE_BYTES, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
			 days[tm.tm_wday], (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
			 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
			 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

bool http_response_has(struct str fields, struct str name)
{
	while (fields.len > 0) {
		struct str line = str_split(&fields, '\n');
		if (line.len > name.len && line.ptr[name.len] == ':' &&
			str_equal_nocase(str_slice(line, 0, name.len), name)) {
			return true;
		}
	}
	return false;
}
