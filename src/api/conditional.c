#include "api/conditional.h"

#include <stdio.h>

#include "api/api_priv.h"
#include "api/read.h"
#include "base/map.h"

enum { TAG_BYTES = 48 };

/* No secret: whoever finds two answers with one tag harms himself. */
static const uint64_t hash_key[2] = {0x726f776c6f636b2d, 0x652d746167732d30};

static uint64_t hash_text(uint64_t hash, struct str text)
{
	uint64_t parts[2] = {hash, siphash(hash_key, text.ptr, text.len)};
	return siphash(hash_key, parts, sizeof(parts));
}

/* Without a version, or while a write is under way, nothing can be said of the answer: its tag is
 * one of its own. */
static uint64_t make_tag(const struct call *call, bool known, uint64_t version)
{
	const struct model *model = call->binding->service->model;
	const struct query *query = &call->query;
	uint64_t day = query->uses_today ? (uint64_t)query->today : 0;
	uint64_t parts[4] = {known ? version : 0, model->hash, known ? 0 : call->id, day};
	uint64_t hash = siphash(hash_key, parts, sizeof(parts));
	if (!known) {
		return hash;
	}
	hash = hash_text(hash, call->path);
	hash = hash_text(hash, call->request->query);
	hash = hash_text(hash, call->request->method == HTTP_QUERY ? call->request->body : STR(""));
	hash = hash_text(hash, call->content_type);
	hash = hash_text(hash, http_request_field(call->request, STR("Range")));
	hash = hash_text(hash, call_rules_key(call));
	hash = hash_text(hash, call->preferences.texts[PREFER_COUNT]);
	return hash_text(hash, call->preferences.texts[PREFER_TIMEZONE]);
}

/* Takes the next tag of a list, without its quotes; *ret_weak for W/"…". */
static bool next_tag(struct str *list, struct str *ret_tag, bool *ret_weak)
{
	struct str rest = str_trim(*list);
	while (rest.len > 0 && rest.ptr[0] == ',') {
		rest = str_trim(str_slice(rest, 1, rest.len));
	}
	*ret_weak = str_starts_with(rest, STR("W/"));
	rest = *ret_weak ? str_slice(rest, 2, rest.len) : rest;
	if (rest.len == 0) {
		return false;
	}
	bool quoted = rest.ptr[0] == '"';
	size_t end = quoted ? str_find(rest, '"', 1) : str_find(rest, ',', 0);
	*ret_tag = quoted ? str_slice(rest, 1, end) : str_trim(str_slice(rest, 0, end));
	*list = str_slice(rest, quoted && end < rest.len ? end + 1 : end, rest.len);
	/* A compressed answer's tag has this at its end. */
	if (str_ends_with(*ret_tag, STR("-gz"))) {
		ret_tag->len -= 3;
	}
	return true;
}

/* 16 digits; every answer to a read has some. Returns what is behind them. */
static char *write_hash(char *text, uint64_t hash)
{
	for (int shift = 60; shift >= 0; shift -= 4) {
		*text++ = "0123456789abcdef"[hash >> shift & 15];
	}
	return text;
}

static bool is_hash(struct str text, uint64_t hash)
{
	char shown[TAG_BYTES];
	return str_equal(text, (struct str){shown, (size_t)(write_hash(shown, hash) - shown)});
}

/* Of an item's tag the part behind the dot. */
static bool holds_answer(struct str list, uint64_t tag, struct str *ret_tag)
{
	bool weak;
	while (next_tag(&list, ret_tag, &weak)) {
		size_t dot = str_find(*ret_tag, '.', 0);
		size_t from = dot < ret_tag->len ? dot + 1 : 0;
		if (is_hash(str_slice(*ret_tag, from, ret_tag->len), tag)) {
			return true;
		}
	}
	return false;
}

bool conditional_matches(struct str list, uint64_t row)
{
	struct str tag;
	bool weak;
	while (next_tag(&list, &tag, &weak)) {
		if (!weak &&
			(str_equal(tag, STR("*")) || is_hash(str_slice(tag, 0, str_find(tag, '.', 0)), row))) {
			return true;
		}
	}
	return false;
}

static struct str quote(char text[TAG_BYTES], struct str tag)
{
	int len = snprintf(text, TAG_BYTES, "\"%.*s\"", STR_ARG(str_slice(tag, 0, 40)));
	return (struct str){text, (size_t)len};
}

bool conditional_asks(const struct call *call)
{
	return http_request_field(call->request, STR("If-None-Match")).len > 0;
}

bool conditional_answer(struct call *call, bool known, uint64_t version)
{
	struct str list = http_request_field(call->request, STR("If-None-Match"));
	if (list.len == 0) {
		return false;
	}
	struct str tag;
	char text[TAG_BYTES];
	uint64_t hash = make_tag(call, known, version);
	/* Any answer will do; that of one row is only there when the row is. */
	bool any = str_equal(list, STR("*"));
	if (any && call->query.action == QUERY_LIST) {
		tag = arena_printf(call->arena, "%016llx", (unsigned long long)hash);
	} else if (!holds_answer(list, hash, &tag)) {
		return false;
	}
	call_add_field(call, STR("ETag"), quote(text, tag));
	call_answer_empty(call, 304);
	return true;
}

void conditional_add(struct call *call, const struct store_result *result, struct reply *reply)
{
	char text[TAG_BYTES];
	char *end = text;
	*end++ = '"';
	if (call->query.tag_count > 0) {
		end = write_hash(end, result->tag);
		*end++ = '.';
	}
	end = write_hash(end, make_tag(call, result->has_version, result->version));
	*end++ = '"';
	reply_add(reply, STR("ETag"), (struct str){text, (size_t)(end - text)});
}

bool conditional_any(const struct call *call)
{
	return str_equal(http_request_field(call->request, STR("If-None-Match")), STR("*"));
}
