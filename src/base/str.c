#include "base/str.h"

#include <string.h>

enum { DISTANCE_MAX_BYTES = 64 };

struct str str_from(const char *nul_terminated)
{
	if (nul_terminated == NULL) {
		return (struct str){NULL, 0};
	}
	return (struct str){nul_terminated, strlen(nul_terminated)};
}

bool str_equal(struct str a, struct str b)
{
	/* memcmp() may not be given NULL, which an empty text may hold. */
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static unsigned char to_lower(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (to_lower(a.ptr[i]) != to_lower(b.ptr[i])) {
			return false;
		}
	}
	return true;
}

int str_compare(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
	if (order != 0) {
		return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_equal((struct str){s.ptr, prefix.len}, prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_equal(str_slice(s, s.len - suffix.len, s.len), suffix);
}

size_t str_find(struct str s, char byte, size_t from)
{
	if (from >= s.len) {
		return s.len;
	}
	const char *found = memchr(s.ptr + from, byte, s.len - from);
	return found == NULL ? s.len : (size_t)(found - s.ptr);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.len) {
		to = s.len;
	}
	if (from > to) {
		from = to;
	}
	/* An offset of 0 is kept apart: NULL + 0 is undefined in C. */
	return (struct str){from == 0 ? s.ptr : s.ptr + from, to - from};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	size_t from = 0;
	size_t to = s.len;
	while (from < to && is_blank(s.ptr[from])) {
		from++;
	}
	while (to > from && is_blank(s.ptr[to - 1])) {
		to--;
	}
	return str_slice(s, from, to);
}

struct str str_split(struct str *rest, char separator)
{
	size_t at = str_find(*rest, separator, 0);
	struct str part = str_slice(*rest, 0, at);
	*rest = str_slice(*rest, at + 1, rest->len);
	return part;
}

size_t str_distance(struct str a, struct str b)
{
	a = str_slice(a, 0, DISTANCE_MAX_BYTES);
	b = str_slice(b, 0, DISTANCE_MAX_BYTES);
	/* One row of the Wagner-Fischer table: row[j] is the distance of a[0, i) and b[0, j). */
	size_t row[DISTANCE_MAX_BYTES + 1];
	for (size_t j = 0; j <= b.len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best) {
				best = row[j] + 1;
			}
			if (row[j - 1] + 1 < best) {
				best = row[j - 1] + 1;
			}
			row[j] = best;
		}
	}
	return row[b.len];
}
