#include "query/check_priv.h"

#include <assert.h>

#include "base/map.h"
#include "codec/json.h"
#include "query/fetch.h"

/* Where the values of items come from: a level, or a spread that is folded into it. */
struct source {
	const struct level *level;
	const struct relation *const *through;
	size_t through_count;
};

/* ---- fetch ---- */

static bool is_same_path(const struct json_path *a, const struct json_path *b)
{
	if (a == NULL || b == NULL || a == b) {
		return a == b;
	}
	bool same = a->count == b->count && a->as_text == b->as_text;
	for (size_t i = 0; same && i < a->count; i++) {
		same = a->steps[i].is_position == b->steps[i].is_position &&
			str_equal(a->steps[i].key, b->steps[i].key);
	}
	return same;
}

bool check_same_term(const struct term *a, const struct term *b)
{
	bool same = a->field == b->field && a->through_count == b->through_count &&
		is_same_path(a->path, b->path);
	for (size_t i = 0; same && i < a->through_count; i++) {
		same = a->through[i] == b->through[i];
	}
	return same;
}

static bool is_same_cast(const struct field *a, const struct field *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	return a->type == b->type && (a == &fetch_http_date) == (b == &fetch_http_date);
}

static bool is_same_fetch(const struct query_fetch *a, const struct query_fetch *b)
{
	return a->aggregate == b->aggregate && is_same_cast(a->cast, b->cast) &&
		is_same_cast(a->result_cast, b->result_cast) && check_same_term(&a->term, &b->term);
}

/* Is it a field of the row itself, as it is? */
static bool is_plain(const struct query_fetch *fetch)
{
	return fetch->aggregate == AGGREGATE_NONE && fetch->cast == NULL && fetch->term.path == NULL &&
		fetch->term.through_count == 0;
}

static size_t find_fetch(const struct level *level, const struct query_fetch *fetch)
{
	if (is_plain(fetch)) {
		size_t number = level->plain[fetch->term.field->number];
		return number == 0 ? SIZE_MAX : number - 1;
	}
	for (size_t i = 0; i < level->fetch_count; i++) {
		if (is_same_fetch(&level->fetch[i], fetch)) {
			return i;
		}
	}
	return SIZE_MAX;
}

static void *grow(struct arena *arena, const void *items, size_t count, size_t *room, size_t size)
{
	enum { FIRST_ROOM = 16 };
	*room = *room == 0 ? FIRST_ROOM : *room * 2;
	void *more = arena_array(arena, *room, size);
	if (count > 0) {
		memcpy(more, items, count * size);
	}
	return more;
}

static size_t add_fetch(struct checker *checker, struct level *level,
						const struct query_fetch *fetch)
{
	size_t at = find_fetch(level, fetch);
	if (at != SIZE_MAX) {
		return at;
	}
	if (level->fetch_count == level->fetch_room) {
		level->fetch = grow(checker->arena, level->fetch, level->fetch_count, &level->fetch_room,
							sizeof(*level->fetch));
	}
	level->fetch[level->fetch_count++] = *fetch;
	if (is_plain(fetch)) {
		level->plain[fetch->term.field->number] = level->fetch_count;
	}
	return level->fetch_count - 1;
}

static const struct field *term_type(struct checker *checker, const struct term *term)
{
	if (term->path == NULL) {
		return term->field;
	}
	return check_made_field(checker, term->field->name,
							term->path->as_text ? TYPE_TEXT : TYPE_JSON);
}

size_t check_fetch(struct checker *checker, struct level *level, const struct term *term)
{
	struct query_fetch fetch = {.term = *term, .type = term->field};
	if (!is_plain(&fetch)) {
		fetch.type = term_type(checker, term);
	}
	return add_fetch(checker, level, &fetch);
}

size_t check_fetched(const struct level *level, const struct term *term)
{
	const struct query_fetch fetch = {.term = *term};
	return find_fetch(level, &fetch);
}

/* ---- types ---- */

