#include "api/outline.h"

#include "codec/json.h"

/* Texts end in a quote, so the last byte tells whether a value stands before the next one. */
static void separate(struct buf *text)
{
	if (text->len == 0) {
		return;
	}
	char last = text->ptr[text->len - 1];
	if (last != '{' && last != '[' && last != ':') {
		buf_append_byte(text, ',');
	}
}

void outline_open(struct buf *text, char bracket)
{
	separate(text);
	buf_append_byte(text, bracket);
}

void outline_open_at(struct buf *text, const char *key, char bracket)
{
	outline_key(text, str_from(key));
	buf_append_byte(text, bracket);
}

void outline_close(struct buf *text, char bracket)
{
	buf_append_byte(text, bracket);
}

void outline_key(struct buf *text, struct str key)
{
	separate(text);
	json_write_string(text, key);
	buf_append_byte(text, ':');
}

void outline_item(struct buf *text, struct str item)
{
	separate(text);
	json_write_string(text, item);
}

void outline_json(struct buf *text, struct str json)
{
	separate(text);
	buf_append(text, json);
}

void outline_str(struct buf *text, const char *key, struct str value)
{
	outline_key(text, str_from(key));
	json_write_string(text, value);
}

void outline_text(struct buf *text, const char *key, const char *value)
{
	outline_str(text, key, str_from(value));
}

void outline_raw(struct buf *text, const char *key, const char *json)
{
	outline_key(text, str_from(key));
	buf_append(text, str_from(json));
}
