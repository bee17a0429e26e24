#include "store/term.h"

#include <assert.h>
#include <math.h>

#include "base/arena.h"
#include "codec/like.h"
#include "codec/number.h"
#include "codec/regex.h"
#include "codec/uuid.h"
#include "codec/words.h"
#include "query/fetch.h"

enum {
	SHOWN_BYTES = 64, /* of a text that an error message shows */
	ARENA_BYTES = 4096,
};

static const struct value null_value = {.kind = VALUE_NULL};

/* ---- paths ---- */

struct value term_path(const struct json_path *path, const struct value *json, struct buf *scratch)
{
	if (json->kind != VALUE_TEXT) {
		return null_value; /* a number of an existing table: nothing is below it */
	}
	buf_clear(scratch);
	if (!json_path_write(path, json->text, scratch)) {
		return null_value;
	}
	return (struct value){.kind = VALUE_TEXT, .text = buf_str(scratch)};
}

/* ---- casts ---- */

/* One cast under way. */
struct cast {
	const struct field *from;
	const struct field *to;
	const struct value *value;
	struct str text; /* of the value */
	struct buf *scratch;
	struct error *error;
};

/* The start of the text, cut between code points. */
static struct str shorten(struct str text)
{
	size_t len = text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES;
	while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) {
		len--;
	}
	return str_slice(text, 0, len);
}

static bool refuse(const struct cast *cast)
{
	struct str shown = shorten(cast->text);
	return error_set(cast->error, ERROR_VALUE, "invalid input syntax for type %s: \"%.*s%s\"",
					 value_type_name(cast->to->type), STR_ARG(shown),
					 shown.len < cast->text.len ? "..." : "");
}

static bool refuse_range(const struct cast *cast)
{
	struct str shown = shorten(cast->text);
	return error_set(cast->error, ERROR_OUT_OF_RANGE,
					 "value \"%.*s%s\" is out of range for type %s", STR_ARG(shown),
					 shown.len < cast->text.len ? "..." : "", value_type_name(cast->to->type));
}

static bool refuse_number(const struct cast *cast, enum number_result result)
{
	return result == NUMBER_OUT_OF_RANGE ? refuse_range(cast) : refuse(cast);
}

static void give_integer(struct value *ret_value, int64_t integer)
{
	*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

/* A sign and leading zeros are fine, as in PostgreSQL. */
static bool text_to_integer(const struct cast *cast, struct value *ret_value)
{
	struct str text = str_trim(cast->text);
	bool negative = text.len > 0 && text.ptr[0] == '-';
	size_t at = negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
	bool fits = true;
	int64_t integer = 0;
	if (at == text.len) {
		return refuse(cast);
	}
	for (; at < text.len; at++) {
		if (text.ptr[at] < '0' || text.ptr[at] > '9') {
			return refuse(cast);
		}
		int digit = negative ? '0' - text.ptr[at] : text.ptr[at] - '0';
		fits = fits && !__builtin_mul_overflow(integer, 10, &integer) &&
			!__builtin_add_overflow(integer, digit, &integer);
	}
	give_integer(ret_value, integer);
	return fits || refuse_range(cast);
}

static bool number_to_integer(const struct cast *cast, struct value *ret_value)
{
	double rounded = nearbyint(cast->value->number);
	/* Both bounds are exact; a NaN is not between them. */
	if (!(rounded >= -0x1p63 && rounded < 0x1p63)) {
		return refuse_range(cast);
	}
	give_integer(ret_value, (int64_t)rounded);
	return true;
}

static void decimal_to_integer(const struct cast *cast, struct value *ret_value)
{
	int64_t integer = cast->value->integer;
	int64_t dropped = 0; /* the first digit behind the point, with the sign */
	for (int i = 0; i < cast->from->scale; i++) {
		dropped = integer % 10;
		integer /= 10;
	}
	give_integer(ret_value, integer + (dropped >= 5) - (dropped <= -5));
}

static bool to_integer(const struct cast *cast, struct value *ret_value)
{
	if (cast->value->kind == VALUE_TEXT) {
		return text_to_integer(cast, ret_value);
	}
	if (cast->value->kind == VALUE_NUMBER) {
		return number_to_integer(cast, ret_value);
	}
	if (cast->from->type == TYPE_DECIMAL) {
		decimal_to_integer(cast, ret_value);
	} else {
		*ret_value = *cast->value;
	}
	return true;
}

static bool to_number(const struct cast *cast, struct value *ret_value)
{
	struct value made = {.kind = VALUE_NUMBER};
	if (cast->value->kind == VALUE_NUMBER) {
		*ret_value = *cast->value;
		return true;
	}
	if (cast->value->kind == VALUE_INTEGER && cast->from->type != TYPE_DECIMAL) {
		made.number = (double)cast->value->integer;
		*ret_value = made;
		return true;
	}
	struct str text = str_trim(cast->text);
	if (str_starts_with(text, STR("+"))) {
		text = str_slice(text, 1, text.len);
	}
	enum number_result result = number_parse_double(text, &made.number);
	if (result != NUMBER_OK) {
		return refuse_number(cast, result);
	}
	*ret_value = made;
	return true;
}

/* As PostgreSQL reads one: any beginning of these words that is no other's too. */
static bool text_to_boolean(const struct cast *cast, struct value *ret_value)
{
	static const struct {
		struct str word;
		size_t least;
		bool means;
	} words[] = {
		{STR_INIT("true"), 1, true}, {STR_INIT("false"), 1, false}, {STR_INIT("yes"), 1, true},
		{STR_INIT("no"), 1, false},  {STR_INIT("on"), 2, true},     {STR_INIT("off"), 2, false},
		{STR_INIT("1"), 1, true},    {STR_INIT("0"), 1, false},
	};
	struct str text = str_trim(cast->text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text.len >= words[i].least && text.len <= words[i].word.len &&
			str_equal_nocase(text, str_slice(words[i].word, 0, text.len))) {
			give_integer(ret_value, words[i].means);
			return true;
		}
	}
	return refuse(cast);
}

