#include "store/schema_text.h"

enum { STATEMENT_BYTES = 1 << 26, NAME_BYTES = 4096 };

bool schema_each(const struct sql_dialect *dialect, const struct resource *resource,
				 const char *words, bool begins, schema_each_call *each, void *context,
				 struct error *error)
{
	struct buf text;
	struct buf name;
	buf_init(&text, STATEMENT_BYTES);
	buf_init(&name, NAME_BYTES);
	bool ok = true;
	for (size_t number = 0; ok && !resource_is_remote(resource); number++) {
		buf_clear(&text);
		buf_clear(&name);
		if (!sql_schema(dialect, resource, number, &text, &name)) {
			break;
		}
		if (text.failed) {
			ok = error_set(error, ERROR_CONFIG, "the rules of \"%.*s\" are too long for a database",
						   STR_ARG(resource->name));
		} else if (str_starts_with(buf_str(&text), str_from(words)) == begins) {
			ok = each(context, buf_str(&name), buf_str(&text), error);
		}
	}
	buf_finish(&text);
	buf_finish(&name);
	return ok;
}

/* It ends with the line. */
static void put_words(struct buf *sql, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		buf_append_byte(sql, text.ptr[i] == '\n' ? ' ' : text.ptr[i]);
	}
}

void schema_say(struct buf *sql, const char *words, struct str name, const char *after,
				struct str other)
{
	struct str rest = str_from(after);
	struct str before = str_split(&rest, '%');
	buf_printf(sql, "-- %s \"", words);
	put_words(sql, name);
	buf_append_byte(sql, '"');
	put_words(sql, before);
	put_words(sql, other);
	put_words(sql, rest);
	buf_append_byte(sql, '\n');
}
