#include "record.h"

#include <inttypes.h>
#include <stdio.h>

#include "fail.h"
#include "json.h"

int js_schema_field(const struct js_schema *schema, struct js_span name)
{
	for (unsigned i = 0; i < schema->field_count; i++) {
		if (js_span_equal(js_name_span(&schema->fields[i]), name)) {
			return (int)i;
		}
	}
	return -1;
}

bool js_schema_same(const struct js_schema *a, const struct js_schema *b)
{
	bool same = a->field_count == b->field_count &&
		js_span_equal(js_name_span(&a->key), js_name_span(&b->key));
	for (unsigned i = 0; same && i < a->field_count; i++) {
		same = js_span_equal(js_name_span(&a->fields[i]), js_name_span(&b->fields[i]));
	}
	return same;
}

static bool is_integer(struct js_span value)
{
	size_t i = value.len > 1 && value.ptr[0] == '-' ? 1 : 0;
	if (value.ptr[i] == '0' && value.len > 1) {
		return false; /* -0 */
	}
	for (; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9') {
			return false;
		}
	}
	return true;
}

/* Adds what a value is as a key, or as a part of one: then a comma and a backslash stand behind a
 * backslash. */
static bool add_key(struct js_span value, bool part, struct js_key *ret, const char **ret_what)
{
	char decoded[6 * JSONSTORE_KEY_MAX];
	struct js_span text = value;
	if (value.ptr[0] == '"') {
		struct js_span raw = {value.ptr + 1, value.len - 2};
		if (raw.len > sizeof(decoded)) {
			*ret_what = "the key is too long";
			return false;
		}
		text = (struct js_span){decoded, js_json_unescape(raw, decoded)};
	} else if (part ? value.ptr[0] == 'n' || value.ptr[0] == '[' || value.ptr[0] == '{'
					: !is_integer(value)) {
		*ret_what = part ? "the key is null, an array or an object"
						 : "the key is neither a string nor an integer";
		return false;
	}
	size_t len = ret->len;
	if (!part && text.len <= JSONSTORE_KEY_MAX) {
		memcpy(ret->text, text.ptr, text.len);
		ret->len = (uint16_t)text.len;
		return true;
	}
	for (size_t i = 0; i < text.len; i++) {
		bool escaped = part && (text.ptr[i] == ',' || text.ptr[i] == '\\');
		if (len + (escaped ? 2 : 1) > JSONSTORE_KEY_MAX) {
			*ret_what = "the key is too long";
			return false;
		}
		if (escaped) {
			ret->text[len++] = '\\';
		}
		ret->text[len++] = text.ptr[i];
	}
	ret->len = (uint16_t)len;
	return true;
}

/* The names of the key's fields, one after the other; false behind the last. */
static bool next_name(struct js_span *rest, struct js_span *ret)
{
	if (rest->ptr == NULL) {
		return false;
	}
	const char *comma = memchr(rest->ptr, ',', rest->len);
	ret->ptr = rest->ptr;
	ret->len = comma == NULL ? rest->len : (size_t)(comma - rest->ptr);
	size_t used = comma == NULL ? rest->len : ret->len + 1;
	*rest = (struct js_span){comma == NULL ? NULL : rest->ptr + used, rest->len - used};
	return true;
}

/* What of a record its key is made of. */
struct key_parts {
	struct js_span names[JS_KEY_PARTS_MAX];
	struct js_span values[JS_KEY_PARTS_MAX];
	size_t count;
};

static void parts_init(struct key_parts *parts, const struct js_schema *schema)
{
	struct js_span rest = js_name_span(&schema->key);
	parts->count = 0;
	while (parts->count < JS_KEY_PARTS_MAX && next_name(&rest, &parts->names[parts->count])) {
		parts->values[parts->count++].ptr = NULL;
	}
}

static bool parts_see(struct key_parts *parts, const struct js_member *member,
					  const char **ret_what)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (js_json_is_name(member->name, parts->names[i])) {
			if (parts->values[i].ptr != NULL) {
				*ret_what = "the key field is there twice";
				return false;
			}
			parts->values[i] = member->value;
		}
	}
	return true;
}

static bool parts_key(const struct key_parts *parts, struct js_key *ret, const char **ret_what)
{
	ret->len = 0;
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->values[i].ptr == NULL) {
			*ret_what = "the record has no key";
			return false;
		}
		if (i > 0 && ret->len < JSONSTORE_KEY_MAX) {
			ret->text[ret->len++] = ',';
		}
		if (!add_key(parts->values[i], parts->count > 1, ret, ret_what)) {
			return false;
		}
	}
	return true;
}

