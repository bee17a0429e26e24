#include <assert.h>

#include "base/map.h"
#include "model/load_priv.h"

/* What may stand beside an action. */
enum {
	WITH_SELECT = 1 << 0,
	WITH_ORDER = 1 << 1,
	WITH_WHERE = 1 << 2,
	WITH_BODY = 1 << 3, /* from, needs */
	WITH_VALUES = 1 << 4,
	WITH_EMPTY = 1 << 5,
	WITH_REPLY = 1 << 6,
	WITH_THEN = 1 << 7,
};

struct action {
	const char *word;
	unsigned with;
	bool reads;
	bool whole_key;      /* it addresses one row */
	const char *keyless; /* what to use instead where there is no key; NULL: it needs none */
};

static const struct action actions[] = {
	[ACTION_REPLY] = {"reply", WITH_REPLY},
	[ACTION_LIST] = {"list", WITH_SELECT | WITH_ORDER | WITH_WHERE | WITH_VALUES | WITH_EMPTY,
					 .reads = true},
	[ACTION_GET] = {"get", WITH_SELECT | WITH_WHERE, .reads = true, .whole_key = true,
					.keyless = "use `list`"},
	[ACTION_INSERT] = {"insert", WITH_SELECT | WITH_BODY | WITH_REPLY | WITH_THEN},
	[ACTION_UPSERT] = {"upsert", WITH_SELECT | WITH_BODY | WITH_REPLY | WITH_THEN,
					   .keyless = "use `insert`"},
	[ACTION_REPLACE] = {"replace", WITH_SELECT | WITH_WHERE | WITH_BODY | WITH_REPLY | WITH_THEN,
						.whole_key = true, .keyless = "use `update`"},
	[ACTION_UPDATE] = {"update", WITH_SELECT | WITH_WHERE | WITH_BODY | WITH_REPLY | WITH_THEN},
	[ACTION_DELETE] = {"delete", WITH_WHERE | WITH_REPLY | WITH_THEN},
};

/* A route while it is read. */
struct draft_route {
	struct route *route;
	const struct node *node;
	const struct node *action; /* NULL: none */
	size_t actions;
	const struct node *select;
	const struct node *order;
	const struct node *where;
	const struct node *from;
	const struct node *needs;
	const struct node *values;
	const struct node *empty;
	const struct node *reply;
	const struct node *then;
	bool path_broken;  /* reported; what depends on the path is not checked */
	bool where_broken; /* the same */
	bool *used;        /* per segment: a condition uses this parameter */
};

static void set_action(struct draft_route *draft, const struct node *node, enum route_action action)
{
	draft->route->action = action;
	draft->action = node;
	draft->actions++;
}

#define ACTION(name, word)                                                                         \
	static void keep_##word(struct load *load, const struct node *node, void *target)              \
	{                                                                                              \
		(void)load;                                                                                \
		set_action(target, node, ACTION_##name);                                                   \
	}
ACTION(LIST, list)
ACTION(GET, get)
ACTION(INSERT, insert)
ACTION(UPSERT, upsert)
ACTION(REPLACE, replace)
ACTION(UPDATE, update)
ACTION(DELETE, delete)
#undef ACTION

#define KEEP(word)                                                                                 \
	static void keep_##word(struct load *load, const struct node *node, void *target)              \
	{                                                                                              \
		(void)load;                                                                                \
		((struct draft_route *)target)->word = node;                                               \
	}
KEEP(select)
KEEP(order)
KEEP(where)
KEEP(from)
KEEP(needs)
KEEP(values)
KEEP(empty)
KEEP(reply)
KEEP(then)
#undef KEEP

static const struct word route_words[] = {
	{"list", keep_list},     {"get", keep_get},         {"insert", keep_insert},
	{"upsert", keep_upsert}, {"replace", keep_replace}, {"update", keep_update},
	{"delete", keep_delete}, {"reply", keep_reply},     {"select", keep_select},
	{"order", keep_order},   {"where", keep_where},     {"from", keep_from},
	{"needs", keep_needs},   {"values", keep_values},   {"empty", keep_empty},
	{"then", keep_then},
};

static bool read_method(struct load *load, const struct node *node, struct str method)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	struct nearest nearest = nearest_begin(method);
	const char *hint;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (str_equal(method, str_from(methods[i]))) {
			return true;
		}
		nearest_try(&nearest, str_from(methods[i]));
	}
	hint = nearest_hint(&nearest, load->arena);
	model_report_add(load->report, node->key.place,
					 hint != NULL ? hint
								  : "a route is METHOD /path, with GET, POST, PUT, PATCH or DELETE",
					 "\"%.*s\" is no method of a route", STR_ARG(method));
	return false;
}

