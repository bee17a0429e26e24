/*
 * Rows and requests for diff_fuzz.c. Each byte of the input makes one choice; where they end, a
 * generator goes on that is seeded by all of them, so that a short input is a whole request too.
 */
#include <assert.h>

#include "codec/json.h"
#include "store/diff_fuzz.h"

enum { LEVELS = 8, PATH_BYTES = 128, EMBEDS = 3, LOGIC_DEPTH = 3 };

/* ---- values ---- */

struct list {
	const char *const *items;
	size_t count;
};
#define LIST(items) ((struct list){items, sizeof(items) / sizeof((items)[0])})

static struct list dates_of(enum type type)
{
	static const char *const dates[] = {"2020-02-29", "1969-12-31",   "0001-01-01",
										"9999-12-31", "8 March 2014", "2014-03-08"};
	static const char *const times[] = {"00:00:00", "15:04:05", "23:59:59.999999", "3:04 pm"};
	static const char *const datetimes[] = {"2014-03-08T15:00:00Z", "1969-12-31T23:59:59.999999Z",
											"2014-03-08", "2014-03-08T15:00:00.5-02:00",
											"Fri, 01 Jan 2021 00:00:00 GMT"};
	return type == TYPE_DATE ? LIST(dates) : type == TYPE_TIME ? LIST(times) : LIST(datetimes);
}

/* Sums of these numbers are exact in any order. */
static struct list values_of(const struct field *field)
{
	static const char *const integers[] = {"0",
										   "1",
										   "2",
										   "3",
										   "-1",
										   "10",
										   "2",
										   "9007199254740993",
										   "-9223372036854775808",
										   "9223372036854775807",
										   "20",
										   "-2"};
	static const char *const numbers[] = {"0", "1", "0.5", "-2.5", "1e15", "-0.0", "7", "1e300"};
	static const char *const decimals[] = {"0", "0.5", "-1.25", "99999.99", "7", "0.01", "10"};
	static const char *const texts[] = {"a",          "",         "b",          "A",
										"ab",         "\xc3\xa9", "\xc3\x89",   "\xf0\x9f\x98\x80",
										"a b",        "a,b",      "NULL",       "it's \"x\"",
										"10",         "100%",     "a_b",        "\\",
										"*",          "(x)",      "Zo\xc3\xab", "{}",
										"two\nlines", "2",        "null",       "true",
										"the cat sat"};
	static const char *const keys[] = {"a", "", "B", "\xc3\xa9", "a,b", "10"};
	static const char *const uuids[] = {"6b1f2d3c-0000-4000-8000-000000000000",
										"6b1f2d3c-0000-4000-8000-000000000001",
										"00000000-0000-0000-0000-000000000000",
										"ffffffff-ffff-ffff-ffff-ffffffffffff"};
	static const char *const documents[] = {"{}",
											"[1,2]",
											"\"a\"",
											"{\"a\":{\"b\":null}}",
											"{\"a\":{\"b\":\"x\"}}",
											"{\"a\":5}",
											"5",
											"{\"a\":\"\"}",
											"{\"a\":1.5,\"b\":[]}",
											"null",
											"true",
											"{\"a\":[10,\"\xc3\xa9\"]}",
											"{\"a\":true}",
											"{\"a\":\"10\"}"};
	static const char *const booleans[] = {"true", "false"};
	bool is_text_key = field->key || field->references != NULL;
	switch (field->type) {
	case TYPE_INTEGER:
		return LIST(integers);
	case TYPE_NUMBER:
		return LIST(numbers);
	case TYPE_DECIMAL:
		return LIST(decimals);
	case TYPE_TEXT:
		return is_text_key ? LIST(keys) : LIST(texts);
	case TYPE_BOOLEAN:
		return LIST(booleans);
	case TYPE_UUID:
		return LIST(uuids);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		return dates_of(field->type);
	case TYPE_JSON:
		break;
	}
	return LIST(documents);
}

