#include "codec/number.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMAL_MAX_DIGITS = 18, DOUBLE_SMALL_BYTES = 64 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct str text, size_t at)
{
	while (at < text.len && is_digit(text.ptr[at])) {
		at++;
	}
	return at;
}

/* The parts of a JSON number (RFC 8259, 6). */
struct parts {
	bool negative;
	bool exponent;
	struct str whole;    /* at least one digit */
	struct str fraction; /* without the point; empty when there is none */
};

static bool split(struct str text, struct parts *ret_parts)
{
	struct parts parts = {.negative = text.len > 0 && text.ptr[0] == '-'};
	size_t from = parts.negative ? 1 : 0;
	size_t at = skip_digits(text, from);
	parts.whole = str_slice(text, from, at);
	if (parts.whole.len == 0 || (parts.whole.len > 1 && parts.whole.ptr[0] == '0')) {
		return false;
	}
	if (at < text.len && text.ptr[at] == '.') {
		from = at + 1;
		at = skip_digits(text, from);
		parts.fraction = str_slice(text, from, at);
		if (parts.fraction.len == 0) {
			return false;
		}
	}
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		at++;
		if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
			at++;
		}
		from = at;
		at = skip_digits(text, from);
		if (at == from) {
			return false;
		}
		parts.exponent = true;
	}
	*ret_parts = parts;
	return at == text.len;
}

enum number_result number_parse_integer(struct str text, int64_t *ret_number)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	size_t at = negative ? 1 : 0;
	if (at == text.len || (text.ptr[at] == '0' && text.len > 1)) {
		return NUMBER_SYNTAX;
	}
	/* Counted down from 0: there is one more negative number than positive ones. */
	int64_t number = 0;
	bool fits = true;
	for (; at < text.len; at++) {
		if (!is_digit(text.ptr[at])) {
			return NUMBER_SYNTAX;
		}
		fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
			!__builtin_sub_overflow(number, text.ptr[at] - '0', &number);
	}
	if (!fits || (!negative && number == INT64_MIN)) {
		return NUMBER_OUT_OF_RANGE;
	}
	*ret_number = negative ? number : -number;
	return NUMBER_OK;
}

enum number_result number_parse_double(struct str text, double *ret_number)
{
	struct parts parts;
	if (!split(text, &parts)) {
		return NUMBER_SYNTAX;
	}
	/* strtod() wants a NUL. The program never calls setlocale(), so the point is a point. */
	char small[DOUBLE_SMALL_BYTES];
	char *copy = small;
	if (text.len >= sizeof(small)) {
		copy = malloc(text.len + 1);
		if (copy == NULL) {
			abort();
		}
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	char *end;
	double number = strtod(copy, &end);
	assert(end == copy + text.len);
	if (copy != small) {
		free(copy);
	}
	if (isinf(number)) {
		return NUMBER_OUT_OF_RANGE;
	}
	*ret_number = number;
	return NUMBER_OK;
}

enum number_result number_parse_decimal(struct str text, int precision, int scale,
										int64_t *ret_scaled)
{
	assert(precision >= 1 && precision <= DECIMAL_MAX_DIGITS);
	assert(scale >= 0 && scale <= precision);
	struct parts parts;
	if (!split(text, &parts) || parts.exponent) {
		return NUMBER_SYNTAX;
	}
	while (parts.fraction.len > 0 && parts.fraction.ptr[parts.fraction.len - 1] == '0') {
		parts.fraction.len--;
	}
	size_t whole_digits = parts.whole.ptr[0] == '0' ? 0 : parts.whole.len;
	if (parts.fraction.len > (size_t)scale || whole_digits > (size_t)(precision - scale)) {
		return NUMBER_OUT_OF_RANGE;
	}
	int64_t scaled = 0;
	for (size_t i = 0; i < parts.whole.len; i++) {
		scaled = scaled * 10 + (parts.whole.ptr[i] - '0');
	}
	for (size_t i = 0; i < (size_t)scale; i++) {
		scaled = scaled * 10 + (i < parts.fraction.len ? parts.fraction.ptr[i] - '0' : 0);
	}
	*ret_scaled = parts.negative ? -scaled : scaled;
	return NUMBER_OK;
}

void number_write_decimal(struct buf *buf, int64_t scaled, int scale)
{
	assert(scale >= 0 && scale <= DECIMAL_MAX_DIGITS);
	uint64_t rest = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
	char digits[DECIMAL_MAX_DIGITS];
	size_t first = (size_t)scale;
	size_t len = first;
	for (; first > 0; first--) {
		digits[first - 1] = (char)('0' + rest % 10);
		rest /= 10;
	}
	while (len > 0 && digits[len - 1] == '0') {
		len--;
	}
	if (scaled < 0) {
		buf_append_byte(buf, '-');
	}
	buf_append_uint(buf, rest);
	if (len > 0) {
		buf_append_byte(buf, '.');
		buf_append(buf, (struct str){digits, len});
	}
}