static bool to_boolean(const struct cast *cast, struct value *ret_value)
{
	if (cast->value->kind == VALUE_TEXT) {
		return text_to_boolean(cast, ret_value);
	}
	give_integer(ret_value,
				 cast->value->kind == VALUE_NUMBER ? cast->value->number != 0
												   : cast->value->integer != 0);
	return true;
}

/* Nothing is rounded. */
static bool to_decimal(const struct cast *cast, struct value *ret_value)
{
	struct value made = {.kind = VALUE_INTEGER};
	enum number_result result = number_parse_decimal(str_trim(cast->text), cast->to->precision,
													 cast->to->scale, &made.integer);
	if (result != NUMBER_OK) {
		return refuse_number(cast, result);
	}
	*ret_value = made;
	return true;
}

static bool to_uuid(const struct cast *cast, struct value *ret_value)
{
	struct uuid uuid;
	if (!uuid_parse(str_trim(cast->text), &uuid)) {
		return refuse(cast);
	}
	buf_clear(cast->scratch);
	char *text = buf_reserve(cast->scratch, UUID_TEXT_LEN);
	if (text == NULL) {
		return refuse_range(cast);
	}
	uuid_write(&uuid, text);
	buf_added(cast->scratch, UUID_TEXT_LEN);
	*ret_value = (struct value){.kind = VALUE_TEXT, .text = buf_str(cast->scratch)};
	return true;
}

static bool to_json(const struct cast *cast, struct value *ret_value)
{
	struct arena arena;
	struct error error;
	struct value made = {.kind = VALUE_TEXT};
	bool is_string = value_is_date(cast->from->type) ||
		(cast->value->kind == VALUE_TEXT && cast->from->type == TYPE_UUID);
	if (is_string) {
		buf_clear(cast->scratch);
		value_write_json(cast->scratch, cast->from, cast->value);
		made.text = buf_str(cast->scratch);
		*ret_value = made;
		return true;
	}
	if (cast->value->kind != VALUE_TEXT) {
		made.text = cast->text; /* a number or a boolean: its JSON is its text */
		*ret_value = made;
		return true;
	}
	arena_init(&arena, ARENA_BYTES);
	bool ok = value_from_text(cast->to, cast->text, &arena, &made, &error) || refuse(cast);
	if (ok) {
		buf_clear(cast->scratch);
		buf_append(cast->scratch, made.text);
		made.text = buf_str(cast->scratch);
		*ret_value = made;
	}
	arena_finish(&arena);
	return ok;
}

/* From a text, or from each other; check has refused what makes no sense. */
static bool to_date(const struct cast *cast, struct value *ret_value)
{
	if (cast->value->kind == VALUE_TEXT) {
		struct error error = {0};
		/* These need no memory. */
		if (value_from_text(cast->to, str_trim(cast->text), NULL, ret_value, &error)) {
			return true;
		}
		if (error.code == ERROR_OUT_OF_RANGE) {
			return refuse_range(cast);
		}
		(void)refuse(cast);
		return error_details(cast->error, "%s", error.details);
	}
	if (cast->value->kind != VALUE_INTEGER) {
		return refuse(cast);
	}
	int64_t integer = cast->value->integer;
	int64_t micros = (integer % DATE_DAY_MICROS + DATE_DAY_MICROS) % DATE_DAY_MICROS;
	if (cast->from->type == TYPE_DATE && cast->to->type == TYPE_DATETIME) {
		give_integer(ret_value, integer);
		return !__builtin_mul_overflow(integer, DATE_DAY_MICROS, &ret_value->integer) ||
			refuse_range(cast);
	}
	if (cast->from->type == TYPE_DATETIME && cast->to->type == TYPE_DATE) {
		integer = integer / DATE_DAY_MICROS - (integer % DATE_DAY_MICROS < 0 ? 1 : 0);
	} else if (cast->from->type == TYPE_DATETIME && cast->to->type == TYPE_TIME) {
		integer = micros;
	}
	give_integer(ret_value, integer);
	return true;
}

