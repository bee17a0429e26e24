#include "model/yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/map.h"
#include "codec/json.h"
#include "codec/number.h"
#include "codec/utf8.h"

/* Maps with fewer entries are searched one by one for a key that was there before. */
#define SMALL_MAP 8
#define YAML_TAG_PREFIX "tag:yaml.org,2002:"

struct build {
	yaml_parser_t parser;
	struct str text;
	model_environment *environment;
	struct arena *arena;
	struct model_report *report;
	size_t filled_bytes; /* of all scalars so far */
};

static struct place mark_place(yaml_mark_t mark)
{
	return (struct place){mark.line + 1, mark.column + 1};
}

/* The place of a byte, counting lines and columns as libyaml does for ordinary line ends. */
static struct place offset_place(struct str text, size_t offset)
{
	struct place place = {1, 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte == '\n') {
			place.line++;
			place.column = 1;
		} else if ((byte & 0xC0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* The byte at a mark, whose index counts code points; '\0' at the end. */
static char mark_byte(struct str text, yaml_mark_t mark)
{
	size_t seen = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (((unsigned char)text.ptr[i] & 0xC0) == 0x80) {
			continue;
		}
		if (seen == mark.index) {
			return text.ptr[i];
		}
		seen++;
	}
	return '\0';
}

/* What people usually meant when libyaml says this. */
static const struct {
	const char *problem;
	char byte; /* that stands at the place; '\0' is any */
	const char *hint;
} syntax_hints[] = {
	{"did not find expected ',' or '}'", '{', "inside { } write it in quotes"},
	{"did not find expected ',' or ']'", '{', "inside [ ] write it in quotes"},
	{"did not find expected ',' or '}'", '\0', "separate entries with a comma and end with }"},
	{"did not find expected ',' or ']'", '\0', "separate items with a comma and end with ]"},
	{"found character that cannot start any token", '\t', "indent with spaces, not with tabs"},
	{"found a tab character that violates indentation", '\0', "indent with spaces, not with tabs"},
	{"found character that cannot start any token", '\0', "write the text in quotes"},
	{"mapping values are not allowed in this context", '\0',
	 "indent all entries of a map alike; a text that holds \": \" or ends with : needs quotes"},
	{"could not find expected ':'", '\0', "an entry of a map is written `word: value`"},
	{"did not find expected key", '\0', "indent all entries of a map alike"},
	{"found unexpected end of stream", '\0', "a quote is not closed"},
	{"did not find expected alphabetic or numeric character", '\0',
	 "a text that begins with * or & needs quotes"},
	{"found unknown escape character", '\0', "write the text in single quotes"},
};

static void report_syntax(struct build *build)
{
	const yaml_parser_t *parser = &build->parser;
	const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
	struct place place = mark_place(parser->problem_mark);
	char byte = mark_byte(build->text, parser->problem_mark);
	const char *hint = NULL;

	if (parser->error == YAML_MEMORY_ERROR) {
		abort();
	}
	if (parser->error == YAML_READER_ERROR) {
		place = offset_place(build->text, parser->problem_offset);
	}
	for (size_t i = 0; i < sizeof(syntax_hints) / sizeof(syntax_hints[0]) && hint == NULL; i++) {
		if (strcmp(problem, syntax_hints[i].problem) == 0 &&
			(syntax_hints[i].byte == '\0' || syntax_hints[i].byte == byte)) {
			hint = syntax_hints[i].hint;
		}
	}
	if (parser->context != NULL) {
		model_report_add(build->report, place, hint, "%s: %s", parser->context, problem);
	} else {
		model_report_add(build->report, place, hint, "%s", problem);
	}
}

static bool next_event(struct build *build, yaml_event_t *event)
{
	if (yaml_parser_parse(&build->parser, event) == 0) {
		report_syntax(build);
		return false;
	}
	return true;
}

static struct node *node_new(struct build *build, enum node_kind kind, struct place place)
{
	struct node *node = ARENA_NEW(build->arena, struct node);

	node->kind = kind;
	node->place = place;
	return node;
}

/* Anchors are harmless alone but mean aliases; tags would change types. Neither is needed. */
static void refuse_extras(struct build *build, struct place place, const yaml_char_t *anchor,
						  const yaml_char_t *tag)
{
	if (anchor != NULL) {
		model_report_add(build->report, place, "write the part out where it is used",
						 "anchors (&%s) are not allowed", (const char *)anchor);
	}
	if (tag != NULL) {
		struct str name = str_from((const char *)tag);
		bool standard = str_starts_with(name, STR(YAML_TAG_PREFIX));

		name = str_slice(name, standard ? strlen(YAML_TAG_PREFIX) : 0, name.len);
		model_report_add(build->report, place, "types are those of the fields",
						 "tags (%s%.*s) are not allowed", standard ? "!!" : "", STR_ARG(name));
	}
}

static bool is_name_byte(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
		(!first && c >= '0' && c <= '9');
}

/* Appends what the `${…}` with this inside stands for. */
static bool fill_variable(struct build *build, struct node *node, struct str inside,
						  struct buf *out)
{
	size_t name_len = 0;
	struct str name;
	struct str rest;
	const char *value;

	while (name_len < inside.len && is_name_byte(inside.ptr[name_len], name_len == 0)) {
		name_len++;
	}
	name = arena_copy(build->arena, str_slice(inside, 0, name_len));
	rest = str_slice(inside, name_len, inside.len);
	if (name_len == 0 || (rest.len > 0 && !str_starts_with(rest, STR(":-")))) {
		model_report_add(build->report, node->place,
						 "write ${NAME} or ${NAME:-default}; $$ is a dollar sign",
						 "\"${%.*s}\" names no variable", STR_ARG(inside));
		return false;
	}
	value = build->environment == NULL ? NULL : build->environment(name.ptr);
	if (rest.len > 0 && (value == NULL || *value == '\0')) {
		buf_append(out, str_slice(rest, 2, rest.len));
		return true;
	}
	if (value == NULL) {
		model_report_add(build->report, node->place, "set it, or give a default: ${NAME:-default}",
						 "the environment variable %s is not set", name.ptr);
		return false;
	}
	if (utf8_check(str_from(value)) != strlen(value)) {
		model_report_add(build->report, node->place, NULL,
						 "the environment variable %s is not UTF-8", name.ptr);
		return false;
	}
	if (*value != '\0') {
		struct node_span *span = ARENA_NEW(build->arena, struct node_span);

		*span = (struct node_span){out->len, out->len + strlen(value), node->filled};
		node->filled = span;
		buf_append(out, str_from(value));
	}
	return true;
}

/* The brace that closes a `${`; a default may hold pairs of braces. */
static size_t find_close(struct str raw, size_t from)
{
	size_t open = 0;

	for (size_t i = from; i < raw.len; i++) {
		if (raw.ptr[i] == '{') {
			open++;
		} else if (raw.ptr[i] == '}' && open-- == 0) {
			return i;
		}
	}
	return raw.len;
}

/* Fills the environment into `raw`; false when something in it is wrong. */
static bool fill_text(struct build *build, struct node *node, struct str raw, struct buf *out)
{
	bool good = true;

	for (size_t i = 0; i < raw.len;) {
		size_t dollar = str_find(raw, '$', i);
		char after = dollar + 1 < raw.len ? raw.ptr[dollar + 1] : '\0';
		size_t close;

		buf_append(out, str_slice(raw, i, dollar));
		i = dollar;
		if (i == raw.len) {
			break;
		}
		if (after != '{') {
			buf_append_byte(out, '$');
			i += after == '$' ? 2 : 1;
			continue;
		}
		node->variable = true;
		close = find_close(raw, i + 2);
		if (close == raw.len) {
			model_report_add(build->report, node->place,
							 "write ${NAME} or ${NAME:-default}; $$ is a dollar sign",
							 "\"${\" has no \"}\"");
			return false;
		}
		good = fill_variable(build, node, str_slice(raw, i + 2, close), out) && good;
		i = close + 1;
	}
	return good;
}

/* NULL when the whole file is too large with this scalar. */
static struct node *build_scalar(struct build *build, const yaml_event_t *event)
{
	struct node *node = node_new(build, NODE_SCALAR, mark_place(event->start_mark));
	struct str raw = {(const char *)event->data.scalar.value, event->data.scalar.length};
	struct buf out;

	refuse_extras(build, node->place, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(raw.ptr, '\0', raw.len) != NULL) {
		model_report_add(build->report, node->place, NULL, "a text cannot hold a NUL");
		node->kind = NODE_BROKEN;
		return node;
	}
	buf_init(&out, YAML_MAX_BYTES);
	if (!fill_text(build, node, raw, &out)) {
		node->kind = NODE_BROKEN;
	}
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_copy(build->arena, buf_str(&out));
	build->filled_bytes += out.len;
	if (out.failed || build->filled_bytes > YAML_MAX_BYTES) {
		model_report_add(build->report, node->place, NULL,
						 "with the environment filled in the file is larger than 1 MiB");
		node = NULL;
	}
	buf_finish(&out);
	return node;
}

static struct node *build_node(struct build *build, const yaml_event_t *event, unsigned depth);

/* Builds from an event and gives the event back. */
static struct node *build_and_delete(struct build *build, yaml_event_t *event, unsigned depth)
{
	struct node *node = build_node(build, event, depth);

	yaml_event_delete(event);
	return node;
}

static bool build_list(struct build *build, struct node *list, unsigned depth)
{
	const struct node **end = &list->first;

	for (;;) {
		yaml_event_t event;
		struct node *item;

		if (!next_event(build, &event)) {
			return false;
		}
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return true;
		}
		item = build_and_delete(build, &event, depth);
		if (item == NULL) {
			return false;
		}
		*end = item;
		end = &item->next;
		list->count++;
	}
}

/* Reads a key. *ret_good is false for one that was reported. False when nothing after it makes
 * sense any more. */
static bool build_key(struct build *build, const yaml_event_t *event, unsigned depth,
					  struct text *ret_key, bool *ret_good)
{
	struct str raw;