static bool is_path_byte(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7F && strchr("?#%\\{}\"<>^`|", c) == NULL;
}

/* One segment; the message completes "the path …". */
static const char *read_segment(struct str text, struct segment *ret_segment, const char **ret_hint)
{
	bool open = str_starts_with(text, STR("{"));
	bool close = str_ends_with(text, STR("}"));

	if (text.len == 0) {
		return "has an empty segment";
	}
	if (open && close) {
		struct str name = str_slice(text, 1, text.len - 1);

		if (str_ends_with(name, STR("?"))) {
			*ret_hint = "optional parameters are of the query string, and stand in `where`";
			return "has an optional parameter";
		}
		if (name.len == 0 || name.len > MAX_NAME_BYTES || str_find(name, '{', 0) < name.len ||
			str_find(name, '}', 0) < name.len || str_starts_with(name, STR("claims."))) {
			*ret_hint = "a parameter is a whole segment: /{name}/";
			return "has a parameter without a good name";
		}
		*ret_segment = (struct segment){name, true};
		return NULL;
	}
	if (str_find(text, '{', 0) < text.len || str_find(text, '}', 0) < text.len) {
		*ret_hint = "a parameter is a whole segment: /{name}/";
		return "has a parameter that is only part of a segment";
	}
	if (str_equal(text, STR(".")) || str_equal(text, STR(".."))) {
		return "has a segment of dots, which no request can have";
	}
	for (size_t i = 0; i < text.len; i++) {
		if (!is_path_byte(text.ptr[i])) {
			*ret_hint = "write the path as it is after decoding, without a query string";
			return "has a character that cannot stand in it";
		}
	}
	*ret_segment = (struct segment){text, false};
	return NULL;
}

/* The path begins with a slash and does not end with one, but for "/" itself. */
static const char *read_segments(struct load *load, struct str path, struct route *route,
								 const char **ret_hint)
{
	struct segment *segments = ARENA_ARRAY(load->arena, path.len, struct segment);
	struct str rest = str_slice(path, 1, path.len);
	size_t count = 0;

	while (rest.len > 0) {
		const char *problem = read_segment(str_split(&rest, '/'), &segments[count], ret_hint);

		if (problem != NULL) {
			return problem;
		}
		for (size_t i = 0; i < count; i++) {
			if (segments[count].parameter && segments[i].parameter &&
				str_equal(segments[i].text, segments[count].text)) {
				return "has a parameter twice";
			}
		}
		count++;
	}
	route->segments = segments;
	route->segment_count = count;
	return NULL;
}

static bool read_path(struct load *load, const struct node *node, struct str path,
					  struct route *route)
{
	const char *hint = NULL;
	const char *problem;
	struct str shown = path;

	/* One slash at the end of a request's path is ignored too. */
	if (path.len > 1 && str_ends_with(path, STR("/"))) {
		path = str_slice(path, 0, path.len - 1);
	}
	if (!str_starts_with(path, STR("/"))) {
		problem = "does not begin with a slash";
		hint = "a route is METHOD /path";
	} else if (shown.len > 1 && str_ends_with(path, STR("/"))) {
		problem = "has an empty segment";
	} else {
		problem = read_segments(load, path, route, &hint);
	}
	if (problem == NULL && route->segment_count > 0 &&
		str_equal(route->segments[0].text, STR(".rowlock"))) {
		problem = "is one of the system's pages";
	}
	if (problem != NULL) {
		model_report_add(load->report, node->key.place, hint, "the path \"%.*s\" %s",
						 STR_ARG(shown), problem);
		return false;
	}
	route->path = path;
	return true;
}