bool js_record_fields(const struct js_schema *schema, struct js_span record, struct js_fields *ret,
					  const char **ret_what)
{
	struct js_span rest = record;
	struct key_parts parts;
	struct js_member member;
	if (record.len == 0 || record.ptr[0] != '{') {
		*ret_what = "a record is an object";
		return false;
	}
	for (unsigned i = 0; i < schema->field_count; i++) {
		ret->values[i].ptr = NULL;
	}
	parts_init(&parts, schema);
	while (js_json_member(&rest, &member)) {
		if (!parts_see(&parts, &member, ret_what)) {
			return false;
		}
		for (unsigned i = 0; i < schema->field_count; i++) {
			if (js_json_is_name(member.name, js_name_span(&schema->fields[i]))) {
				ret->values[i] = member.value;
			}
		}
	}
	bool alone = parts.count == 1 && parts.values[0].ptr != NULL;
	ret->key_at = alone ? (size_t)(parts.values[0].ptr - record.ptr) : JS_NO_HINT;
	return parts_key(&parts, &ret->key, ret_what);
}

/* Whether a key is written here, in the plain form; other forms are left to the slow way. */
static bool stands_at(const char *value, size_t len, struct js_span key)
{
	size_t quoted = value[0] == '"' ? 1 : 0;
	if (key.len == 0 || len <= key.len + quoted || memcmp(value + quoted, key.ptr, key.len) != 0) {
		return false;
	}
	char behind = value[key.len + quoted];
	if (quoted == 0) {
		return is_integer(key) && (behind == ',' || behind == '}' || js_is_space(behind));
	}
	return behind == '"' && memchr(key.ptr, '\\', key.len) == NULL &&
		memchr(key.ptr, '"', key.len) == NULL;
}

bool js_record_has_key(const struct js_schema *schema, struct js_span record, size_t hint,
					   struct js_span key)
{
	if (hint != JS_NO_HINT && hint < record.len &&
		stands_at(record.ptr + hint, record.len - hint, key)) {
		return true;
	}
	struct js_span rest = record;
	struct key_parts parts;
	struct js_member member;
	struct js_key found;
	const char *what;
	parts_init(&parts, schema);
	while (js_json_member(&rest, &member)) {
		if (!parts_see(&parts, &member, &what)) {
			return false;
		}
	}
	return parts_key(&parts, &found, &what) &&
		js_span_equal((struct js_span){found.text, found.len}, key);
}

/* What a number is, apart from how it is written: 0.DIGITS times 10 to the EXPONENT. */
static bool number_form(const struct js_sys *sys, struct js_span value, struct jsonstore_text *form,
						struct jsonstore_error *error)
{
	char exponent_text[32];
	int64_t exponent = 0;
	size_t at = value.ptr[0] == '-' ? 1 : 0;
	size_t end = at;
	bool fraction = false;
	if (!js_text_reserve(sys, form, value.len + sizeof(exponent_text), error)) {
		return false;
	}
	char *begin = form->text + form->length;
	char *to = begin;
	*to++ = 'n';
	*to++ = at == 1 ? '-' : '+';
	char *first = to;
	for (; end < value.len && (value.ptr[end] | 0x20) != 'e'; end++) {
		char digit = value.ptr[end];
		if (digit == '.') {
			fraction = true;
			continue;
		}
		exponent += fraction ? 0 : 1;
		if (to == first && digit == '0') {
			exponent--; /* a zero in front */
			continue;
		}
		*to++ = digit;
	}
	while (to > first && to[-1] == '0') {
		to--;
	}
	if (to == first) {
		*begin = 'z';
		form->length++;
		return true;
	}
	if (end < value.len) {
		bool negative = value.ptr[end + 1] == '-';
		int64_t written = 0;
		for (size_t i = end + 1; i < value.len; i++) {
			char digit = value.ptr[i];
			if (digit >= '0' && digit <= '9' && written < INT64_MAX / 100) {
				written = written * 10 + (digit - '0');
			}
		}
		exponent += negative ? -written : written;
	}
	int len = snprintf(exponent_text, sizeof(exponent_text), "e%" PRId64, exponent);
	memcpy(to, exponent_text, (size_t)len);
	form->length += (size_t)(to - begin) + (size_t)len;
	return true;
}

bool js_value_form(const struct js_sys *sys, struct js_span value, struct jsonstore_text *form,
				   struct jsonstore_error *error)
{
	switch (value.ptr[0]) {
	case '{':
	case '[':
		return true;
	case '"':
		if (!js_text_reserve(sys, form, value.len, error)) {
			return false;
		}
		form->text[form->length++] = 's';
		form->length += js_json_unescape((struct js_span){value.ptr + 1, value.len - 2},
										 form->text + form->length);
		return true;
	case 't':
	case 'f':
		return js_text_add(sys, form, (struct js_span){value.ptr, 1}, error);
	case 'n':
		return js_text_add(sys, form, JS_SPAN("-"), error);
	default:
		return number_form(sys, value, form, error);
	}
}