	ret_key->place = mark_place(event->start_mark);
	*ret_good = false;
	if (event->type != YAML_SCALAR_EVENT) {
		model_report_add(build->report, ret_key->place, NULL, "a key is a text");
		return build_node(build, event, depth) != NULL;
	}
	raw = (struct str){(const char *)event->data.scalar.value, event->data.scalar.length};
	refuse_extras(build, ret_key->place, event->data.scalar.anchor, event->data.scalar.tag);
	ret_key->str = arena_copy(build->arena, raw);
	if (memchr(raw.ptr, '\0', raw.len) != NULL) {
		model_report_add(build->report, ret_key->place, NULL, "a key cannot hold a NUL");
	} else if (strstr(ret_key->str.ptr, "${") != NULL) {
		model_report_add(build->report, ret_key->place, "write the name out",
						 "a key is not filled from the environment");
	} else {
		*ret_good = true;
	}
	return true;
}

/* The entry that has this key already, or NULL. `seen` is used for all but small maps. */
static const struct node *find_key(const struct node *map, struct map *seen, struct str key)
{
	if (map->count == SMALL_MAP) {
		for (const struct node *node = map->first; node != NULL; node = node->next) {
			(void)map_put(seen, node->key.str, (void *)node);
		}
	}
	if (map->count >= SMALL_MAP) {
		return map_get(seen, key);
	}
	for (const struct node *node = map->first; node != NULL; node = node->next) {
		if (str_equal(node->key.str, key)) {
			return node;
		}
	}
	return NULL;
}

static bool build_entries(struct build *build, struct node *map, unsigned depth, struct map *seen)
{
	const struct node **end = &map->first;

	for (;;) {
		yaml_event_t event;
		struct text key;
		struct node *value;
		const struct node *before;
		bool good;
		bool known;

		if (!next_event(build, &event)) {
			return false;
		}
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return true;
		}
		known = build_key(build, &event, depth, &key, &good);
		yaml_event_delete(&event);
		if (!known || !next_event(build, &event)) {
			return false;
		}
		value = build_and_delete(build, &event, depth);
		if (value == NULL) {
			return false;
		}
		if (!good) {
			continue;
		}
		before = find_key(map, seen, key.str);
		if (before != NULL) {
			model_report_add(build->report, key.place, NULL,
							 "\"%.*s\" stands twice; it is in line %zu already", STR_ARG(key.str),
							 before->key.place.line);
			continue;
		}
		value->key = key;
		if (map->count >= SMALL_MAP) {
			(void)map_put(seen, key.str, value);
		}
		*end = value;
		end = &value->next;
		map->count++;
	}
}

