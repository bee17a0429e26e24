#include "store/sqlite_describe.h"

#include "codec/utf8.h"

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

/* What YAML (1.2, 5.1) calls not printable, the line ends of YAML 1.1, and the byte order mark. */
static bool needs_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
		code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static void write_escaped(struct buf *yaml, uint32_t code)
{
	switch (code) {
	case '\n':
		buf_append(yaml, STR("\\n"));
		return;
	case '\t':
		buf_append(yaml, STR("\\t"));
		return;
	case '\r':
		buf_append(yaml, STR("\\r"));
		return;
	default:
		buf_printf(yaml, code < 0x100 ? "\\x%02X" : "\\u%04X", (unsigned)code);
	}
}

/* Bytes that are no UTF-8 become escapes, so that the file stays readable. */
static void write_quoted(struct buf *yaml, struct str text, bool double_dollar)
{
	buf_append_byte(yaml, '"');
	for (size_t i = 0; i < text.len;) {
		size_t len = utf8_sequence(text, i);
		uint32_t code = len > 0 ? decode(text.ptr + i, len) : (unsigned char)text.ptr[i];
		if (len == 0 || needs_escape(code)) {
			write_escaped(yaml, code);
		} else {
			if (code == '"' || code == '\\') {
				buf_append_byte(yaml, '\\');
			} else if (code == '$' && double_dollar) {
				buf_append_byte(yaml, '$');
			}
			buf_append(yaml, str_slice(text, i, i + len));
		}
		i += len > 0 ? len : 1;
	}
	buf_append_byte(yaml, '"');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Plain words only; all that YAML 1.1 or 1.2 might read as something else is in quotes. */
static bool is_plain(struct str text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off"};
	if (text.len == 0 || !is_letter(text.ptr[0])) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (!is_letter(text.ptr[i]) && !is_digit(text.ptr[i]) && text.ptr[i] != '-') {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_nocase(text, str_from(words[i]))) {
			return false;
		}
	}
	return true;
}

void describe_literal(struct buf *yaml, struct str text)
{
	write_quoted(yaml, text, true);
}

void describe_value(struct buf *yaml, struct str text)
{
	if (is_plain(text)) {
		buf_append(yaml, text);
	} else {
		write_quoted(yaml, text, true);
	}
}

void describe_key(struct buf *yaml, struct str text)
{
	if (is_plain(text)) {
		buf_append(yaml, text);
	} else {
		write_quoted(yaml, text, false);
	}
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
	describe_value(yaml, made.len == 0 ? STR("db") : str_slice(buf_str(&made), 0, NAME_MAX_BYTES));
	buf_finish(&made);
}