static bool to_text(const struct cast *cast, struct value *ret_value)
{
	struct value made = {.kind = VALUE_TEXT, .text = cast->text};
	if (cast->to == &fetch_http_date && cast->value->kind == VALUE_INTEGER) {
		static const struct field datetime = {.type = TYPE_DATETIME};
		const struct cast to_moment = {.from = cast->from,
									   .to = &datetime,
									   .value = cast->value,
									   .text = cast->text,
									   .error = cast->error};
		struct value moment;
		if (!to_date(&to_moment, &moment)) {
			return false;
		}
		if (moment.integer < DATE_FIRST_DAY * DATE_DAY_MICROS ||
			moment.integer >= (DATE_LAST_DAY + 1) * DATE_DAY_MICROS) {
			return refuse_range(cast);
		}
		buf_clear(cast->scratch);
		date_write_http(cast->scratch, moment.integer);
		made.text = buf_str(cast->scratch);
	}
	*ret_value = made;
	return true;
}

static bool convert(const struct cast *cast, struct value *ret_value)
{
	switch (cast->to->type) {
	case TYPE_INTEGER:
		return to_integer(cast, ret_value);
	case TYPE_NUMBER:
		return to_number(cast, ret_value);
	case TYPE_DECIMAL:
		return to_decimal(cast, ret_value);
	case TYPE_TEXT:
		return to_text(cast, ret_value);
	case TYPE_BOOLEAN:
		return to_boolean(cast, ret_value);
	case TYPE_UUID:
		return to_uuid(cast, ret_value);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		return to_date(cast, ret_value);
	case TYPE_JSON:
		return to_json(cast, ret_value);
	}
	assert(false);
	return false;
}

bool term_cast(const struct field *from, const struct field *to, const struct value *value,
			   struct buf *scratch, struct value *ret_value, struct error *error)
{
	struct cast cast = {from, to, value, {NULL, 0}, scratch, error};
	bool same = from->type == to->type &&
		(to->type == TYPE_TEXT || to->type == TYPE_UUID || to->type == TYPE_JSON);
	if (value->kind == VALUE_NULL || (same && value->kind == VALUE_TEXT)) {
		*ret_value = *value;
		return true;
	}
	if (value->kind == VALUE_TEXT) {
		cast.text = value->text;
	} else {
		buf_clear(scratch);
		value_write_text(scratch, from, value);
		cast.text = buf_str(scratch);
	}
	return convert(&cast, ret_value);
}

/* ---- operators ---- */

static bool text_matches(enum operator_name op, struct str text, const void *compiled,
						 enum truth *ret_truth, struct error *error)
{
	enum regex_result result;
	switch (op) {
	case OPERATOR_LIKE:
	case OPERATOR_ILIKE:
		*ret_truth = like_matches(compiled, text) ? IS_SO : IS_NOT;
		return true;
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
		result = regex_matches(compiled, text);
		*ret_truth = result == REGEX_YES ? IS_SO : IS_NOT;
		return result != REGEX_TOO_COSTLY ||
			error_set(error, ERROR_REGEX, "the regular expression costs too much");
	case OPERATOR_FTS:
		*ret_truth = words_contain(compiled, text) ? IS_SO : IS_NOT;
		return true;
	case OPERATOR_EQ:
	case OPERATOR_NEQ:
	case OPERATOR_GT:
	case OPERATOR_GTE:
	case OPERATOR_LT:
	case OPERATOR_LTE:
	case OPERATOR_ISDISTINCT:
	case OPERATOR_IN:
	case OPERATOR_IS:
	case OPERATOR_PLFTS:
	case OPERATOR_PHFTS:
	case OPERATOR_WFTS:
		break;
	}
	assert(false);
	return false;
}

bool term_matches(enum operator_name op, const struct value *value, const void *compiled,
				  enum truth *ret_truth, struct error *error)
{
	static const struct field plain = {.type = TYPE_TEXT};
	if (value->kind == VALUE_NULL) {
		*ret_truth = MAY_BE;
		return true;
	}
	if (value->kind == VALUE_TEXT) {
		return text_matches(op, value->text, compiled, ret_truth, error);
	}
	/* A number in a column of texts. */
	struct buf text;
	buf_init(&text, SHOWN_BYTES);
	value_write_text(&text, &plain, value);
	bool ok = text_matches(op, buf_str(&text), compiled, ret_truth, error);
	buf_finish(&text);
	return ok;
}
