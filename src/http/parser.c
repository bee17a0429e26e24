#include "http/parser.h"

#include <assert.h>
#include <string.h>

#include "http/http.h"

/*
 * DESIGN. One pass over the bytes. Each state eats as many bytes as it can in a tight loop over a
 * table of character classes, so the switch below runs once a token, not once a byte. When the
 * bytes end, the state stays and the next call goes on from there; nothing is read twice, however
 * the bytes were cut into pieces. Limits are positions (`limit`) at which the loops stop, so the
 * first offending byte decides which error is found, and it does so for every way to cut.
 */

const unsigned char http_char_class[256] = {
	/* clang-format off */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, /* 00 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
	4, 15, 6, 5, 15, 15, 15, 15, 14, 14, 15, 15, 14, 15, 15, 6, /* 20 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 14, 6, 14, 6, 6, /* 30 */
	6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 40 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 6, 6, 7, 15, /* 50 */
	7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 60 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 7, 6, 15, 0, /* 70 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* 80 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* 90 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* A0 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* B0 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* C0 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* D0 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* E0 */
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, /* F0 */
	/* clang-format on */
};

static inline bool is(char byte, unsigned char class)
{
	return (http_char_class[(unsigned char)byte] & class) != 0;
}

static bool bad(struct http_parser *parser, enum error_code code, const char *why)
{
	parser->error = code;
	parser->why = why;
	return false;
}

void http_parser_init(struct http_parser *parser, const struct limits *limits,
					  struct http_field *fields, const char *base)
{
	*parser = (struct http_parser){
		.limits = limits,
		.fields = fields,
		.base = base,
		.at = base,
		.mark = base,
		.line = base,
	};
}

/* ---- the request line ---- */

/* The end of the bytes, or the limit of the request line when that comes first. */
static inline const char *line_stop(const struct http_parser *parser, const char *end)
{
	uint64_t left = parser->limits->request_line_bytes - (uint64_t)(parser->at - parser->line);
	return (uint64_t)(end - parser->at) > left ? parser->at + left : end;
}

/* The line is not complete: is it too long already? */
static inline bool line_fits(struct http_parser *parser)
{
	if ((uint64_t)(parser->at - parser->line) >= parser->limits->request_line_bytes) {
		return bad(parser, ERROR_URI_TOO_LONG, NULL);
	}
	return true;
}

static bool at_start(struct http_parser *parser)
{
	if (*parser->at == '\r' && parser->at == parser->base) {
		/* RFC 9112 2.2: an empty line before the request line is ignored; one is enough. */
		parser->at++;
		parser->state = HTTP_AT_START_LF;
		return true;
	}
	parser->line = parser->at;
	parser->mark = parser->at;
	parser->state = HTTP_AT_METHOD;
	return true;
}

static bool at_line_feed(struct http_parser *parser, enum http_parser_state next)
{
	if (*parser->at != '\n') {
		return bad(parser, ERROR_HTTP_SYNTAX, "A carriage return stands alone");
	}
	parser->at++;
	parser->state = next;
	return true;
}

static inline bool at_method(struct http_parser *parser, const char *end)
{
	const char *p = parser->at;
	const char *stop = line_stop(parser, end);
	while (p < stop && is(*p, HTTP_CLASS_TOKEN)) {
		p++;
	}
	parser->at = p;
	if (p == stop) {
		return line_fits(parser);
	}
	if (*p != ' ' || p == parser->mark) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed request method");
	}
	parser->method = (struct str){parser->mark, (size_t)(p - parser->mark)};
	parser->at = p + 1;
	parser->mark = p + 1;
	parser->state = HTTP_AT_TARGET;
	return true;
}

static inline bool at_target(struct http_parser *parser, const char *end)
{
	const char *p = parser->at;
	const char *stop = line_stop(parser, end);
	while (p < stop && is(*p, HTTP_CLASS_TARGET)) {
		p++;
	}
	parser->at = p;
	if (p == stop) {
		return line_fits(parser);
	}
	if (*p != ' ' || p == parser->mark) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed request target");
	}
	parser->target = (struct str){parser->mark, (size_t)(p - parser->mark)};
	parser->at = p + 1;
	parser->mark = p + 1;
	parser->state = HTTP_AT_VERSION;
	return true;
}

