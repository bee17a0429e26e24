#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/number.h"
#include "model/kept_answers.h"
#include "model/load_priv.h"

struct loaded {
	struct model model; /* first: model_destroy() is given its address */
	struct arena arena;
};

static void read_service(struct load *load, const struct node *node, void *target)
{
	struct text name;
	bool good;

	(void)target;
	if (!load_text(load, node, "`service`", &name)) {
		return;
	}
	good = name.str.len <= MAX_NAME_BYTES;
	for (size_t i = 0; i < name.str.len; i++) {
		char c = name.str.ptr[i];
		bool letter = c >= 'a' && c <= 'z';

		good = good && (letter || (i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-')));
	}
	if (!good) {
		model_report_add(
			load->report, node->place,
			"a lower-case letter, then lower-case letters, digits, _ and -; at most 63 characters",
			"\"%.*s\" is no name of a service", STR_ARG(name.str));
		return;
	}
	load->model->service = name.str;
}

static bool is_port(struct str text)
{
	size_t number = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || i > 4) {
			return false;
		}
		number = number * 10 + (size_t)(text.ptr[i] - '0');
	}
	return text.len > 0 && number <= 65535;
}

/* Only the shape; whether the host can be listened on is known when the server does. */
static void read_listen(struct load *load, const struct node *node, void *target)
{
	struct text text;
	struct str rest;
	size_t colon;

	(void)target;
	if (!load_text(load, node, "`listen`", &text)) {
		return;
	}
	rest = text.str;
	if (str_starts_with(rest, STR("["))) {
		rest = str_slice(rest, str_find(rest, ']', 0) + 1, rest.len);
	}
	colon = str_find(rest, ':', 0);
	if (colon == rest.len || !is_port(str_slice(rest, colon + 1, rest.len)) ||
		(rest.len != text.str.len && colon != 0)) {
		model_report_add(load->report, node->place,
						 "write HOST:PORT, [V6]:PORT or :PORT, such as 127.0.0.1:8888",
						 "\"%.*s\" is no address to listen on", STR_ARG(text.str));
		return;
	}
	load->model->listen = text;
}

static bool check_sqlite_path(struct load *load, const struct node *node, struct str path)
{
	const char *problem = NULL;
	const char *hint = "write sqlite:FILE, such as sqlite:data.db";

	if (path.len == 0) {
		problem = "`store` names no file";
	} else if (str_starts_with(path, STR(":memory:"))) {
		problem = "sqlite::memory: would give each connection a database of its own";
		hint = "write \"memory:\" in quotes";
	} else if (str_starts_with(path, STR("//")) || str_starts_with(path, STR("file:"))) {
		problem = "`store` takes a path after sqlite:, not a URI";
	} else if (str_ends_with(path, STR("/"))) {
		problem = "`store` names a folder";
	}
	if (problem != NULL) {
		model_report_add(load->report, node->place, hint, "%s", problem);
	}
	return problem == NULL;
}

static bool check_folder(struct load *load, const struct node *node, struct str path)
{
	if (path.len == 0 || str_starts_with(path, STR("//"))) {
		model_report_add(load->report, node->place, "write json:FOLDER, such as json:data",
						 path.len == 0 ? "`store` names no folder"
									   : "`store` takes a path after json:, not a URI");
		return false;
	}
	return true;
}

/* A file's or a folder's path stands behind the scheme. */
static void read_path(struct load *load, const struct node *node, struct str scheme,
					  struct str path)
{
	size_t offset = node->text.len - path.len;
	bool is_file = str_equal(scheme, STR("sqlite"));

	if (!(is_file ? check_sqlite_path : check_folder)(load, node, path)) {
		return;
	}
	load->model->store = (struct text){node->text, node->place};
	if (path.ptr[0] != '/' && !yaml_from_environment(node, offset)) {
		load->model->store.str = arena_printf(load->arena, "%.*s:%.*s%.*s", STR_ARG(scheme),
											  STR_ARG(load->folder), STR_ARG(path));
	}
}

