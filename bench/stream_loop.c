/*
 * The plain loop that streams are measured against: steps one statement, reads every column and
 * writes it as JSON, NDJSON or CSV to a socket, with no more code than that takes. One connection
 * at a time; the path of its request ends with the format. The bytes are those of the server under
 * test, which bench/run checks.
 *
 *   stream_loop DATABASE PORT
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sqlite3.h>

enum { OUT_BYTES = 65536, REQUEST_BYTES = 8192, NUMBER_BYTES = 40 };

enum format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV };
enum kind { KIND_INTEGER, KIND_NUMBER, KIND_TEXT, KIND_BOOLEAN };

struct column {
	const char *name;
	const char *key; /* what stands before the value in JSON */
	enum kind kind;
};

static const struct column columns[] = {
	{"id", "{\"id\":", KIND_INTEGER},       {"kind", ",\"kind\":", KIND_INTEGER},
	{"level", ",\"level\":", KIND_INTEGER}, {"size", ",\"size\":", KIND_INTEGER},
	{"price", ",\"price\":", KIND_NUMBER},  {"rate", ",\"rate\":", KIND_NUMBER},
	{"name", ",\"name\":", KIND_TEXT},      {"city", ",\"city\":", KIND_TEXT},
	{"note", ",\"note\":", KIND_TEXT},      {"done", ",\"done\":", KIND_BOOLEAN},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static const char statement_text[] =
	"SELECT id, kind, level, size, price, rate, name, city, note, done FROM events ORDER BY id";

struct out {
	int fd;
	bool failed;
	size_t len;
	char bytes[OUT_BYTES];
};

static void flush(struct out *out)
{
	size_t at = 0;
	while (at < out->len && !out->failed) {
		ssize_t count = write(out->fd, out->bytes + at, out->len - at);
		if (count > 0) {
			at += (size_t)count;
		} else if (count < 0 && errno != EINTR) {
			out->failed = true;
		}
	}
	out->len = 0;
}

static inline void put_byte(struct out *out, char byte)
{
	if (out->len == OUT_BYTES) {
		flush(out);
	}
	out->bytes[out->len++] = byte;
}

static void put(struct out *out, const char *text, size_t len)
{
	while (len > 0) {
		if (out->len == OUT_BYTES) {
			flush(out);
		}
		size_t part = OUT_BYTES - out->len < len ? OUT_BYTES - out->len : len;
		memcpy(out->bytes + out->len, text, part);
		out->len += part;
		text += part;
		len -= part;
	}
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void put_integer(struct out *out, int64_t number)
{
	char text[NUMBER_BYTES];
	char *at = text + NUMBER_BYTES;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0) {
		*--at = '-';
	}
	put(out, at, (size_t)(text + NUMBER_BYTES - at));
}

/* The fewest digits that read back as the same number. */
static void put_number(struct out *out, double number)
{
	static const double whole_max = 1e15;
	if (number > -whole_max && number < whole_max && number == (double)(int64_t)number) {
		put_integer(out, (int64_t)number);
		return;
	}
	char text[NUMBER_BYTES];
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number) {
			break;
		}
	}
	put_text(out, text);
}

static void put_json_text(struct out *out, const char *text, size_t len)
{
	size_t from = 0; /* of what is not yet written */
	put_byte(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte >= ' ' && byte != '"' && byte != '\\') {
			continue;
		}
		char escape[NUMBER_BYTES];
		(void)snprintf(escape, sizeof(escape), byte < ' ' ? "\\u%04x" : "\\%c", byte);
		put(out, text + from, i - from);
		put_text(out, escape);
		from = i + 1;
	}
	put(out, text + from, len - from);
	put_byte(out, '"');
}

static void put_csv_text(struct out *out, const char *text, size_t len)
{
	bool quoted = len > 0 && (text[0] == ' ' || text[len - 1] == ' ');
	for (size_t i = 0; i < len && !quoted; i++) {
		quoted = text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
	}
	if (!quoted) {
		put(out, text, len);
		return;
	}
	put_byte(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			put_byte(out, '"');
		}
		put_byte(out, text[i]);
	}
	put_byte(out, '"');
}

static void put_value(struct out *out, sqlite3_stmt *stmt, int at, enum format format)
{
	if (sqlite3_column_type(stmt, at) == SQLITE_NULL) {
		put_text(out, format == FORMAT_CSV ? "" : "null");
		return;
	}
	switch (columns[at].kind) {
	case KIND_INTEGER:
		put_integer(out, sqlite3_column_int64(stmt, at));
		break;
	case KIND_NUMBER:
		put_number(out, sqlite3_column_double(stmt, at));
		break;
	case KIND_BOOLEAN:
		put_text(out, sqlite3_column_int64(stmt, at) != 0 ? "true" : "false");
		break;
	case KIND_TEXT: {
		const char *text = (const char *)sqlite3_column_text(stmt, at);
		size_t len = (size_t)sqlite3_column_bytes(stmt, at);
		(format == FORMAT_CSV ? put_csv_text : put_json_text)(out, text, len);
		break;
	}
	}
}

static void put_row(struct out *out, sqlite3_stmt *stmt, enum format format, bool first)
{
	if (format == FORMAT_CSV) {
		put_byte(out, '\n');
	} else if (format == FORMAT_JSON && !first) {
		put_byte(out, ',');
	}
	for (int i = 0; i < COLUMNS; i++) {
		if (format == FORMAT_CSV) {
			put_text(out, i > 0 ? "," : "");
		} else {
			put_text(out, columns[i].key);
		}
		put_value(out, stmt, i, format);
	}
	put_text(out, format == FORMAT_CSV ? "" : format == FORMAT_JSON ? "}" : "}\n");
}

static bool put_rows(struct out *out, sqlite3 *db, enum format format)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(db, statement_text, -1, &stmt, NULL) != SQLITE_OK) {
		return false;
	}
	put_text(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < COLUMNS && format == FORMAT_CSV; i++) {
		put_text(out, i > 0 ? "," : "");
		put_text(out, columns[i].name);
	}
	put_text(out, format == FORMAT_JSON ? "[" : "");
	int rc;
	bool first = true;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && !out->failed) {
		put_row(out, stmt, format, first);
		first = false;
	}
	put_text(out, format == FORMAT_JSON ? "]" : "");
	flush(out);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

/* Reads a request's head; false when the connection ends before it does. */
static bool read_format(int fd, enum format *ret_format)
{
	char head[REQUEST_BYTES];
	size_t len = 0;
	while (len < sizeof(head) - 1) {
		ssize_t count = read(fd, head + len, sizeof(head) - 1 - len);
		if (count <= 0) {
			return false;
		}
		len += (size_t)count;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL) {
			*ret_format = strstr(head, ".csv ") != NULL ? FORMAT_CSV
				: strstr(head, ".ndjson ") != NULL      ? FORMAT_NDJSON
														: FORMAT_JSON;
			return true;
		}
	}
	return false;
}

static int open_listener(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0) {
		perror("stream_loop");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct out out;
	sqlite3 *db = NULL;
	if (argc != 3 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "usage: stream_loop DATABASE PORT\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	int listener = open_listener(argv[2]);
	for (;;) {
		enum format format;
		out.fd = accept(listener, NULL, NULL);
		out.failed = out.fd < 0;
		out.len = 0;
		if (!out.failed && read_format(out.fd, &format) && !put_rows(&out, db, format)) {
			(void)fprintf(stderr, "stream_loop: %s\n", sqlite3_errmsg(db));
		}
		if (out.fd >= 0) {
			(void)close(out.fd);
		}
	}
}