/* The key of a route: METHOD /path. */
static bool read_key(struct load *load, const struct node *node, struct route *route)
{
	struct str rest = str_trim(node->key.str);
	struct str method = str_split(&rest, ' ');
	bool good = read_method(load, node, method);

	route->method = method;
	rest = str_trim(rest);
	if (!good && rest.len == 0) {
		return false;
	}
	return read_path(load, node, rest, route) && good;
}

/* Two routes of one shape would answer the same requests. */
static void check_shape(struct load *load, const struct node *node, const struct route *route,
						struct map *shapes)
{
	const struct node *before;
	struct str shape;
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	buf_append(&buf, route->method);
	for (size_t i = 0; i < route->segment_count; i++) {
		buf_append_byte(&buf, '/');
		buf_append(&buf, route->segments[i].parameter ? STR("{}") : route->segments[i].text);
	}
	shape = arena_copy(load->arena, buf_str(&buf));
	buf_finish(&buf);
	before = map_get(shapes, shape);
	if (before != NULL) {
		model_report_add(load->report, node->key.place, NULL,
						 "the route in line %zu answers the same requests", before->key.place.line);
		return;
	}
	(void)map_put(shapes, shape, (void *)node);
}

static void check_method(struct load *load, const struct draft_route *draft)
{
	const struct action *action = &actions[draft->route->action];
	bool is_get = str_equal(draft->route->method, STR("GET"));

	if (draft->route->action == ACTION_REPLY || action->reads == is_get) {
		return;
	}
	if (action->reads) {
		model_report_add(load->report, draft->action->key.place, "reads are for GET",
						 "`%s` cannot stand under %.*s", action->word,
						 STR_ARG(draft->route->method));
	} else {
		model_report_add(load->report, draft->action->key.place,
						 "a GET changes nothing: use POST, PUT, PATCH or DELETE",
						 "`%s` cannot stand under GET", action->word);
	}
}

/* False when a word stands where it makes no sense; it is reported then. */
static bool is_allowed(struct load *load, const struct draft_route *draft, const struct node *node,
					   unsigned with)
{
	const struct action *action = &actions[draft->route->action];

	if (node == NULL || (action->with & with) != 0) {
		return node != NULL;
	}
	model_report_add(load->report, node->key.place, NULL, "`%.*s` makes no sense with `%s`",
					 STR_ARG(node->key.str), action->word);
	return false;
}

static void read_shape(struct load *load, const struct draft_route *draft, const struct draft *of)
{
	struct route *route = draft->route;

	if (is_allowed(load, draft, draft->select, WITH_SELECT)) {
		(void)load_text(load, draft->select, "`select`", &route->select);
	}
	if (is_allowed(load, draft, draft->order, WITH_ORDER)) {
		(void)load_text(load, draft->order, "`order`", &route->order);
	}
	if (is_allowed(load, draft, draft->values, WITH_VALUES)) {
		route->values = load_field(load, draft->values, "`values`", of);
		if (draft->select != NULL) {
			model_report_add(load->report, draft->values->key.place, NULL,
							 "`values` and `select` cannot stand together");
		}
	}
	if (is_allowed(load, draft, draft->empty, WITH_EMPTY)) {
		(void)load_status(load, draft->empty, "`empty`", &route->empty_status);
	}
}

static void read_body_words(struct load *load, const struct draft_route *draft,
							const struct draft *of)
{
	struct text from;

	if (is_allowed(load, draft, draft->from, WITH_BODY) &&
		load_text(load, draft->from, "`from`", &from)) {
		draft->route->from = from.str;
	}
	if (is_allowed(load, draft, draft->needs, WITH_BODY)) {
		(void)load_field_list(load, draft->needs, "`needs`", of, &draft->route->needs);
	}
	if (is_allowed(load, draft, draft->reply, WITH_REPLY)) {
		load_reply(load, draft->reply, draft->route);
	}
}