bool js_record_take(const struct js_sys *sys, const struct js_schema *schema, struct js_span text,
					struct js_fields *fields, struct jsonstore_text *ret,
					struct jsonstore_error *error)
{
	struct js_scanned scanned;
	const char *what;
	if (text.len > JSONSTORE_RECORD_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "a record of %zu bytes, at most %d", text.len,
					   JSONSTORE_RECORD_MAX);
	}
	if (!js_json_check(text, &scanned)) {
		js_fail(error, JSONSTORE_INVALID, "not JSON at byte %zu: %s",
				(size_t)(scanned.at - text.ptr), scanned.what);
		error->offset = (uint64_t)(scanned.at - text.ptr);
		return false;
	}
	if (!js_text_reserve(sys, ret, text.len, error)) {
		return false;
	}
	struct js_span record = {ret->text + ret->length, 0};
	record.len = js_json_squeeze(js_json_trim(text), ret->text + ret->length);
	if (schema != NULL && !js_record_fields(schema, record, fields, &what)) {
		return js_fail(error, JSONSTORE_INVALID, "%s", what);
	}
	ret->length += record.len;
	return true;
}

/* The member of a good object whose name is `name`, both raw. */
static bool find_member(struct js_span object, struct js_span name, struct js_member *ret)
{
	struct js_member member;
	bool found = false;
	while (js_json_member(&object, &member)) {
		if (js_json_same_name(member.name, name)) {
			*ret = member;
			found = true;
		}
	}
	return found;
}

static bool is_object(struct js_span value)
{
	return value.len > 0 && value.ptr[0] == '{';
}

static bool is_null(struct js_span value)
{
	return value.ptr[0] == 'n';
}

struct merge {
	const struct js_sys *sys;
	struct jsonstore_text *to;
	struct jsonstore_error *error;
};

static bool merge(const struct merge *m, struct js_span target, struct js_span patch);

static bool add_member(const struct merge *m, bool *first, struct js_span name,
					   struct js_span target, struct js_span patch)
{
	bool good = (*first || js_text_add(m->sys, m->to, JS_SPAN(","), m->error)) &&
		js_text_add(m->sys, m->to, JS_SPAN("\""), m->error) &&
		js_text_add(m->sys, m->to, name, m->error) &&
		js_text_add(m->sys, m->to, JS_SPAN("\":"), m->error);
	*first = false;
	if (!good) {
		return false;
	}
	return patch.ptr == NULL ? js_text_add(m->sys, m->to, target, m->error)
							 : merge(m, target, patch);
}

/* Depth is bounded: both texts are within JSONSTORE_DEPTH_MAX. */
static bool merge(const struct merge *m, struct js_span target, struct js_span patch)
{
	static const struct js_span none = {NULL, 0};
	struct js_member member;
	struct js_member other;
	bool first = true;
	if (!is_object(patch)) {
		return js_text_add(m->sys, m->to, patch, m->error);
	}
	struct js_span old = is_object(target) ? target : JS_SPAN("{}");
	struct js_span rest = patch;
	for (unsigned count = 0; js_json_member(&rest, &member); count++) {
		if (count == JS_PATCH_MEMBERS_MAX) {
			return js_fail(m->error, JSONSTORE_LIMIT, "a patch of more than %d members",
						   JS_PATCH_MEMBERS_MAX);
		}
	}
	if (!js_text_add(m->sys, m->to, JS_SPAN("{"), m->error)) {
		return false;
	}
	rest = old;
	while (js_json_member(&rest, &member)) {
		bool patched = find_member(patch, member.name, &other);
		if (patched && is_null(other.value)) {
			continue;
		}
		if (!add_member(m, &first, member.name, member.value, patched ? other.value : none)) {
			return false;
		}
	}
	rest = patch;
	while (js_json_member(&rest, &member)) {
		if (is_null(member.value) || find_member(old, member.name, &other)) {
			continue;
		}
		if (!add_member(m, &first, member.name, none, member.value)) {
			return false;
		}
	}
	return js_text_add(m->sys, m->to, JS_SPAN("}"), m->error);
}

bool js_record_merge(const struct js_sys *sys, struct js_span record, struct js_span patch,
					 struct jsonstore_text *ret, struct jsonstore_error *error)
{
	struct merge m = {sys, ret, error};
	return merge(&m, record, patch);
}