static void write_json_value(const struct field *field, const char *text, struct buf *json)
{
	if (field->type == TYPE_TEXT || field->type == TYPE_UUID || value_is_date(field->type)) {
		json_write_string(json, str_from(text));
	} else {
		buf_append(json, str_from(text));
	}
}

/* ---- rows ---- */

/* Of the model: each reference finds its row. */
static const size_t row_counts[] = {6, 28, 40, 12, 30, 14, 50};

static void write_field(const struct resource *resource, const struct field *field, size_t row,
						struct buf *json)
{
	bool is_rooms = str_equal(resource->name, STR("rooms"));
	bool is_stays = str_equal(resource->name, STR("stays"));
	struct list values = values_of(field);
	size_t any = (row * 7 + field->number * 5 + row / 5) % 6 % values.count;
	any = row % 2 == 0 ? any : (row * 7 + field->number * 5) % values.count;
	if (str_equal(field->name, STR("code")) && (is_rooms || is_stays)) {
		bool null = is_stays && row % 4 == 0;
		buf_printf(json, null ? "null" : "\"6b1f2d3c-0000-4000-8000-%012zu\"", row % 12);
	} else if (str_equal(field->name, STR("house"))) {
		write_json_value(field, values.items[row / (is_rooms ? 2 : 5)], json);
	} else if (str_equal(field->name, STR("number"))) {
		buf_append_uint(json, is_rooms ? row % 2 : row / 2 % 2);
	} else if (str_equal(field->name, STR("kind"))) {
		buf_append_uint(json, 1 + row * row % 3);
	} else if (str_equal(field->name, STR("rank")) || str_equal(field->name, STR("item"))) {
		buf_append_uint(json, row % 9);
	} else if (field->references != NULL && field->type == TYPE_INTEGER) {
		bool null = !field->key && row % 3 == 0;
		size_t to = field->key && !is_stays && resource->key.count == 1 ? row
			: str_equal(field->name, STR("boss"))                       ? row / 3
																		: row * 5 % 28;
		buf_printf(json, null ? "null" : "%zu", to + 1);
	} else if (resource->key.count == 1 && field->key) {
		write_json_value(field, values.items[row], json);
	} else if (str_equal(field->name, STR("ref"))) {
		/* Each its own: a unique rule of some rows. */
		buf_printf(json, row % 4 == 0 ? "null" : "\"6b1f2d3c-0000-4000-8000-%012zu\"", row);
	} else if (str_equal(field->name, STR("paid"))) {
		write_json_value(field, values.items[any % 2], json); /* not negative: a check */
	} else if (!field->required && (row + field->number) % 6 == 0) {
		buf_append(json, STR("null"));
	} else {
		write_json_value(field, values.items[any], json);
	}
}

void diff_write_rows(const struct model *model, const struct resource *resource, struct buf *json)
{
	assert(model->resource_count == sizeof(row_counts) / sizeof(row_counts[0]) + 1);
	for (size_t row = 0; row < row_counts[resource->number]; row++) {
		bool any = false;
		buf_append(json, row > 0 ? STR(",{") : STR("[{"));
		for (size_t i = 0; i < resource->field_count; i++) {
			const struct field *field = &resource->fields[i];
			if (field->default_kind != DEFAULT_AUTO) {
				buf_append(json, any ? STR(",") : STR(""));
				json_write_string(json, field->name);
				buf_append_byte(json, ':');
				write_field(resource, field, row, json);
				any = true;
			}
		}
		buf_append_byte(json, '}');
	}
	buf_append_byte(json, ']');
}

/* ---- choices ---- */

struct level {
	char path[PATH_BYTES]; /* with its dot; "" is the query's own */
	const struct resource *resource;
	bool aggregated;
};

struct maker {
	const struct model *model;
	const uint8_t *data;
	size_t size;
	size_t at;
	uint64_t state;
	struct buf *buf;
	struct level levels[LEVELS];
	size_t level_count;
	bool any;   /* parameter so far */
	bool reads; /* the answer of a write may not leave rows out */
};