static bool use_path_parameter(const struct draft_route *draft, struct str name)
{
	for (size_t i = 0; i < draft->route->segment_count; i++) {
		if (draft->route->segments[i].parameter &&
			str_equal(draft->route->segments[i].text, name)) {
			draft->used[i] = true;
			return true;
		}
	}
	return false;
}

/* One `{…}` of a condition. */
static void read_parameter(struct load *load, const struct draft_route *draft,
						   const struct node *node, struct str inside)
{
	bool optional = str_ends_with(inside, STR("?"));
	struct str name = optional ? str_slice(inside, 0, inside.len - 1) : inside;

	if (str_starts_with(name, STR("claims."))) {
		if (load->model->auth == NULL) {
			model_report_add(load->report, node->place,
							 "auth: { algorithm: RS256, public_key: FILE }",
							 "{%.*s} needs `auth`: without it nobody is known", STR_ARG(inside));
		}
		return;
	}
	if (draft->path_broken) {
		return;
	}
	if (use_path_parameter(draft, name)) {
		if (optional) {
			model_report_add(load->report, node->place,
							 arena_printf(load->arena, "write {%.*s}", STR_ARG(name)).ptr,
							 "{%.*s} is always given: it is in the path", STR_ARG(inside));
		}
	} else if (!optional) {
		model_report_add(load->report, node->place,
						 arena_printf(load->arena,
									  "a parameter of the query string is written {%.*s?}",
									  STR_ARG(name))
							 .ptr,
						 "{%.*s} is no parameter of the path", STR_ARG(inside));
	}
}

/* Braces with anything but a name between them are part of a value. */
static bool is_parameter_name(struct str inside)
{
	if (inside.len == 0 || inside.len > MAX_NAME_BYTES + 1) {
		return false;
	}
	for (size_t i = 0; i < inside.len; i++) {
		if (strchr("{\":,&=()", inside.ptr[i]) != NULL) {
			return false;
		}
	}
	return true;
}

/* The offset of the quote that ends the one at `at`: what is quoted holds no parameters. */
static size_t skip_quoted(struct str text, size_t at)
{
	for (at++; at < text.len && text.ptr[at] != '"'; at++) {
		at += text.ptr[at] == '\\' ? 1 : 0;
	}
	return at;
}

static void read_parameters(struct load *load, const struct draft_route *draft,
							const struct node *node)
{
	struct str text = node->text;

	for (size_t at = 0; at < text.len; at++) {
		size_t close = str_find(text, '}', at);

		if (text.ptr[at] == '"') {
			at = skip_quoted(text, at);
		} else if (text.ptr[at] == '{' && close < text.len &&
				   is_parameter_name(str_slice(text, at + 1, close))) {
			read_parameter(load, draft, node, str_slice(text, at + 1, close));
			at = close;
		}
	}
}

static void read_where(struct load *load, struct draft_route *draft)
{
	const struct node *node = draft->where;
	bool is_list;
	struct text *conditions;
	size_t count = 0;

	if (!is_allowed(load, draft, node, WITH_WHERE)) {
		return;
	}
	is_list = node->kind == NODE_LIST;
	conditions = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct text);
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		if (load_text(load, item, "a condition", &conditions[count])) {
			read_parameters(load, draft, item);
			count++;
		} else {
			draft->where_broken = true;
		}
	}
	draft->route->where = conditions;
	draft->route->where_count = count;
}

/* Whether `field=eq.VALUE`, alone or joined by &, stands in a condition. */
static bool condition_pins(struct str condition, struct str field)
{
	while (condition.len > 0) {
		struct str value = str_split(&condition, '&');
		struct str name = str_split(&value, '=');

		if (name.len >= 2 && str_starts_with(name, STR("\"")) && str_ends_with(name, STR("\""))) {
			name = str_slice(name, 1, name.len - 1);
		}
		if (str_equal(name, field) && str_starts_with(value, STR("eq.")) &&
			!str_ends_with(value, STR("?}"))) {
			return true;
		}
	}
	return false;
}

static bool is_pinned(const struct route *route, const struct field *field)
{
	for (size_t i = 0; i < route->segment_count; i++) {
		if (route->segments[i].parameter && str_equal(route->segments[i].text, field->name)) {
			return true;
		}
	}
	for (size_t i = 0; i < route->where_count; i++) {
		if (condition_pins(route->where[i].str, field->name)) {
			return true;
		}
	}
	return false;
}