static void read_store(struct load *load, const struct node *node, void *target)
{
	static const char *const as_is[] = {"mysql", "mariadb"};
	struct text url;
	struct str path;
	struct str scheme;

	(void)target;
	if (!load_text(load, node, "`store`", &url)) {
		return;
	}
	path = url.str;
	scheme = str_split(&path, ':');
	if ((str_equal(scheme, STR("sqlite")) || str_equal(scheme, STR("json"))) &&
		scheme.len < url.str.len) {
		read_path(load, node, scheme, path);
		return;
	}
	if (str_equal(url.str, STR("memory:"))) {
		load->model->store = url;
		return;
	}
	for (size_t i = 0; i < sizeof(as_is) / sizeof(as_is[0]); i++) {
		if (str_equal(scheme, str_from(as_is[i])) && scheme.len < url.str.len) {
			load->model->store = url;
			return;
		}
	}
	/* A URL may hold a password: nothing of it is shown. */
	model_report_add(load->report, node->place,
					 "write sqlite:FILE, json:FOLDER, mysql://USER:PASSWORD@HOST/DATABASE, or "
					 "\"memory:\" in quotes",
					 "`store` is no URL of a store that is known");
}

enum limit_kind { LIMIT_NONE, LIMIT_NUMBER, LIMIT_SWITCH };

static enum limit_kind limit_kind(struct str name)
{
	static const struct {
		const char *name;
		uint64_t most;
	} limits[] = {
#define X(name, value, min, max, what) {#name, max},
		LIMITS_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (str_equal(name, str_from(limits[i].name))) {
			return limits[i].most == 1 ? LIMIT_SWITCH : LIMIT_NUMBER;
		}
	}
	return LIMIT_NONE;
}

/* A word for 0 or 1; false for all else, which is not reported. */
static bool read_switch(const struct node *node, int64_t *ret_value)
{
	static const struct {
		const char *word;
		int64_t value;
	} words[] = {{"off", 0}, {"on", 1}, {"false", 0}, {"true", 1}};

	if (node->kind != NODE_SCALAR || !(node->plain || node->variable)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_nocase(node->text, str_from(words[i].word))) {
			*ret_value = words[i].value;
			return true;
		}
	}
	return false;
}

static bool read_limit(struct load *load, const struct node *node, enum limit_kind kind,
					   int64_t *ret_value)
{
	if (kind == LIMIT_NUMBER) {
		return load_integer(load, node, "a limit", ret_value);
	}
	if (node->kind == NODE_BROKEN || read_switch(node, ret_value)) {
		return node->kind != NODE_BROKEN;
	}
	if (node->kind == NODE_SCALAR && (node->plain || node->variable) &&
		number_parse_integer(node->text, ret_value) == NUMBER_OK) {
		return true;
	}
	model_report_add(load->report, node->place,
					 node->kind == NODE_SCALAR && !node->plain && !node->variable
						 ? "write it without quotes"
						 : NULL,
					 "limit '%.*s' is on or off", STR_ARG(node->key.str));
	return false;
}

static void read_limits(struct load *load, const struct node *node, void *target)
{
	(void)target;
	if (!load_is_map(load, node, "`limits`")) {
		return;
	}
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		enum limit_kind kind = limit_kind(child->key.str);
		bool known = kind != LIMIT_NONE;
		struct error error;
		int64_t value = 0;

		if (known && !read_limit(load, child, kind, &value)) {
			continue;
		}
		if (!limits_set(&load->model->limits, child->key.str, value, &error)) {
			model_report_add(load->report, known ? child->place : child->key.place,
							 error.hint[0] == '\0' ? NULL : error.hint, "%s", error.message);
		}
	}
}

/* Both need the whole file: they are read when all words were seen. */
static void keep_resources(struct load *load, const struct node *node, void *target)
{
	(void)target;
	load->resources = node;
}

static void keep_routes(struct load *load, const struct node *node, void *target)
{
	(void)target;
	load->routes = node;
}

static const struct word top_words[] = {
	{"service", read_service},
	{"listen", read_listen},
	{"store", read_store},
	{"cache", load_cache},
	{"cache_secret", load_cache_secret},
	{"auth", load_auth},
	{"tls", load_tls},
	{"trusted_proxies", load_proxies},
	{"cors", load_cors},
	{"errors", load_error_shape},
	{"limits", read_limits},
	{"resources", keep_resources},
	{"routes", keep_routes},
};

static void load_root(struct load *load, const struct node *root)
{
	bool has_service = false;

	if (!LOAD_WORDS(load, root, top_words, "the service file", NULL)) {
		return;
	}
	for (const struct node *child = root->first; child != NULL; child = child->next) {
		has_service = has_service || str_equal(child->key.str, STR("service"));
	}
	if (!has_service) {
		model_report_add(load->report, root->place, "begin the file with `service: NAME`",
						 "the service has no name");
	}
	load_resources(load);
	load_routes(load);
	if (load->model->guarded && load->model->auth == NULL && load->report->errors == 0) {
		model_report_add(load->report, load->guarded_place,
						 "auth: { algorithm: RS256, public_key: FILE }",
						 "`%s` needs `auth`: without it nobody is known", load->guarded_word);
	}
}