static size_t pick(struct maker *maker, size_t count)
{
	if (maker->at < maker->size) {
		return maker->data[maker->at++] % count;
	}
	/* xorshift64* (Vigna 2016) */
	maker->state ^= maker->state >> 12;
	maker->state ^= maker->state << 25;
	maker->state ^= maker->state >> 27;
	return (size_t)((maker->state * UINT64_C(2685821657736338717)) >> 33) % count;
}

static bool chance(struct maker *maker, size_t percent)
{
	return pick(maker, 100) < percent;
}

static const char *pick_item(struct maker *maker, struct list list)
{
	return list.items[pick(maker, list.count)];
}

static void put(struct maker *maker, const char *text)
{
	buf_append(maker->buf, str_from(text));
}

static void put_str(struct maker *maker, struct str text)
{
	buf_append(maker->buf, text);
}

/* What would end a parameter or be read as something else. */
static void put_escaped(struct maker *maker, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if (byte < ' ' || byte == '%' || byte == '&' || byte == '+' || byte == '#') {
			buf_printf(maker->buf, "%%%02X", byte);
		} else {
			buf_append_byte(maker->buf, (char)byte);
		}
	}
}

static void put_quoted(struct maker *maker, const char *text)
{
	buf_append_byte(maker->buf, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\') {
			buf_append_byte(maker->buf, '\\');
		}
		put_escaped(maker, (struct str){text, 1});
	}
	buf_append_byte(maker->buf, '"');
}

static const struct field *pick_field(struct maker *maker, const struct resource *resource)
{
	return &resource->fields[pick(maker, resource->field_count)];
}

static void begin_parameter(struct maker *maker, const char *path, const char *name)
{
	put(maker, maker->any ? "&" : "?");
	put(maker, path);
	put(maker, name);
	maker->any = true;
}

/* ---- what is selected ---- */

static void put_path(struct maker *maker, const struct field *field)
{
	static const char *const paths[] = {"->a", "->>a", "->a->b", "->a->>b",
										"->0", "->>1", "->>b",   "->a->-1"};
	if (field->type == TYPE_JSON && chance(maker, 70)) {
		put(maker, pick_item(maker, LIST(paths)));
	}
}

static void put_cast(struct maker *maker)
{
	static const char *const casts[] = {"text",   "text",    "integer",  "numeric",
										"float8", "boolean", "json",     "uuid",
										"date",   "time",    "datetime", "http_date"};
	if (chance(maker, 15)) {
		put(maker, "::");
		put(maker, pick_item(maker, LIST(casts)));
	}
}

static void put_aggregate(struct maker *maker)
{
	static const char *const words[] = {".count()", ".min()", ".max()", ".sum()", ".avg()"};
	put(maker, pick_item(maker, LIST(words)));
}

static void put_field(struct maker *maker, const struct level *level)
{
	if (level->aggregated && chance(maker, 20)) {
		buf_printf(maker->buf, "c%zu:", maker->buf->len);
		put(maker, "count()");
		return;
	}
	if (chance(maker, 75)) {
		/* No two columns may have one name. */
		buf_printf(maker->buf, "c%zu:", maker->buf->len);
	}
	const struct field *field = pick_field(maker, level->resource);
	put_str(maker, field->name);
	put_path(maker, field);
	put_cast(maker);
	if (level->aggregated && chance(maker, 60)) {
		put_aggregate(maker);
		put_cast(maker);
	}
}

static void put_select(struct maker *maker, size_t number, size_t depth);

static bool is_forward(const struct relation *relation)
{
	return relation->reference != NULL && relation->from_fields.count > 0 &&
		relation->from_fields.items[0] == relation->reference->fields.items[0];
}