static void check_whole_key(struct load *load, const struct draft_route *draft,
							const struct resource *resource)
{
	const struct action *action = &actions[draft->route->action];

	if (!action->whole_key || draft->path_broken || draft->where_broken) {
		return;
	}
	for (size_t i = 0; i < resource->key.count; i++) {
		struct str name = resource->key.items[i]->name;

		if (!is_pinned(draft->route, resource->key.items[i])) {
			model_report_add(load->report, draft->action->key.place,
							 arena_printf(load->arena, "put {%.*s} into the path, or use `%s`",
										  STR_ARG(name), action->reads ? "list" : "update")
								 .ptr,
							 "`%s` needs the whole key: \"%.*s\" is missing", action->word,
							 STR_ARG(name));
		}
	}
}

static void check_path_parameters(struct load *load, const struct draft_route *draft,
								  const struct resource *resource)
{
	const struct route *route = draft->route;

	if (draft->path_broken) {
		return;
	}
	for (size_t i = 0; i < route->segment_count; i++) {
		struct str name = route->segments[i].text;
		const struct field *field = resource == NULL ? NULL : resource_field(resource, name);
		struct str nearest = resource == NULL ? STR("") : resource_nearest_field(resource, name);

		if (!route->segments[i].parameter || draft->used[i]) {
			continue;
		}
		if (field == NULL && draft->where_broken) {
			continue;
		}
		if (field == NULL) {
			model_report_add(
				load->report, draft->node->key.place,
				nearest.len > 0
					? arena_printf(load->arena, "did you mean {%.*s}?", STR_ARG(nearest)).ptr
					: resource == NULL ? "a route that only replies takes no parameters"
									   : "name it as a field, or use it in `where`",
				"the parameter {%.*s} is neither a field nor used in `where`", STR_ARG(name));
		} else if (field->type == TYPE_JSON) {
			model_report_add(load->report, draft->node->key.place, NULL,
							 "the parameter {%.*s}: a json field cannot stand in a path",
							 STR_ARG(name));
		}
	}
}

/* What the resource itself rules out. */
static void check_resource(struct load *load, const struct draft_route *draft,
						   const struct draft *of)
{
	const struct action *action = &actions[draft->route->action];
	struct str name = of->resource->name;

	if (of->tally != NULL && !action->reads) {
		model_report_add(load->report, draft->action->place, "write to the resource that it counts",
						 "\"%.*s\" is a tally, which is only read", STR_ARG(name));
	} else if (of->resource->read_only && !action->reads) {
		model_report_add(load->report, draft->action->place, "use `list` or `get`",
						 "\"%.*s\" is read only", STR_ARG(name));
	}
	if (of->keyless && action->keyless != NULL) {
		model_report_add(load->report, draft->action->key.place, action->keyless,
						 "`%s` needs a key: \"%.*s\" has none", action->word, STR_ARG(name));
	}
}

/* The route's own shape would never be seen. */
static void check_then(struct load *load, const struct draft_route *draft)
{
	if (is_allowed(load, draft, draft->then, WITH_THEN) &&
		(draft->reply != NULL || draft->select != NULL)) {
		model_report_add(load->report, draft->then->key.place, NULL,
						 "`then` and `%s` cannot stand together",
						 draft->reply != NULL ? "reply" : "select");
	}
}

static bool has_parameter(const struct route *route, struct str name)
{
	for (size_t i = 0; i < route->segment_count; i++) {
		if (route->segments[i].parameter && str_equal(route->segments[i].text, name)) {
			return true;
		}
	}
	return false;
}