static const struct {
	struct str name;
	enum type type;
} cast_types[] = {
	{STR_INIT("text"), TYPE_TEXT},          {STR_INIT("varchar"), TYPE_TEXT},
	{STR_INIT("char"), TYPE_TEXT},          {STR_INIT("bpchar"), TYPE_TEXT},
	{STR_INIT("int"), TYPE_INTEGER},        {STR_INIT("int2"), TYPE_INTEGER},
	{STR_INIT("int4"), TYPE_INTEGER},       {STR_INIT("int8"), TYPE_INTEGER},
	{STR_INIT("integer"), TYPE_INTEGER},    {STR_INIT("smallint"), TYPE_INTEGER},
	{STR_INIT("bigint"), TYPE_INTEGER},     {STR_INIT("float4"), TYPE_NUMBER},
	{STR_INIT("float8"), TYPE_NUMBER},      {STR_INIT("real"), TYPE_NUMBER},
	{STR_INIT("number"), TYPE_NUMBER},      {STR_INIT("double precision"), TYPE_NUMBER},
	{STR_INIT("numeric"), TYPE_DECIMAL},    {STR_INIT("decimal"), TYPE_DECIMAL},
	{STR_INIT("bool"), TYPE_BOOLEAN},       {STR_INIT("boolean"), TYPE_BOOLEAN},
	{STR_INIT("uuid"), TYPE_UUID},          {STR_INIT("json"), TYPE_JSON},
	{STR_INIT("jsonb"), TYPE_JSON},         {STR_INIT("date"), TYPE_DATE},
	{STR_INIT("time"), TYPE_TIME},          {STR_INIT("datetime"), TYPE_DATETIME},
	{STR_INIT("timestamp"), TYPE_DATETIME}, {STR_INIT("timestamptz"), TYPE_DATETIME},
	{STR_INIT("http_date"), TYPE_TEXT},
};

/* Dates and times become each other, where the one holds the other; else they are read and written
 * as text. */
static bool has_cast(enum type from, enum type to)
{
	if (value_is_date(from) && value_is_date(to)) {
		return from == TYPE_DATETIME || (from == TYPE_DATE && to == TYPE_DATETIME);
	}
	if (value_is_date(from)) {
		return to == TYPE_TEXT || to == TYPE_JSON;
	}
	return !value_is_date(to) || from == TYPE_TEXT;
}

/* The cast of a value of type *type, which becomes that of the result. NULL: none is needed. */
static bool find_cast(struct checker *checker, struct str name, const struct field **type,
					  const struct field **ret_cast)
{
	enum { TYPES = sizeof(cast_types) / sizeof(cast_types[0]) };
	size_t i = 0;
	*ret_cast = NULL;
	if (name.len == 0) {
		return true;
	}
	while (i < TYPES && !str_equal_nocase(cast_types[i].name, name)) {
		i++;
	}
	if (i == TYPES) {
		return error_set(checker->error, ERROR_CAST_TYPE, "type \"%.*s\" does not exist",
						 STR_ARG(name));
	}
	enum type wanted = cast_types[i].type;
	if (wanted == TYPE_DECIMAL && (*type)->type != TYPE_DECIMAL) {
		/* Digits behind the point are those of a field, where it has a number of them. */
		wanted = TYPE_NUMBER;
	}
	bool http_date = str_equal(cast_types[i].name, STR("http_date"));
	bool moment = (*type)->type == TYPE_DATE || (*type)->type == TYPE_DATETIME;
	if (wanted == (*type)->type && !http_date) {
		return true;
	}
	if (http_date ? !moment : !has_cast((*type)->type, wanted)) {
		return error_set(checker->error, ERROR_VALUE, "cannot cast type %s to %s",
						 value_type_name((*type)->type),
						 http_date ? "http_date" : value_type_name(wanted));
	}
	*ret_cast = http_date ? &fetch_http_date : check_made_field(checker, (*type)->name, wanted);
	*type = *ret_cast;
	return true;
}