static void put_relation(struct maker *maker, size_t number, size_t depth)
{
	const struct level *parent = &maker->levels[number];
	const struct resource *resource = parent->resource;
	if (resource->relation_count == 0 || maker->level_count == LEVELS) {
		put_field(maker, parent);
		return;
	}
	const struct relation *relation = &resource->relations[pick(maker, resource->relation_count)];
	struct level *level = &maker->levels[maker->level_count++];
	char alias[8] = "";
	bool spread = chance(maker, 20);
	if (!spread && chance(maker, 60)) {
		(void)snprintf(alias, sizeof(alias), "e%zu", maker->level_count);
		put(maker, alias);
		put(maker, ":");
	}
	put(maker, spread ? "..." : "");
	bool by_field = is_forward(relation) && relation->from_fields.count == 1 &&
		(relation->to == resource || chance(maker, 40));
	struct str name = by_field ? relation->from_fields.items[0]->name : relation->to->name;
	put_str(maker, name);
	if (!by_field && chance(maker, 95)) {
		put(maker, "!\"");
		put_str(maker,
				relation->junction != NULL ? relation->junction->name : relation->reference->name);
		put(maker, "\"");
	}
	put(maker, maker->reads && chance(maker, 25) ? "!inner" : "");
	*level = (struct level){.resource = relation->to};
	(void)snprintf(level->path, sizeof(level->path), "%s%.*s.", parent->path,
				   STR_ARG(alias[0] != '\0' ? str_from(alias) : name));
	level->aggregated = chance(maker, 10);
	put(maker, "(");
	if (!chance(maker, 4)) {
		put_select(maker, (size_t)(level - maker->levels), depth - 1);
	}
	put(maker, ")");
}

static void put_select(struct maker *maker, size_t number, size_t depth)
{
	size_t count = 1 + pick(maker, 4);
	for (size_t i = 0; i < count; i++) {
		put(maker, i > 0 ? "," : "");
		if (depth > 0 && chance(maker, 40)) {
			put_relation(maker, number, depth);
		} else if (!maker->levels[number].aggregated && i == 0 && chance(maker, 20)) {
			put(maker, "*");
		} else {
			put_field(maker, &maker->levels[number]);
		}
	}
}

/* ---- conditions ---- */

static const char *pick_value(struct maker *maker, const struct field *field)
{
	static const char *const ids[] = {"1", "2", "3", "4", "5", "28", "29", "0"};
	static const char *const texts[] = {"a", "", "5", "x", "10", "true", "\xc3\xa9", "null"};
	static const char *const wrong[] = {"", "x", "1.5", "9223372036854775808", "1e3", "null"};
	if (chance(maker, 2)) {
		return pick_item(maker, LIST(wrong));
	}
	if (field->type == TYPE_JSON) {
		return pick_item(maker, LIST(texts));
	}
	bool is_id = field->type == TYPE_INTEGER && (field->key || field->references != NULL);
	if (is_id || field->in != NULL) {
		return pick_item(maker, LIST(ids));
	}
	return pick_item(maker, values_of(field));
}

/* `quoted`: inside and(…) or a list. */
static void put_value(struct maker *maker, const char *text, bool quoted)
{
	if (quoted && (text[0] == '\0' || strpbrk(text, ",()\"\\{} \n") != NULL || chance(maker, 5))) {
		put_quoted(maker, text);
	} else {
		put_escaped(maker, str_from(text));
	}
}

static void put_list(struct maker *maker, const struct field *field, const char *brackets)
{
	size_t count = pick(maker, 5);
	buf_append_byte(maker->buf, brackets[0]);
	for (size_t i = 0; i < count; i++) {
		put(maker, i > 0 ? "," : "");
		put_value(maker, pick_value(maker, field), true);
	}
	buf_append_byte(maker->buf, brackets[1]);
}

static void put_pattern(struct maker *maker, bool quoted)
{
	static const char *const words[] = {"like", "ilike", "match", "imatch"};
	static const char *const likes[] = {"*",        "a*",   "*b",   "_",   "\\%",
										"",         "*\"*", "A_",   "%b%", "*\xc3\x89*",
										"\xc3\xa9", "a\\",  "1_0*", "%_%", "ab"};
	static const char *const regexes[] = {"^a",  "b$", ".",   "[a-z]+", "\xc3\x89", "^$",
										  "a|b", "(",  "\\d", "^.{3}$", "\\\\"};
	size_t word = pick(maker, 4);
	put(maker, words[word]);
	put(maker, ".");
	put_value(maker, pick_item(maker, word < 2 ? LIST(likes) : LIST(regexes)), quoted);
}