/* The folder of a path, with its slash; "" for the working folder. */
static struct str folder_of(struct str file)
{
	size_t len = file.len;

	while (len > 0 && file.ptr[len - 1] != '/') {
		len--;
	}
	return str_slice(file, 0, len);
}

struct model *model_parse(struct str yaml, struct str file, model_environment *environment,
						  struct model_report *report)
{
	struct arena arena;
	struct loaded *loaded;
	const struct node *root;
	struct load load;

	arena_init(&arena, 16384);
	loaded = ARENA_NEW(&arena, struct loaded);
	limits_init(&loaded->model.limits);
	loaded->model.file = arena_copy(&arena, file);
	load = (struct load){
		.arena = &arena,
		.model = &loaded->model,
		.report = report,
		.folder = folder_of(loaded->model.file),
	};
	root = yaml_parse(yaml, environment, &arena, report);
	if (root != NULL) {
		load_root(&load, root);
		loaded->model.hash = yaml_hash(root);
	}
	loaded->model.kept_answers = kept_answers_create(&arena, loaded->model.resource_count);
	model_report_sort(report);
	if (report->errors > 0) {
		arena_finish(&arena);
		return NULL;
	}
	assert(root != NULL && loaded->model.service.len > 0);
	loaded->arena = arena;
	return &loaded->model;
}

/* Reads at most one byte more than is allowed. False with errno. */
static bool read_file(int fd, struct buf *ret_text)
{
	while (ret_text->len <= YAML_MAX_BYTES) {
		size_t room = YAML_MAX_BYTES + 1 - ret_text->len;
		char *bytes = buf_reserve(ret_text, room);
		ssize_t count;

		assert(bytes != NULL);
		count = read(fd, bytes, room);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			return count == 0;
		}
		buf_added(ret_text, (size_t)count);
	}
	return true;
}

struct model *model_load(const char *path, model_environment *environment,
						 struct model_report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct model *model = NULL;
	struct stat status;
	struct buf text;

	if (fd < 0) {
		model_report_add(report, (struct place){0}, NULL, "cannot be opened: %s", strerror(errno));
		return NULL;
	}
	buf_init(&text, YAML_MAX_BYTES + 1);
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		model_report_add(report, (struct place){0}, "name the service.yaml in it",
						 "is a folder, not a service file");
	} else if (!read_file(fd, &text)) {
		model_report_add(report, (struct place){0}, NULL, "cannot be read: %s", strerror(errno));
	} else {
		model = model_parse(buf_str(&text), str_from(path), environment, report);
	}
	buf_finish(&text);
	(void)close(fd);
	return model;
}

struct arena *model_arena(struct model *model)
{
	return &((struct loaded *)model)->arena;
}

void model_destroy(struct model *model)
{
	struct arena arena;

	if (model != NULL) {
		/* The arena holds itself: it is moved out before it goes. */
		arena = ((struct loaded *)model)->arena;
		arena_finish(&arena);
	}
}

const struct resource *model_resource(const struct model *model, struct str name)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		if (str_equal(model->resources[i].name, name)) {
			return &model->resources[i];
		}
	}
	return NULL;
}

const struct field *resource_field(const struct resource *resource, struct str name)
{
	for (size_t i = 0; i < resource->field_count; i++) {
		if (str_equal(resource->fields[i].name, name)) {
			return &resource->fields[i];
		}
	}
	return NULL;
}

struct str model_nearest_resource(const struct model *model, struct str name)
{
	struct nearest nearest = nearest_begin(name);

	for (size_t i = 0; i < model->resource_count && !model->resources[i].hidden; i++) {
		nearest_try(&nearest, model->resources[i].name);
	}
	return nearest.distance == SIZE_MAX ? STR("") : nearest.best;
}

struct str resource_nearest_field(const struct resource *resource, struct str name)
{
	struct nearest nearest = nearest_begin(name);

	for (size_t i = 0; i < resource->field_count; i++) {
		nearest_try(&nearest, resource->fields[i].name);
	}
	return nearest.distance == SIZE_MAX ? STR("") : nearest.best;
}