static bool build_map(struct build *build, struct node *map, unsigned depth)
{
	struct map seen;
	bool good;

	map_init(&seen);
	good = build_entries(build, map, depth, &seen);
	map_finish(&seen);
	return good;
}

/* The node that begins with this event; NULL when nothing after it makes sense any more. */
static struct node *build_node(struct build *build, const yaml_event_t *event, unsigned depth)
{
	struct place place = mark_place(event->start_mark);
	struct node *node;
	bool is_map = event->type == YAML_MAPPING_START_EVENT;

	if (event->type == YAML_SCALAR_EVENT) {
		return build_scalar(build, event);
	}
	if (event->type == YAML_ALIAS_EVENT) {
		model_report_add(build->report, place, "write the part out",
						 "aliases (*%s) are not allowed", (const char *)event->data.alias.anchor);
		return node_new(build, NODE_BROKEN, place);
	}
	assert(is_map || event->type == YAML_SEQUENCE_START_EVENT);
	if (depth == YAML_MAX_DEPTH) {
		model_report_add(build->report, place, NULL, "more than %d levels", YAML_MAX_DEPTH);
		return NULL;
	}
	node = node_new(build, is_map ? NODE_MAP : NODE_LIST, place);
	if (is_map) {
		refuse_extras(build, place, event->data.mapping_start.anchor,
					  event->data.mapping_start.tag);
	} else {
		refuse_extras(build, place, event->data.sequence_start.anchor,
					  event->data.sequence_start.tag);
	}
	if (!(is_map ? build_map : build_list)(build, node, depth + 1)) {
		return NULL;
	}
	return node;
}

