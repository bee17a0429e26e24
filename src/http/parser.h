/*
 * The head of a request, from its first byte to the empty line, read in one pass from bytes that
 * may come in pieces. Pure: it does no I/O and takes no memory.
 *
 * Ownership: the texts point into the caller's bytes; when these move, http_parser_rebase().
 * Threads: one at a time. Errors: parser.error and parser.why.
 * Limits: request_line_bytes (line end not counted), header_bytes (line ends of fields counted, the
 * empty line not), header_fields. All inclusive.
 */
#ifndef ROWLOCK_HTTP_PARSER_H
#define ROWLOCK_HTTP_PARSER_H

#include "base/limits.h"
#include "http/http.h"

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

/* How the length of the body is told. */
enum http_framing { HTTP_FRAMING_NONE, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED };

/* In the order of the bytes. */
enum http_parser_state {
	HTTP_AT_START,
	HTTP_AT_START_LF,
	HTTP_AT_METHOD,
	HTTP_AT_TARGET,
	HTTP_AT_VERSION,
	HTTP_AT_VERSION_CR,
	HTTP_AT_VERSION_LF,
	HTTP_AT_FIELD,
	HTTP_AT_NAME,
	HTTP_AT_SPACE,
	HTTP_AT_VALUE,
	HTTP_AT_VALUE_LF,
	HTTP_AT_END_LF,
	HTTP_AT_DONE,
};

struct http_parser {
	const struct limits *limits; /* borrowed */
	struct http_field *fields;   /* borrowed: room for limits->header_fields */
	const char *base;            /* the first byte of the request */
	const char *at;              /* the next byte to be read */
	const char *mark;            /* where the current token began */
	const char *line;            /* where the request line, later the first field, began */
	enum http_parser_state state;
	unsigned minor; /* of the version; 0 or 1 */

	struct str method;
	struct str target;
	size_t field_count;
	/* Fields that the server itself needs: 1 + their number, 0 when they are not there. */
	size_t host, accept_encoding;
	enum http_framing framing;
	uint64_t content_length;
	bool has_length;
	size_t transfer_fields;
	bool chunked;
	bool says_close, says_keep_alive;
	bool expects_continue;
	bool expects_other;

	enum error_code error;
	const char *why; /* static text */
};

/* `base` is where the bytes of the request begin. */
void http_parser_init(struct http_parser *parser, const struct limits *limits,
					  struct http_field *fields, const char *base);
/* Reads on, up to `end`. After DONE parser->at is the first byte behind the head. */
enum http_parse http_parser_run(struct http_parser *parser, const char *end);
/* The bytes have been moved: what was at parser->base is now at `base`. */
void http_parser_rebase(struct http_parser *parser, const char *base);
/* Fills in what the head says; only after DONE. `body` and `peer` are left alone. */
void http_parser_request(const struct http_parser *parser, struct http_request *request);
/* The value of Accept-Encoding, "" when there is none. */
struct str http_parser_accept_encoding(const struct http_parser *parser);

/* Classes of characters, RFC 9110 5.6.2 and 5.5, RFC 3986. */
enum {
	HTTP_CLASS_TOKEN = 1,
	HTTP_CLASS_TARGET = 2, /* visible, or above ASCII; not '#' */
	HTTP_CLASS_VALUE = 4,  /* space, tab, visible, or above ASCII */
	HTTP_CLASS_HOST = 8,   /* reg-name */
};
extern const unsigned char http_char_class[256];

#endif