static bool is_number(enum type type)
{
	return type == TYPE_INTEGER || type == TYPE_NUMBER || type == TYPE_DECIMAL;
}

/* The type of an aggregate of values of a type; NULL: there is no such aggregate. */
static const struct field *aggregate_type(struct checker *checker, enum aggregate aggregate,
										  const struct field *from)
{
	enum { MOST_DIGITS = 18 };
	struct field *sum;
	switch (aggregate) {
	case AGGREGATE_NONE:
		return from;
	case AGGREGATE_COUNT:
		return check_made_field(checker, from->name, TYPE_INTEGER);
	case AGGREGATE_SUM:
		if (!is_number(from->type)) {
			return NULL;
		}
		sum = check_made_field(checker, from->name, from->type);
		sum->precision = from->type == TYPE_DECIMAL ? MOST_DIGITS : 0;
		sum->scale = from->scale;
		return sum;
	case AGGREGATE_AVG:
		return is_number(from->type) ? check_made_field(checker, from->name, TYPE_NUMBER) : NULL;
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return from->type == TYPE_JSON || from->type == TYPE_BOOLEAN ? NULL : from;
	}
	assert(false);
	return NULL;
}

static struct str aggregate_name(enum aggregate aggregate)
{
	static const struct str names[] = {
		[AGGREGATE_NONE] = STR_INIT(""),   [AGGREGATE_COUNT] = STR_INIT("count"),
		[AGGREGATE_SUM] = STR_INIT("sum"), [AGGREGATE_AVG] = STR_INIT("avg"),
		[AGGREGATE_MIN] = STR_INIT("min"), [AGGREGATE_MAX] = STR_INIT("max"),
	};
	return names[aggregate];
}

/* ---- columns ---- */

static bool is_plain_text(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
			return false;
		}
	}
	return true;
}

/* `"name":` */
static struct str make_key(struct checker *checker, struct str name)
{
	if (is_plain_text(name)) {
		char *bytes = arena_bytes(checker->arena, name.len + 3);
		bytes[0] = '"';
		memcpy(bytes + 1, name.ptr, name.len);
		bytes[name.len + 1] = '"';
		bytes[name.len + 2] = ':';
		return (struct str){bytes, name.len + 3};
	}
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	json_write_string(&buf, name);
	buf_append_byte(&buf, ':');
	struct str key = arena_copy(checker->arena, buf_str(&buf));
	buf_finish(&buf);
	return key;
}

static bool fail_name(struct checker *checker, struct str name)
{
	return error_set(checker->error, ERROR_PARSE, "two columns have the name \"%.*s\"",
					 STR_ARG(name));
}

static void append_column(struct checker *checker, struct level *level,
						  const struct query_column *column)
{
	if (level->column_count == level->column_room) {
		level->columns = grow(checker->arena, level->columns, level->column_count,
							  &level->column_room, sizeof(*level->columns));
	}
	level->columns[level->column_count++] = *column;
}

/* Adds a value; one that is there already under the same name is passed over. False when the name
 * is taken by another. */
static bool add_column(struct checker *checker, struct level *level, size_t at, struct str name)
{
	const struct query_fetch *fetch = &level->fetch[at];
	bool own = is_plain(fetch) && str_equal(name, fetch->term.field->name);
	if (own && level->own[fetch->term.field->number]) {
		return true;
	}
	for (size_t i = 0; (level->renamed || !own) && i < level->column_count; i++) {
		const struct query_column *other = &level->columns[i];
		if (other->key.len > 0 && str_equal(other->name, name)) {
			return (other->embed == NULL && other->at == at) || fail_name(checker, name);
		}
	}
	if (own) {
		level->own[fetch->term.field->number] = true;
	}
	level->renamed = level->renamed || !own;
	const struct query_column column = {.name = name, .key = make_key(checker, name), .at = at};
	append_column(checker, level, &column);
	return true;
}