static inline bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool at_version(struct http_parser *parser, const char *end)
{
	static const char want[] = "HTTP/1.1"; /* the digits may differ */
	const char *p = parser->at;
	const char *stop = line_stop(parser, end);
	while (p < stop) {
		size_t i = (size_t)(p - parser->mark);
		bool digit = is_digit(want[i]);
		if (digit ? !is_digit(*p) : *p != want[i]) {
			return bad(parser, ERROR_HTTP_SYNTAX, "Malformed HTTP version");
		}
		p++;
		if (i + 2 == sizeof(want)) {
			parser->at = p;
			if (parser->mark[5] != '1') {
				return bad(parser, ERROR_HTTP_VERSION, NULL);
			}
			/* RFC 9110 2.5: a later minor version is read as the latest that is known. */
			parser->minor = parser->mark[7] == '0' ? 0 : 1;
			parser->state = HTTP_AT_VERSION_CR;
			return true;
		}
	}
	parser->at = p;
	return line_fits(parser);
}

static bool at_version_cr(struct http_parser *parser)
{
	if (*parser->at != '\r') {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed request line");
	}
	parser->at++;
	parser->state = HTTP_AT_VERSION_LF;
	return true;
}

/* ---- the fields ---- */

static inline const char *header_stop(const struct http_parser *parser, const char *end)
{
	uint64_t left = parser->limits->header_bytes - (uint64_t)(parser->at - parser->line);
	return (uint64_t)(end - parser->at) > left ? parser->at + left : end;
}

static inline bool header_fits(struct http_parser *parser)
{
	if ((uint64_t)(parser->at - parser->line) >= parser->limits->header_bytes) {
		return bad(parser, ERROR_HEADER_TOO_LARGE, NULL);
	}
	return true;
}

static inline bool at_field(struct http_parser *parser)
{
	if (*parser->at == '\r') {
		parser->at++;
		parser->state = HTTP_AT_END_LF;
		return true;
	}
	if (parser->field_count >= parser->limits->header_fields) {
		return bad(parser, ERROR_HEADER_TOO_LARGE, "The request has too many header fields");
	}
	parser->mark = parser->at;
	parser->state = HTTP_AT_NAME;
	return header_fits(parser);
}

static inline bool at_name(struct http_parser *parser, const char *end)
{
	const char *p = parser->at;
	const char *stop = header_stop(parser, end);
	while (p < stop && is(*p, HTTP_CLASS_TOKEN)) {
		p++;
	}
	parser->at = p;
	if (p == stop) {
		return header_fits(parser);
	}
	if (*p != ':' || p == parser->mark) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed name of a header field");
	}
	parser->fields[parser->field_count].name = (struct str){parser->mark,
															(size_t)(p - parser->mark)};
	parser->at = p + 1;
	parser->state = HTTP_AT_SPACE;
	return true;
}

static inline bool at_space(struct http_parser *parser, const char *end)
{
	const char *p = parser->at;
	const char *stop = header_stop(parser, end);
	while (p < stop && (*p == ' ' || *p == '\t')) {
		p++;
	}
	parser->at = p;
	if (p == stop) {
		return header_fits(parser);
	}
	parser->mark = p;
	parser->state = HTTP_AT_VALUE;
	return true;
}

static inline bool at_value(struct http_parser *parser, const char *end)
{
	const char *p = parser->at;
	const char *stop = header_stop(parser, end);
	while (p < stop && is(*p, HTTP_CLASS_VALUE)) {
		p++;
	}
	parser->at = p;
	if (p == stop) {
		return header_fits(parser);
	}
	if (*p != '\r') {
		return bad(parser, ERROR_HTTP_SYNTAX, "Control character in a header field");
	}
	const char *last = p;
	while (last > parser->mark && (last[-1] == ' ' || last[-1] == '\t')) {
		last--;
	}
	parser->fields[parser->field_count].value = (struct str){parser->mark,
															 (size_t)(last - parser->mark)};
	parser->at = p + 1;
	parser->state = HTTP_AT_VALUE_LF;
	return true;
}

/* Content-Length: digits only. A list of equal numbers, which RFC 9110 8.6 lets us accept, is one
 * more way to disagree with a proxy about where a request ends. */
static bool take_length(struct http_parser *parser, struct str value)
{
	uint64_t n = 0;
	if (parser->has_length) {
		return bad(parser, ERROR_HTTP_SYNTAX, "More than one Content-Length");
	}
	if (value.len == 0) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed Content-Length");
	}
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.ptr[i]) || __builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(value.ptr[i] - '0'), &n)) {
			return bad(parser, ERROR_HTTP_SYNTAX, "Malformed Content-Length");
		}
	}
	parser->has_length = true;
	parser->content_length = n;
	return true;
}

static void take_connection(struct http_parser *parser, struct str value)
{
	while (value.len > 0) {
		struct str option = str_trim(str_split(&value, ','));
		if (str_equal_nocase(option, STR("close"))) {
			parser->says_close = true;
		} else if (str_equal_nocase(option, STR("keep-alive"))) {
			parser->says_keep_alive = true;
		}
	}
}

