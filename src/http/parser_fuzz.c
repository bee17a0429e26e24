#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/parser.h"

/*
 * The first byte chooses the limits and where the rest is cut. Whatever the bytes are, the parser
 * must end, stay in bounds, and find the same whole, cut in two with the bytes moved, and byte by
 * byte.
 */

#define FIELDS 8

struct outcome {
	enum http_parse result;
	struct http_parser parser;
	struct http_field fields[FIELDS];
	char *bytes; /* owned */
};

static void parse(struct str input, const struct limits *limits, size_t step,
				  struct outcome *outcome)
{
	struct http_parser *parser = &outcome->parser;
	size_t done = 0;
	outcome->bytes = malloc(1);
	http_parser_init(parser, limits, outcome->fields, outcome->bytes);
	do {
		done = input.len - done < step ? input.len : done + step;
		char *moved = malloc(done + 1);
		memcpy(moved, input.ptr, done);
		http_parser_rebase(parser, moved);
		free(outcome->bytes);
		outcome->bytes = moved;
		outcome->result = http_parser_run(parser, moved + done);
	} while (outcome->result == HTTP_PARSE_MORE && done < input.len);
}

static void check_request(struct str input, const struct outcome *outcome)
{
	struct http_request request = {.method = HTTP_GET};
	const struct http_parser *parser = &outcome->parser;
	http_parser_request(parser, &request);
	assert(parser->at > parser->base && (size_t)(parser->at - parser->base) <= input.len);
	assert(request.path.len > 0 && (request.path.ptr[0] == '/' || request.path.ptr[0] == '*'));
	assert(request.field_count <= parser->limits->header_fields);
	uint64_t total = 0;
	for (size_t i = 0; i < request.field_count; i++) {
		struct str name = request.fields[i].name;
		struct str value = request.fields[i].value;
		assert(name.len > 0 && memchr(name.ptr, ':', name.len) == NULL);
		assert(value.len == 0 ||
			   (memchr(value.ptr, '\n', value.len) == NULL &&
				memchr(value.ptr, '\0', value.len) == NULL && str_trim(value).len == value.len));
		total += name.len + value.len + 3;
	}
	assert(total <= parser->limits->header_bytes);
	assert(parser->framing == HTTP_FRAMING_NONE || parser->content_length == 0 ||
		   parser->transfer_fields == 0);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	assert(a->result == b->result);
	if (a->result == HTTP_PARSE_BAD) {
		assert(a->parser.error == b->parser.error && a->parser.why == b->parser.why);
	} else if (a->result == HTTP_PARSE_DONE) {
		assert(a->parser.at - a->bytes == b->parser.at - b->bytes);
		assert(a->parser.field_count == b->parser.field_count);
		assert(a->parser.framing == b->parser.framing);
		for (size_t i = 0; i < a->parser.field_count; i++) {
			assert(str_equal(a->fields[i].name, b->fields[i].name));
			assert(str_equal(a->fields[i].value, b->fields[i].value));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits;
	struct outcome whole;
	struct outcome cut;
	struct outcome bytes;
	if (size == 0 || size > 4096) {
		return 0;
	}
	limits_init(&limits);
	limits.header_fields = FIELDS;
	if ((data[0] & 1) != 0) {
		limits.request_line_bytes = 64;
		limits.header_bytes = 256;
	}
	struct str input = {(const char *)data + 1, size - 1};
	parse(input, &limits, size, &whole);
	parse(input, &limits, 1 + (size_t)data[0] / 2, &cut);
	parse(input, &limits, 1, &bytes);
	compare(&whole, &cut);
	compare(&whole, &bytes);
	if (whole.result == HTTP_PARSE_DONE) {
		check_request(input, &whole);
	}
	free(whole.bytes);
	free(cut.bytes);
	free(bytes.bytes);
	return 0;
}
