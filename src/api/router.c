#include "api/router.h"

#include <assert.h>

#include "codec/url.h"
#include "model/model.h"

struct router_node {
	struct str text;              /* of a literal */
	struct router_node *literals; /* children, linked by next */
	struct router_node *parameter;
	struct router_node *next;
	struct endpoint *endpoint; /* NULL: a path goes on here, but none ends */
};

void router_init(struct router *router, struct arena *arena)
{
	router->arena = arena;
	router->root = ARENA_NEW(arena, struct router_node);
	router->endpoints = NULL;
	router->last = NULL;
}

static struct router_node *literal_child(const struct router_node *node, struct str text)
{
	for (struct router_node *child = node->literals; child != NULL; child = child->next) {
		if (str_equal(child->text, text)) {
			return child;
		}
	}
	return NULL;
}

static struct router_node *make_child(struct router *router, struct router_node *node,
									  const struct segment *segment)
{
	if (segment->parameter) {
		if (node->parameter == NULL) {
			node->parameter = ARENA_NEW(router->arena, struct router_node);
		}
		return node->parameter;
	}
	struct router_node *child = literal_child(node, segment->text);
	if (child == NULL) {
		child = ARENA_NEW(router->arena, struct router_node);
		child->text = segment->text;
		child->next = node->literals;
		node->literals = child;
	}
	return child;
}

static struct endpoint *make_endpoint(struct router *router, const struct segment *segments,
									  size_t count)
{
	struct endpoint *endpoint = ARENA_NEW(router->arena, struct endpoint);
	struct segment *copy = ARENA_ARRAY(router->arena, count, struct segment);
	for (size_t i = 0; i < count; i++) {
		copy[i] = segments[i];
	}
	endpoint->segments = copy;
	endpoint->segment_count = count;
	if (router->last == NULL) {
		router->endpoints = endpoint;
	} else {
		router->last->next = endpoint;
	}
	router->last = endpoint;
	return endpoint;
}

bool router_add(struct router *router, const struct segment *segments, size_t count,
				const struct operation *operation)
{
	struct router_node *node = router->root;
	for (size_t i = 0; i < count; i++) {
		node = make_child(router, node, &segments[i]);
	}
	if (node->endpoint == NULL) {
		node->endpoint = make_endpoint(router, segments, count);
	}
	const struct operation **place = &node->endpoint->operations[operation->method];
	if (*place != NULL) {
		return false;
	}
	*place = operation;
	return true;
}

/* Walks down from `node` along the path; a literal that leads nowhere falls back to the parameter,
 * so /users/me/x and /users/{id}/y can live side by side. */
static bool find(const struct router_node *node, struct str path, struct arena *arena,
				 struct router_match *match)
{
	if (path.len == 0 || str_equal(path, STR("/"))) {
		match->endpoint = node->endpoint;
		return node->endpoint != NULL;
	}
	size_t end = str_find(path, '/', 1);
	struct str raw = str_slice(path, 1, end);
	struct str rest = str_slice(path, end, path.len);
	struct str segment = raw;
	if (raw.len == 0 || !url_decode_segment(raw, arena, &segment)) {
		return false;
	}
	const struct router_node *child = literal_child(node, segment);
	if (child != NULL && find(child, rest, arena, match)) {
		return true;
	}
	if (node->parameter == NULL || match->parameter_count == ROUTER_PARAMETERS) {
		return false;
	}
	match->parameters[match->parameter_count++] = segment;
	if (find(node->parameter, rest, arena, match)) {
		return true;
	}
	match->parameter_count--;
	return false;
}

bool router_find(const struct router *router, struct str path, struct arena *arena,
				 struct router_match *ret_match)
{
	ret_match->endpoint = NULL;
	ret_match->parameter_count = 0;
	return path.len > 0 && path.ptr[0] == '/' && find(router->root, path, arena, ret_match);
}

void endpoint_allow(const struct endpoint *endpoint, struct buf *text)
{
	buf_append(text, STR("OPTIONS"));
	for (int method = 0; method < HTTP_METHODS; method++) {
		bool there = endpoint->operations[method] != NULL ||
			(method == HTTP_HEAD && endpoint->operations[HTTP_GET] != NULL);
		if (there && method != HTTP_OPTIONS) {
			buf_append_byte(text, ',');
			buf_append(text, http_method_name((enum http_method)method));
		}
	}
}