static void put_words(struct maker *maker, bool quoted)
{
	static const char *const words[] = {"fts.", "plfts.", "phfts.", "wfts.", "plfts(simple)."};
	static const char *const texts[] = {"the cat",     "cat",     "a & b",     "cat | x",
										"!cat",        "a:*",     "two lines", "\"cat sat\" -b",
										"cat <-> sat", "\xc3\x89"};
	put(maker, pick_item(maker, LIST(words)));
	put_value(maker, pick_item(maker, LIST(texts)), quoted);
}

static void put_is(struct maker *maker, const struct field *field)
{
	static const char *const any[] = {"null", "not_null", "null", "NULL"};
	static const char *const boolean[] = {"true", "false", "unknown", "null", "not_null"};
	bool all = field->type == TYPE_BOOLEAN || chance(maker, 3);
	put(maker, "is.");
	put(maker, pick_item(maker, all ? LIST(boolean) : LIST(any)));
}

static void put_condition(struct maker *maker, const struct field *field, bool quoted)
{
	static const char *const words[] = {"eq", "neq", "gt", "gte", "lt", "lte", "isdistinct"};
	bool is_text = field->type == TYPE_TEXT || field->type == TYPE_JSON;
	put(maker, chance(maker, 15) ? "not." : "");
	size_t kind = pick(maker, 20);
	if (kind < 3) {
		put(maker, "in.");
		put_list(maker, field, "()");
	} else if (kind < 6) {
		put_is(maker, field);
	} else if (kind < 9 && is_text) {
		put_pattern(maker, quoted);
	} else if (kind < 10 && is_text) {
		put_words(maker, quoted);
	} else if (kind < 11) {
		put(maker, words[pick(maker, 6)]);
		put(maker, chance(maker, 50) ? "(any)." : "(all).");
		put_list(maker, field, "{}");
	} else {
		put(maker, pick_item(maker, LIST(words)));
		put(maker, ".");
		put_value(maker, pick_value(maker, field), quoted);
	}
}

/* Is there a row in a level below? Its name, or NULL. */
static const char *pick_embed(struct maker *maker, const struct level *level)
{
	if (maker->level_count <= 1 || !chance(maker, 15)) {
		return NULL;
	}
	const struct level *other = &maker->levels[1 + pick(maker, maker->level_count - 1)];
	size_t len = strlen(level->path);
	const char *name = &other->path[len];
	bool is_child = other != level && strncmp(other->path, level->path, len) == 0 &&
		strchr(name, '.') == name + strlen(name) - 1;
	return is_child ? name : NULL;
}

static void put_logic(struct maker *maker, const struct level *level, size_t depth)
{
	size_t count = 1 + pick(maker, 3);
	put(maker, "(");
	for (size_t i = 0; i < count; i++) {
		const char *embed = pick_embed(maker, level);
		put(maker, i > 0 ? "," : "");
		if (depth > 0 && chance(maker, 35)) {
			put(maker, chance(maker, 20) ? "not." : "");
			put(maker, chance(maker, 50) ? "and" : "or");
			put_logic(maker, level, depth - 1);
		} else if (embed != NULL) {
			put(maker, embed);
			put(maker, chance(maker, 50) ? "is.null" : "not.is.null");
		} else {
			const struct field *field = pick_field(maker, level->resource);
			put_str(maker, field->name);
			put_path(maker, field);
			put(maker, ".");
			put_condition(maker, field, true);
		}
	}
	put(maker, ")");
}