/* The stream: one document. */
static const struct node *build_stream(struct build *build)
{
	const struct node *root = NULL;

	for (;;) {
		yaml_event_t event;
		struct place place;
		yaml_event_type_t type;

		if (!next_event(build, &event)) {
			return NULL;
		}
		type = event.type;
		place = mark_place(event.start_mark);
		if (type == YAML_DOCUMENT_START_EVENT && root != NULL) {
			yaml_event_delete(&event);
			model_report_add(build->report, place, NULL, "a service file holds one document");
			return root;
		}
		if (type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT ||
			type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) {
			root = build_and_delete(build, &event, 0);
			if (root == NULL) {
				return NULL;
			}
			continue;
		}
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT) {
			break;
		}
	}
	if (root == NULL) {
		model_report_add(build->report, (struct place){0}, "it begins with `service: NAME`",
						 "the file is empty");
	}
	return root;
}

const struct node *yaml_parse(struct str text, model_environment *environment, struct arena *arena,
							  struct model_report *report)
{
	struct build build = {
		.environment = environment,
		.arena = arena,
		.report = report,
	};
	const struct node *root;
	size_t bad;

	if (text.len > YAML_MAX_BYTES) {
		model_report_add(report, (struct place){0}, NULL, "the file is larger than 1 MiB");
		return NULL;
	}
	if (str_starts_with(text, STR("\xEF\xBB\xBF"))) {
		text = str_slice(text, 3, text.len);
	}
	bad = utf8_check(text);
	if (bad != text.len) {
		model_report_add(report, offset_place(text, bad), "save the file as UTF-8",
						 "the file is not UTF-8 here");
		return NULL;
	}
	build.text = text;
	if (yaml_parser_initialize(&build.parser) == 0) {
		abort();
	}
	yaml_parser_set_encoding(&build.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&build.parser, (const unsigned char *)(text.len ? text.ptr : ""),
								 text.len);
	root = build_stream(&build);
	yaml_parser_delete(&build.parser);
	return root;
}