static bool add_embed(struct checker *checker, struct level *level, struct level *child)
{
	const struct field_list *from = &child->relation->from_fields;
	const struct parsed_item *item = child->item;
	struct query_column column = {
		.name = item->alias.len > 0 ? item->alias : item->column,
		.embed = child->embed,
	};
	if (level->parent == NULL && checker->parsed->distinct) {
		return check_unsupported(checker, "distinct rows with the embedded \"%.*s\"",
								 STR_ARG(column.name));
	}
	for (size_t i = 0; !item->spread && i < level->column_count; i++) {
		const struct query_column *other = &level->columns[i];
		if (other->key.len > 0 && str_equal(other->name, column.name)) {
			return fail_name(checker, column.name);
		}
	}
	size_t *keys = ARENA_ARRAY(checker->arena, from->count, size_t);
	for (size_t i = 0; i < from->count; i++) {
		const struct term key = {.field = from->items[i]};
		keys[i] = check_fetch(checker, level, &key);
	}
	child->embed->keys = keys;
	child->used = true;
	if (!item->spread) {
		column.key = make_key(checker, column.name);
	}
	level->renamed = true;
	append_column(checker, level, &column);
	return true;
}

/* ---- items ---- */

/* A tally has a field of this name; other resources are counted. */
static bool is_count(const struct parsed_item *item, const struct resource *resource)
{
	return item->kind == ITEM_COUNT ||
		(item->kind == ITEM_FIELD && item->path == NULL && item->aggregate == AGGREGATE_NONE &&
		 str_equal(item->column, STR("count")) && resource_field(resource, item->column) == NULL);
}

bool check_aggregates(const struct parsed_item *item, const struct resource *resource)
{
	return (item->kind == ITEM_FIELD && item->aggregate != AGGREGATE_NONE) ||
		is_count(item, resource);
}

/* The last key of a path; of `data->0` the field. */
static struct str path_name(const struct parsed_item *item)
{
	for (size_t i = item->path->count; i > 0; i--) {
		if (!item->path->steps[i - 1].is_position) {
			return item->path->steps[i - 1].key;
		}
	}
	return item->column;
}

static struct str item_name(const struct parsed_item *item, enum aggregate aggregate)
{
	if (item->alias.len > 0) {
		return item->alias;
	}
	if (aggregate != AGGREGATE_NONE) {
		return aggregate_name(aggregate);
	}
	return item->path != NULL ? path_name(item) : item->column;
}

/* Without a field: the number of rows. */
static bool read_count(struct checker *checker, const struct parsed_item *item,
					   struct query_fetch *fetch)
{
	fetch->aggregate = AGGREGATE_COUNT;
	fetch->type = check_made_field(checker, STR("count"), TYPE_INTEGER);
	struct str cast = item->cast.len > 0 ? item->cast : item->result_cast;
	return find_cast(checker, cast, &fetch->type, &fetch->result_cast);
}

static bool read_value(struct checker *checker, const struct source *source,
					   const struct parsed_item *item, struct query_fetch *fetch)
{
	struct term *term = &fetch->term;
	if (!check_term(checker, source->level->resource, item->column, item->path, term)) {
		return false;
	}
	term->through = source->through;
	term->through_count = source->through_count;
	const struct field *type = term_type(checker, term);
	if (!find_cast(checker, item->cast, &type, &fetch->cast)) {
		return false;
	}
	fetch->aggregate = item->aggregate;
	fetch->type = aggregate_type(checker, item->aggregate, type);
	if (fetch->type == NULL) {
		return error_set(checker->error, ERROR_VALUE, "function %.*s(%s) does not exist",
						 STR_ARG(aggregate_name(item->aggregate)), value_type_name(type->type));
	}
	return find_cast(checker, item->result_cast, &fetch->type, &fetch->result_cast);
}