static void put_filter(struct maker *maker, const struct level *level)
{
	const char *embed = pick_embed(maker, level);
	begin_parameter(maker, level->path, "");
	if (embed != NULL) {
		buf_append(maker->buf, (struct str){embed, strlen(embed) - 1});
		put(maker, chance(maker, 50) ? "=is.null" : "=not.is.null");
	} else if (chance(maker, 30)) {
		put(maker, chance(maker, 20) ? "not." : "");
		put(maker, chance(maker, 30) ? "and=" : "or=");
		put_logic(maker, level, LOGIC_DEPTH);
	} else {
		const struct field *field = pick_field(maker, level->resource);
		put_str(maker, field->name);
		put_path(maker, field);
		put(maker, "=");
		put_condition(maker, field, false);
	}
}

/* ---- order and range ---- */

static void put_order(struct maker *maker, const struct level *level)
{
	static const char *const directions[] = {"",
											 ".desc",
											 ".asc",
											 ".nullsfirst",
											 ".desc.nullslast",
											 ".asc.nullsfirst",
											 ".desc.nullsfirst"};
	size_t count = 1 + pick(maker, 3);
	begin_parameter(maker, level->path, "order=");
	for (size_t i = 0; i < count; i++) {
		const char *embed = pick_embed(maker, level);
		const struct resource *resource = level->resource;
		put(maker, i > 0 ? "," : "");
		if (embed != NULL) {
			for (size_t k = 1; k < maker->level_count; k++) {
				bool same = strncmp(maker->levels[k].path, level->path, strlen(level->path)) == 0 &&
					strcmp(&maker->levels[k].path[strlen(level->path)], embed) == 0;
				resource = same ? maker->levels[k].resource : resource;
			}
			buf_append(maker->buf, (struct str){embed, strlen(embed) - 1});
			put(maker, "(");
		}
		const struct field *field = pick_field(maker, resource);
		put_str(maker, field->name);
		put_path(maker, field);
		put(maker, embed != NULL ? ")" : "");
		put(maker, pick_item(maker, LIST(directions)));
	}
}

static void put_level(struct maker *maker, const struct level *level, bool reads)
{
	bool is_root = level->path[0] == '\0';
	for (size_t count = pick(maker, is_root ? 3 : 2); count > 0; count--) {
		put_filter(maker, level);
	}
	if (chance(maker, 30)) {
		put_order(maker, level);
	}
	if ((reads || !is_root) && chance(maker, 30)) {
		begin_parameter(maker, level->path, "limit=");
		buf_append_uint(maker->buf, pick(maker, 6));
	}
	if ((reads || !is_root) && chance(maker, 15)) {
		begin_parameter(maker, level->path, "offset=");
		buf_append_uint(maker->buf, pick(maker, 4));
	}
}

static void put_query(struct maker *maker, const struct resource *resource, bool reads)
{
	maker->levels[0] = (struct level){.resource = resource};
	maker->levels[0].aggregated = reads && chance(maker, 12);
	maker->level_count = 1;
	maker->reads = reads;
	if (chance(maker, 85)) {
		begin_parameter(maker, "", "select=");
		put_select(maker, 0, reads ? EMBEDS : EMBEDS - 1);
	}
	for (size_t i = 0; i < maker->level_count; i++) {
		put_level(maker, &maker->levels[i], reads);
	}
}

/* ---- bodies ---- */

static void put_body_value(struct maker *maker, const struct field *field)
{
	static const char *const ids[] = {"1", "2", "3", "4", "5", "27", "29", "40", "0"};
	static const char *const codes[] = {"6b1f2d3c-0000-4000-8000-000000000000",
										"6b1f2d3c-0000-4000-8000-000000000003",
										"ffffffff-ffff-ffff-ffff-ffffffffffff"};
	bool is_id = field->type == TYPE_INTEGER && (field->key || field->references != NULL);
	bool is_code = field->type == TYPE_UUID && str_equal(field->name, STR("code"));
	if (chance(maker, field->required || field->key ? 2 : 12)) {
		put(maker, "null");
		return;
	}
	write_json_value(field,
					 pick_item(maker,
							   is_id || field->in != NULL ? LIST(ids)
								   : is_code              ? LIST(codes)
														  : values_of(field)),
					 maker->buf);
}