static size_t skip_bytes(struct str s, size_t at, const char *allowed)
{
	while (at < s.len && strchr(allowed, s.ptr[at]) != NULL) {
		at++;
	}
	return at;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, 0o…, 0x…, [-+]?.inf, .nan */
static bool is_core_number(struct str s)
{
	static const char digits[] = "0123456789";
	size_t start = s.len > 0 && (s.ptr[0] == '+' || s.ptr[0] == '-') ? 1 : 0;
	struct str word = str_slice(s, start, s.len);
	size_t at = skip_bytes(s, start, digits);
	size_t count = at - start;

	if (str_equal_nocase(word, STR(".inf")) || str_equal_nocase(s, STR(".nan"))) {
		return true;
	}
	if (str_starts_with(s, STR("0x")) || str_starts_with(s, STR("0o"))) {
		const char *allowed = s.ptr[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";

		return s.len > 2 && skip_bytes(s, 2, allowed) == s.len;
	}
	if (at < s.len && s.ptr[at] == '.') {
		size_t end = skip_bytes(s, at + 1, digits);

		count += end - at - 1;
		at = end;
	}
	if (count > 0 && at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
		size_t exponent = at + 1;

		if (exponent < s.len && (s.ptr[exponent] == '+' || s.ptr[exponent] == '-')) {
			exponent++;
		}
		at = skip_bytes(s, exponent, digits);
		return at == s.len && at > exponent;
	}
	return count > 0 && at == s.len;
}

enum scalar yaml_scalar(const struct node *node)
{
	static const struct {
		const char *word;
		enum scalar scalar;
	} words[] = {
		{"", SCALAR_NULL},       {"~", SCALAR_NULL},      {"null", SCALAR_NULL},
		{"Null", SCALAR_NULL},   {"NULL", SCALAR_NULL},   {"true", SCALAR_TRUE},
		{"True", SCALAR_TRUE},   {"TRUE", SCALAR_TRUE},   {"false", SCALAR_FALSE},
		{"False", SCALAR_FALSE}, {"FALSE", SCALAR_FALSE},
	};
	double number;

	assert(node->kind == NODE_SCALAR);
	if (!node->plain) {
		return SCALAR_TEXT;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal(node->text, str_from(words[i].word))) {
			return words[i].scalar;
		}
	}
	if (number_parse_double(node->text, &number) != NUMBER_SYNTAX) {
		return SCALAR_NUMBER;
	}
	return is_core_number(node->text) ? SCALAR_ODD_NUMBER : SCALAR_TEXT;
}

bool yaml_from_environment(const struct node *node, size_t offset)
{
	for (const struct node_span *span = node->filled; span != NULL; span = span->next) {
		if (offset >= span->from && offset < span->to) {
			return true;
		}
	}
	return false;
}

static bool write_scalar(struct buf *buf, const struct node *node, yaml_check_text *text,
						 void *context, struct model_report *report)
{
	switch (yaml_scalar(node)) {
	case SCALAR_TEXT:
		json_write_string(buf, node->text);
		return text == NULL || text(context, node);
	case SCALAR_NULL:
		buf_append(buf, STR("null"));
		return true;
	case SCALAR_TRUE:
		buf_append(buf, STR("true"));
		return true;
	case SCALAR_FALSE:
		buf_append(buf, STR("false"));
		return true;
	case SCALAR_NUMBER:
		buf_append(buf, node->text);
		return true;
	case SCALAR_ODD_NUMBER:
		break;
	}
	model_report_add(report, node->place, "write it as JSON does, or in quotes if it is a text",
					 "%.*s is no JSON number", STR_ARG(node->text));
	return false;
}

bool yaml_write_json(struct buf *buf, const struct node *node, yaml_check_text *text, void *context,
					 struct model_report *report)
{
	bool good = true;
	bool is_map = node->kind == NODE_MAP;

	if (node->kind == NODE_BROKEN) {
		return false;
	}
	if (node->kind == NODE_SCALAR) {
		return write_scalar(buf, node, text, context, report);
	}
	buf_append_byte(buf, is_map ? '{' : '[');
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		if (child != node->first) {
			buf_append_byte(buf, ',');
		}
		if (is_map) {
			json_write_string(buf, child->key.str);
			buf_append_byte(buf, ':');
		}
		good = yaml_write_json(buf, child, text, context, report) && good;
	}
	buf_append_byte(buf, is_map ? '}' : ']');
	return good;
}

/* Each part with its kind and length, so that no two trees give the same bytes. */
static void write_shape(struct buf *buf, const struct node *node)
{
	buf_printf(buf, "%d%d:%zu:", (int)node->kind, node->plain ? 1 : 0, node->count);
	buf_printf(buf, "%zu:", node->text.len);
	buf_append(buf, node->text);
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		buf_printf(buf, "%zu:", child->key.str.len);
		buf_append(buf, child->key.str);
		write_shape(buf, child);
	}
}

uint64_t yaml_hash(const struct node *root)
{
	/* A fixed key: processes that share a cache must agree. */
	static const uint64_t key[2] = {UINT64_C(0x726f776c6f636b00), UINT64_C(0x6d6f64656c000001)};
	struct buf buf;
	uint64_t hash;

	buf_init(&buf, SIZE_MAX);
	write_shape(&buf, root);
	hash = siphash(key, buf.ptr, buf.len);
	buf_finish(&buf);
	return hash;
}