static bool select_value(struct checker *checker, struct level *level, const struct source *source,
						 const struct parsed_item *item)
{
	struct query_fetch fetch = {.aggregate = AGGREGATE_NONE};
	bool ok = is_count(item, source->level->resource) ? read_count(checker, item, &fetch)
													  : read_value(checker, source, item, &fetch);
	return ok &&
		add_column(checker, level, add_fetch(checker, level, &fetch),
				   item_name(item, fetch.aggregate));
}

static bool select_all(struct checker *checker, struct level *level, const struct source *source)
{
	const struct resource *resource = source->level->resource;
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct term term = {
			.field = &resource->fields[i],
			.through = source->through,
			.through_count = source->through_count,
		};
		if (!caller_may_read(checker->options->caller, term.field)) {
			continue;
		}
		if (field_is_computed(term.field)) {
			continue; /* it is answered when it is asked for by its name */
		}
		size_t at = check_fetch(checker, level, &term);
		if (!add_column(checker, level, at, term.field->name)) {
			return false;
		}
	}
	return true;
}

static bool select_items(struct checker *checker, struct level *level, const struct source *source);

/* A spread of one row, whose values are the parent's own. */
static bool select_folded(struct checker *checker, struct level *level, const struct source *source,
						  const struct level *child)
{
	size_t count = source->through_count;
	const struct relation **through = ARENA_ARRAY(checker->arena, count + 1,
												  const struct relation *);
	for (size_t i = 0; i < count; i++) {
		through[i] = source->through[i];
	}
	through[count] = child->relation;
	const struct source inner = {child, through, count + 1};
	return select_items(checker, level, &inner);
}

static bool select_items(struct checker *checker, struct level *level, const struct source *source)
{
	struct level *child = source->level->children;
	bool all = false; /* of several `*` the first counts */
	for (const struct parsed_item *item = source->level->items; item != NULL; item = item->next) {
		bool ok = true;
		switch (item->kind) {
		case ITEM_ALL:
			ok = all || select_all(checker, level, source);
			all = true;
			break;
		case ITEM_FIELD:
		case ITEM_COUNT:
			ok = select_value(checker, level, source, item);
			break;
		case ITEM_RELATION:
			if (child->folded) {
				ok = select_folded(checker, level, source, child);
			} else if (item->children != NULL) {
				ok = add_embed(checker, level, child);
			}
			child = child->next;
			break;
		}
		if (!ok) {
			return false;
		}
	}
	return true;
}

/* ---- names of spreads ---- */

/* Puts the names of all columns, those of spreads too, into one map. */
static bool put_names(struct checker *checker, const struct query_column *columns, size_t count,
					  struct map *names)
{
	for (size_t i = 0; i < count; i++) {
		const struct query_column *column = &columns[i];
		const struct query_embed *embed = column->embed;
		if (embed != NULL && embed->spread) {
			if (!put_names(checker, embed->query.columns, embed->query.column_count, names)) {
				return false;
			}
		} else if (map_put(names, column->name, names) != NULL) {
			return fail_name(checker, column->name);
		}
	}
	return true;
}

static bool check_names(struct checker *checker, const struct level *level)
{
	bool spreads = false;
	for (size_t i = 0; i < level->column_count; i++) {
		const struct query_embed *embed = level->columns[i].embed;
		spreads = spreads || (embed != NULL && embed->spread);
	}
	if (!spreads) {
		return true;
	}
	struct map names;
	map_init(&names);
	bool ok = put_names(checker, level->columns, level->column_count, &names);
	map_finish(&names);
	return ok;
}

bool check_select(struct checker *checker, struct level *level)
{
	const struct source source = {.level = level};
	if (level->folded) {
		return true;
	}
	bool all = level->parent == NULL && level->items == NULL;
	if (!(all ? select_all(checker, level, &source) : select_items(checker, level, &source))) {
		return false;
	}
	level->query->grouped = level->aggregated;
	/* Groups differ from each other already. */
	level->query->distinct = level->parent == NULL && checker->parsed->distinct &&
		!level->aggregated;
	return check_names(checker, level);
}