/* JSON; the fields of all rows are the same. */
static void put_body(struct maker *maker, const struct resource *resource, bool inserts, char line)
{
	size_t count = inserts ? 1 + pick(maker, 3) : 1;
	size_t wanted = 0;
	bool is_array = line == '\0' && chance(maker, 50);
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		bool must = inserts && (field->key || field->required);
		wanted |= (size_t)chance(maker, must ? 90 : inserts ? 50 : 25) << i;
	}
	put(maker, is_array ? "\n[" : "\n");
	for (size_t row = 0; row < (is_array || line != '\0' ? count : 1); row++) {
		bool any = false;
		put(maker, row == 0 ? "{" : line == '\0' ? ",{" : "\n{");
		for (size_t i = 0; i < resource->field_count; i++) {
			if ((wanted >> i & 1) != 0) {
				put(maker, any ? "," : "");
				json_write_string(maker->buf, resource->fields[i].name);
				put(maker, ":");
				put_body_value(maker, &resource->fields[i]);
				any = true;
			}
		}
		put(maker, "}");
	}
	put(maker, is_array ? "]" : "");
}

static void put_conflict(struct maker *maker, const struct resource *resource)
{
	if (resource->unique_count > 0 && chance(maker, 30)) {
		const struct field_list *fields =
			&resource->uniques[pick(maker, resource->unique_count)].fields;
		begin_parameter(maker, "", "on_conflict=");
		for (size_t i = 0; i < fields->count; i++) {
			put(maker, i > 0 ? "," : "");
			put_str(maker, fields->items[i]->name);
		}
	}
}

/* ---- requests ---- */

static void put_flags(struct maker *maker, bool reads, bool by_lines)
{
	static const char *const formats[] = {"", "", "{", "#", "/", "="};
	put(maker, chance(maker, 40) ? pick_item(maker, LIST(formats)) : "");
	put(maker, chance(maker, 10) ? "~" : "");
	if (reads) {
		put(maker, chance(maker, 30) ? "+" : "");
		return;
	}
	put(maker, chance(maker, 15) ? "." : "");
	put(maker, chance(maker, 25) ? "^" : "");
	put(maker, chance(maker, 15) ? "*" : "");
	put(maker, by_lines ? ";" : "");
}

static void put_key(struct maker *maker, const struct resource *resource)
{
	for (size_t i = 0; i < resource->key.count; i++) {
		put(maker, i > 0 ? "," : "/");
		put_value(maker, pick_value(maker, resource->key.items[i]), true);
	}
}

void diff_write_request(const struct model *model, const uint8_t *data, size_t size,
						struct buf *request)
{
	static const char *const writes[] = {"insert", "insert", "upsert", "upsert",
										 "update", "update", "delete", "put"};
	struct maker maker = {.model = model, .data = data, .size = size, .buf = request};
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
	}
	maker.state = hash | 1;
	const struct resource *resource = &model->resources[pick(&maker, model->resource_count)];
	bool reads = resource->read_only || chance(&maker, 60);
	const char *action = !reads ? pick_item(&maker, LIST(writes))
		: chance(&maker, 6)     ? "get"
								: "list";
	bool inserts = strcmp(action, "insert") == 0 || strcmp(action, "upsert") == 0;
	bool by_lines = inserts && chance(&maker, 15);
	put(&maker, action);
	put_flags(&maker, reads, by_lines);
	put(&maker, " ");
	put_str(&maker, resource->name);
	bool one = strcmp(action, "get") == 0 || strcmp(action, "put") == 0;
	if (one || (!reads && !inserts && chance(&maker, 50))) {
		put_key(&maker, resource);
	}
	put_query(&maker, resource, reads);
	if (reads && chance(&maker, 8)) {
		begin_parameter(&maker, "", "distinct=true");
	}
	if (reads && chance(&maker, 10)) {
		begin_parameter(&maker, "", "after=");
	}
	if (strcmp(action, "upsert") == 0) {
		put_conflict(&maker, resource);
	}
	if (!reads && strcmp(action, "delete") != 0) {
		put_body(&maker, resource, inserts, by_lines ? '\n' : '\0');
	}
}
