#include "store/describe.h"

#include "codec/utf8.h"
#include "model/yaml.h"

/* Of names, as the loader has it. */
enum { NAME_MAX_BYTES = 63 };

/* The code point of a well-formed sequence. */
static uint32_t decode(const char *ptr, size_t len)
{
	static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t code = (unsigned char)ptr[0] & masks[len];
	for (size_t i = 1; i < len; i++) {
		code = code << 6 | ((unsigned char)ptr[i] & 0x3FU);
	}
	return code;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool describe_is_name(struct str name)
{
	static const char *const reserved[] = {"_rl_", "sqlite_"};
	if (name.len == 0 || name.len > NAME_MAX_BYTES || utf8_check(name) != name.len) {
		return false;
	}
	for (size_t i = 0; i < name.len; i += utf8_sequence(name, i)) {
		uint32_t code = decode(name.ptr + i, utf8_sequence(name, i));
		if (code < 0x20 || (code >= 0x7F && code < 0xA0) ||
			str_starts_with(str_slice(name, i, name.len), STR("${"))) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		struct str prefix = str_from(reserved[i]);
		if (str_equal_nocase(str_slice(name, 0, prefix.len), prefix)) {
			return false;
		}
	}
	return true;
}

/* The part after the last `separator` that stands behind the first byte; else nothing is cut. */
static size_t find_last(struct str text, char separator)
{
	for (size_t i = text.len; i > 1; i--) {
		if (text.ptr[i - 1] == separator) {
			return i - 1;
		}
	}
	return text.len;
}

void describe_service(struct buf *yaml, struct str url)
{
	struct str name = str_slice(url, str_find(url, ':', 0) + 1, url.len);
	if (str_starts_with(name, STR("//"))) {
		name = str_slice(name, 0, str_find(name, '?', 0)); /* a server's, without its options */
	}
	while (str_find(name, '/', 0) < name.len) {
		name = str_slice(name, str_find(name, '/', 0) + 1, name.len);
	}
	name = str_slice(name, 0, find_last(name, '.'));
	struct buf made;
	buf_init(&made, SIZE_MAX);
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool upper = c >= 'A' && c <= 'Z';
		bool kept = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
		char folded = upper ? (char)(c - 'A' + 'a') : kept ? c : '_';
		if (made.len == 0 && !(folded >= 'a' && folded <= 'z')) {
			buf_append(&made, STR("db_"));
		}
		buf_append_byte(&made, folded);
	}
	yaml_write_value(yaml,
					 made.len == 0 ? STR("db") : str_slice(buf_str(&made), 0, NAME_MAX_BYTES));
	buf_finish(&made);
}