/* `GET /path` of a route that reads; its parameters are those of the same names. */
static void read_then(struct load *load, const struct node *node, struct route *route,
					  const struct route *routes, size_t count)
{
	struct text text;
	const struct route *then = NULL;

	if (!load_text(load, node, "`then`", &text)) {
		return;
	}
	struct str path = str_starts_with(text.str, STR("GET "))
		? str_trim(str_slice(text.str, 4, text.str.len))
		: STR("");
	if (path.len > 1 && str_ends_with(path, STR("/"))) {
		path.len--;
	}
	for (size_t i = 0; i < count; i++) {
		if (str_equal(routes[i].method, STR("GET")) && str_equal(routes[i].path, path)) {
			then = &routes[i];
		}
	}
	if (then == NULL || !actions[then->action].reads) {
		model_report_add(load->report, node->place, "then: GET /path, as the other route has it",
						 "`then` names no route that reads rows");
		return;
	}
	for (size_t i = 0; i < then->segment_count; i++) {
		if (then->segments[i].parameter && !has_parameter(route, then->segments[i].text)) {
			model_report_add(load->report, node->place, "both paths need a parameter of that name",
							 "`then`: nothing fills {%.*s}", STR_ARG(then->segments[i].text));
		}
	}
	route->then = then;
}

static void read_action(struct load *load, struct draft_route *draft)
{
	const char *what = arena_printf(load->arena, "`%s`", actions[draft->route->action].word).ptr;
	struct draft *of = load_resource_name(load, draft->action, what);
	struct draft nothing = {.resource = &(struct resource){.name = STR("")}, .broken = true};
	struct draft *known = of == NULL ? &nothing : of;

	if (of != NULL) {
		check_resource(load, draft, of);
	}
	read_shape(load, draft, known);
	read_where(load, draft);
	read_body_words(load, draft, known);
	check_then(load, draft);
	if (of != NULL && !of->broken) {
		draft->route->resource = of->resource;
		check_whole_key(load, draft, of->resource);
		check_path_parameters(load, draft, of->resource);
	}
}

static void read_route(struct load *load, struct draft_route *draft)
{
	if (!LOAD_WORDS(load, draft->node, route_words, "a route", draft)) {
		return;
	}
	if (draft->actions > 1) {
		model_report_add(load->report, draft->node->key.place, NULL,
						 "a route has one action, not %zu", draft->actions);
		return;
	}
	if (draft->actions == 0 && draft->reply == NULL) {
		model_report_add(load->report, draft->node->key.place,
						 "such as { list: RESOURCE }, or only { reply: … }",
						 "the route does nothing");
		return;
	}
	if (draft->actions == 1) {
		check_method(load, draft);
		read_action(load, draft);
		return;
	}
	draft->route->action = ACTION_REPLY;
	read_shape(load, draft, NULL);
	read_where(load, draft);
	read_body_words(load, draft, NULL);
	check_then(load, draft);
	check_path_parameters(load, draft, NULL);
}

void load_routes(struct load *load)
{
	const struct node *routes = load->routes;
	struct route *list;
	size_t count = 0;
	struct map shapes;

	if (routes == NULL || !load_is_map(load, routes, "`routes`")) {
		return;
	}
	if (routes->count > MAX_ROUTES) {
		model_report_add(load->report, routes->place, NULL, "a service has at most %d routes",
						 MAX_ROUTES);
		return;
	}
	list = ARENA_ARRAY(load->arena, routes->count, struct route);
	const struct node **thens = ARENA_ARRAY(load->arena, routes->count, const struct node *);
	map_init(&shapes);
	for (const struct node *node = routes->first; node != NULL; node = node->next) {
		struct route *route = &list[count++];
		struct draft_route draft = {.route = route, .node = node};

		*route = (struct route){
			.place = node->key.place,
			.select = {.str = STR("")},
			.order = {.str = STR("")},
			.from = STR(""),
			.reply_text = STR(""),
		};
		if (read_key(load, node, route)) {
			check_shape(load, node, route, &shapes);
		} else {
			draft.path_broken = true;
		}
		draft.used = ARENA_ARRAY(load->arena, route->segment_count, bool);
		read_route(load, &draft);
		thens[count - 1] = (actions[route->action].with & WITH_THEN) != 0 ? draft.then : NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (thens[i] != NULL) {
			read_then(load, thens[i], &list[i], list, count);
		}
	}
	map_finish(&shapes);
	load->model->routes = list;
	load->model->route_count = count;
}
