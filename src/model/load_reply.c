#include "model/load_priv.h"

#define MIN_STATUS 200
#define MAX_STATUS 599

static void reply_json(struct load *load, const struct node *node, struct route *route)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	if (yaml_write_json(&buf, node, NULL, NULL, load->report)) {
		route->reply = REPLY_JSON;
		route->reply_text = arena_copy(load->arena, buf_str(&buf));
	}
	buf_finish(&buf);
}

bool load_status(struct load *load, const struct node *node, const char *what, int *ret_status)
{
	int64_t status;

	if (!load_integer(load, node, what, &status)) {
		return false;
	}
	if (status < MIN_STATUS || status > MAX_STATUS) {
		model_report_add(load->report, node->place, NULL, "%s is a status from %d to %d", what,
						 MIN_STATUS, MAX_STATUS);
		return false;
	}
	*ret_status = (int)status;
	return true;
}

void load_reply(struct load *load, const struct node *node, struct route *route)
{
	if (node->kind == NODE_MAP || node->kind == NODE_LIST) {
		reply_json(load, node, route);
		return;
	}
	if (node->kind == NODE_BROKEN) {
		return;
	}
	switch (yaml_scalar(node)) {
	case SCALAR_TEXT:
		route->reply = REPLY_TEXT;
		route->reply_text = node->text;
		return;
	case SCALAR_NUMBER:
	case SCALAR_ODD_NUMBER:
		if (load_status(load, node, "a number in `reply`", &route->reply_status)) {
			route->reply = REPLY_STATUS;
		}
		return;
	case SCALAR_NULL:
		model_report_add(load->report, node->place, "reply: 204 answers nothing",
						 "`reply` has no value");
		return;
	case SCALAR_TRUE:
	case SCALAR_FALSE:
		break;
	}
	model_report_add(load->report, node->place, "a text is written in quotes",
					 "`reply` is a map, a list, a text or a status");
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Every {word} in a text of `errors:` is one of the four. */
static bool check_placeholders(void *context, const struct node *node)
{
	static const char *const known[] = {"message", "code", "details", "hint"};
	struct load *load = context;
	struct str text = node->text;

	for (size_t open = str_find(text, '{', 0); open < text.len;
		 open = str_find(text, '{', open + 1)) {
		size_t end = open + 1;
		struct nearest nearest;
		bool good = false;

		while (end < text.len && is_word_byte(text.ptr[end])) {
			end++;
		}
		if (end == open + 1 || end == text.len || text.ptr[end] != '}') {
			continue;
		}
		nearest = nearest_begin(str_slice(text, open + 1, end));
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			good = good || str_equal(nearest.wanted, str_from(known[i]));
			nearest_try(&nearest, str_from(known[i]));
		}
		if (!good) {
			const char *hint = nearest_hint(&nearest, load->arena);

			model_report_add(load->report, node->place,
							 hint != NULL ? hint : "{message}, {code}, {details} or {hint}",
							 "`errors`: there is no {%.*s}", STR_ARG(nearest.wanted));
		}
	}
	return true;
}

void load_error_shape(struct load *load, const struct node *node, void *target)
{
	struct buf buf;

	(void)target;
	if (node->kind == NODE_SCALAR && yaml_scalar(node) == SCALAR_NULL) {
		model_report_add(load->report, node->place, "errors: { error: \"{message}\" }",
						 "`errors` has no value");
		return;
	}
	buf_init(&buf, SIZE_MAX);
	if (yaml_write_json(&buf, node, check_placeholders, load, load->report)) {
		load->model->error_shape = arena_copy(load->arena, buf_str(&buf));
	}
	buf_finish(&buf);
}