static bool take_host(struct http_parser *parser)
{
	if (parser->host != 0) {
		return bad(parser, ERROR_HTTP_SYNTAX, "More than one Host");
	}
	parser->host = parser->field_count;
	return true;
}

/* A field is complete: notes what the server itself must know. The length of the name rules out
 * nearly all others. */
static inline bool take_field(struct http_parser *parser)
{
	const struct http_field *field = &parser->fields[parser->field_count++];
	switch (field->name.len) {
	case 4:
		return !str_equal_nocase(field->name, STR("Host")) || take_host(parser);
	case 6:
		if (str_equal_nocase(field->name, STR("Expect"))) {
			bool known = str_equal_nocase(field->value, STR("100-continue"));
			*(known ? &parser->expects_continue : &parser->expects_other) = true;
		}
		return true;
	case 10:
		if (str_equal_nocase(field->name, STR("Connection"))) {
			take_connection(parser, field->value);
		}
		return true;
	case 14:
		return !str_equal_nocase(field->name, STR("Content-Length")) ||
			take_length(parser, field->value);
	case 15:
		if (str_equal_nocase(field->name, STR("Accept-Encoding"))) {
			parser->accept_encoding = parser->field_count;
		}
		return true;
	case 17:
		if (str_equal_nocase(field->name, STR("Transfer-Encoding"))) {
			parser->chunked = str_equal_nocase(field->value, STR("chunked"));
			parser->transfer_fields++;
		}
		return true;
	default:
		return true;
	}
}

static inline bool at_value_lf(struct http_parser *parser)
{
	return header_fits(parser) && at_line_feed(parser, HTTP_AT_FIELD) && take_field(parser);
}

/* ---- the whole ---- */

/* A port of digits, or none. */
static bool port_is_good(struct str rest)
{
	if (rest.len == 0) {
		return true;
	}
	if (rest.ptr[0] != ':') {
		return false;
	}
	for (size_t i = 1; i < rest.len; i++) {
		if (!is_digit(rest.ptr[i])) {
			return false;
		}
	}
	return true;
}

/* host [":" port], RFC 3986 3.2.2; may be empty. */
static bool host_is_good(struct str host)
{
	size_t i = 0;
	if (host.len > 0 && host.ptr[0] == '[') {
		i = str_find(host, ']', 0);
		for (size_t k = 1; k < i; k++) {
			if (!is(host.ptr[k], HTTP_CLASS_HOST) && host.ptr[k] != ':') {
				return false;
			}
		}
		return i < host.len && port_is_good(str_slice(host, i + 1, host.len));
	}
	while (i < host.len && is(host.ptr[i], HTTP_CLASS_HOST)) {
		i++;
	}
	return port_is_good(str_slice(host, i, host.len));
}

/* The length of "http://" or "https://" at the start of the target; 0 when there is none. */
static size_t scheme_length(struct str target)
{
	if (str_equal_nocase(str_slice(target, 0, 7), STR("http://"))) {
		return 7;
	}
	return str_equal_nocase(str_slice(target, 0, 8), STR("https://")) ? 8 : 0;
}

struct target {
	struct str host; /* ptr NULL unless in absolute form */
	struct str path;
	struct str query;
};

static bool read_target(const struct http_parser *parser, struct target *ret_target)
{
	struct target target = {.path = parser->target};
	struct str rest = parser->target;
	if (str_equal(rest, STR("*"))) {
		*ret_target = target;
		return str_equal(parser->method, STR("OPTIONS"));
	}
	if (rest.ptr[0] != '/') {
		size_t from = scheme_length(rest);
		size_t to = from;
		while (to < rest.len && rest.ptr[to] != '/' && rest.ptr[to] != '?') {
			to++;
		}
		target.host = str_slice(rest, from, to);
		if (from == 0 || target.host.len == 0 || !host_is_good(target.host)) {
			return false;
		}
		rest = str_slice(rest, to, rest.len);
	}
	struct str path = str_split(&rest, '?');
	target.query = rest;
	target.path = path;
	if (path.len == 0) {
		/* RFC 9112 3.2.4: the server itself is asked. */
		bool server = target.query.len == 0 && str_equal(parser->method, STR("OPTIONS"));
		target.path = server ? STR("*") : STR("/");
	}
	*ret_target = target;
	return true;
}

static struct str field_value(const struct http_parser *parser, size_t number)
{
	return number == 0 ? STR("") : parser->fields[number - 1].value;
}

