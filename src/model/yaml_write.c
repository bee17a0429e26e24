#include "codec/utf8.h"
#include "model/yaml.h"

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

void yaml_write_literal(struct buf *yaml, struct str text)
{
	write_quoted(yaml, text, true);
}

void yaml_write_value(struct buf *yaml, struct str text)
{
	if (is_plain(text)) {
		buf_append(yaml, text);
	} else {
		write_quoted(yaml, text, true);
	}
}

void yaml_write_key(struct buf *yaml, struct str text)
{
	if (is_plain(text)) {
		buf_append(yaml, text);
	} else {
		write_quoted(yaml, text, false);
	}
}
