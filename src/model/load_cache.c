#include "codec/url.h"
#include "model/load_priv.h"

enum { SECRET_CHARS = 16 };

static bool is_host_and_port(struct str text)
{
	struct str rest = text;
	if (str_starts_with(text, STR("["))) {
		rest = str_slice(text, str_find(text, ']', 0), text.len);
	}
	size_t colon = str_find(rest, ':', 0);
	struct str port = str_slice(rest, colon + 1, rest.len);
	unsigned number = 0;
	for (size_t i = 0; i < port.len; i++) {
		if (port.ptr[i] < '0' || port.ptr[i] > '9' || number > UINT16_MAX) {
			return false;
		}
		number = number * 10 + (unsigned)(port.ptr[i] - '0');
	}
	return colon > 0 && number > 0 && number <= UINT16_MAX && str_find(text, '@', 0) == text.len &&
		str_find(text, '/', 0) == text.len;
}

/* `[[USER]:PASSWORD@]HOST:PORT`; a password holds "@" and the like percent-encoded. */
static bool is_redis(struct load *load, struct str place)
{
	struct str decoded;
	size_t at = str_find(place, '@', 0);
	if (at == place.len) {
		return is_host_and_port(place);
	}
	size_t colon = str_find(place, ':', 0);
	struct str password = str_slice(place, colon + 1, at);
	return colon < at && password.len > 0 &&
		url_decode_segment(str_slice(place, 0, at), load->arena, &decoded) &&
		is_host_and_port(str_slice(place, at + 1, place.len));
}

void load_cache(struct load *load, const struct node *node, void *target)
{
	struct model *model = load->model;
	struct text text;
	(void)target;
	if (!load_text(load, node, "`cache`", &text)) {
		return;
	}
	struct str place = text.str;
	bool redis = str_starts_with(place, STR("redis://"));
	place = redis ? str_slice(place, strlen("redis://"), place.len) : place;
	if (str_equal(text.str, STR("off"))) {
		model->cache = CACHE_OFF;
	} else if (str_equal(text.str, STR("memory"))) {
		model->cache = CACHE_MEMORY;
	} else if (redis && is_redis(load, place)) {
		model->cache = CACHE_REDIS;
		model->redis = (struct text){place, text.place};
	} else {
		/* It may hold a password: it is not shown. */
		model_report_add(load->report, node->place, "write memory, off or redis://HOST:PORT",
						 redis ? "`cache` names no server" : "there is no such cache");
	}
}

void load_cache_secret(struct load *load, const struct node *node, void *target)
{
	struct text text;
	(void)target;
	if (!load_text(load, node, "`cache_secret`", &text)) {
		return;
	}
	if (text.str.len < SECRET_CHARS) {
		model_report_add(load->report, node->place, "`openssl rand -hex 32` makes a good one",
						 "`cache_secret` has less than %d characters", SECRET_CHARS);
		return;
	}
	load->model->cache_secret = text;
}