/* The empty line was read: do the fields agree with one another? */
static bool check_whole(struct http_parser *parser)
{
	struct target target;
	enum http_method method;
	if (!read_target(parser, &target)) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed request target");
	}
	if (parser->host == 0 && parser->minor > 0) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Host is missing");
	}
	if (!host_is_good(field_value(parser, parser->host))) {
		return bad(parser, ERROR_HTTP_SYNTAX, "Malformed Host");
	}
	if (parser->transfer_fields > 0) {
		if (parser->has_length) {
			return bad(parser, ERROR_HTTP_SYNTAX, "Both Content-Length and Transfer-Encoding");
		}
		if (parser->minor == 0) {
			return bad(parser, ERROR_HTTP_SYNTAX, "Transfer-Encoding in HTTP/1.0");
		}
		if (parser->transfer_fields > 1 || !parser->chunked) {
			return bad(parser, ERROR_HTTP_METHOD, "The only transfer coding known is chunked");
		}
		parser->framing = HTTP_FRAMING_CHUNKED;
	} else if (parser->content_length > 0) {
		parser->framing = HTTP_FRAMING_LENGTH;
	}
	if (!http_method_parse(parser->method, &method)) {
		return bad(parser, ERROR_HTTP_METHOD, "Unknown request method");
	}
	if (parser->minor == 0) {
		/* RFC 9110 10.1.1: HTTP/1.0 knows no expectations. */
		parser->expects_continue = false;
	} else if (parser->expects_other) {
		return bad(parser, ERROR_EXPECTATION, NULL);
	}
	return true;
}

static inline bool step(struct http_parser *parser, const char *end)
{
	switch (parser->state) {
	case HTTP_AT_START:
		return at_start(parser);
	case HTTP_AT_START_LF:
		return at_line_feed(parser, HTTP_AT_START);
	case HTTP_AT_METHOD:
		return at_method(parser, end);
	case HTTP_AT_TARGET:
		return at_target(parser, end);
	case HTTP_AT_VERSION:
		return at_version(parser, end);
	case HTTP_AT_VERSION_CR:
		return at_version_cr(parser);
	case HTTP_AT_VERSION_LF:
		if (!at_line_feed(parser, HTTP_AT_FIELD)) {
			return false;
		}
		parser->line = parser->at;
		return true;
	case HTTP_AT_FIELD:
		return at_field(parser);
	case HTTP_AT_NAME:
		return at_name(parser, end);
	case HTTP_AT_SPACE:
		return at_space(parser, end);
	case HTTP_AT_VALUE:
		return at_value(parser, end);
	case HTTP_AT_VALUE_LF:
		return at_value_lf(parser);
	case HTTP_AT_END_LF:
		return at_line_feed(parser, HTTP_AT_DONE) && check_whole(parser);
	case HTTP_AT_DONE:
		break;
	}
	assert(false && "a parser that is done is run no further");
	return false;
}

enum http_parse http_parser_run(struct http_parser *parser, const char *end)
{
	while (parser->at < end) {
		if (!step(parser, end)) {
			return HTTP_PARSE_BAD;
		}
		if (parser->state == HTTP_AT_DONE) {
			return HTTP_PARSE_DONE;
		}
	}
	return HTTP_PARSE_MORE;
}

void http_parser_rebase(struct http_parser *parser, const char *base)
{
	const char *old = parser->base;
	parser->base = base;
	parser->at = base + (parser->at - old);
	parser->mark = base + (parser->mark - old);
	parser->line = base + (parser->line - old);
	if (parser->method.ptr != NULL) {
		parser->method.ptr = base + (parser->method.ptr - old);
	}
	if (parser->target.ptr != NULL) {
		parser->target.ptr = base + (parser->target.ptr - old);
	}
	/* Of a field that is not complete the name may be set, and is wanted. */
	size_t count = parser->field_count;
	for (size_t i = 0; i < count; i++) {
		parser->fields[i].name.ptr = base + (parser->fields[i].name.ptr - old);
		parser->fields[i].value.ptr = base + (parser->fields[i].value.ptr - old);
	}
	if (parser->state >= HTTP_AT_SPACE && parser->state <= HTTP_AT_VALUE_LF) {
		struct http_field *field = &parser->fields[count];
		field->name.ptr = base + (field->name.ptr - old);
		if (parser->state == HTTP_AT_VALUE_LF) {
			field->value.ptr = base + (field->value.ptr - old);
		}
	}
}

void http_parser_request(const struct http_parser *parser, struct http_request *request)
{
	struct target target;
	bool ok = read_target(parser, &target);
	assert(parser->state == HTTP_AT_DONE && ok);
	ok = http_method_parse(parser->method, &request->method);
	assert(ok);
	(void)ok;
	request->path = target.path;
	request->query = target.query;
	request->host = target.host.ptr != NULL ? target.host : field_value(parser, parser->host);
	request->fields = parser->fields;
	request->field_count = parser->field_count;
	request->keep_alive = !parser->says_close && (parser->minor > 0 || parser->says_keep_alive);
}

struct str http_parser_accept_encoding(const struct http_parser *parser)
{
	return field_value(parser, parser->accept_encoding);
}
