#include "api/range.h"

#include <stdio.h>

/* Takes digits from the front; false when there are none. */
static bool take_number(struct str *text, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t i = 0;
	for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text->ptr[i] - '0');
		number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
	}
	*text = str_slice(*text, i, text->len);
	*ret_number = number;
	return i > 0;
}

/* `10-19` or `10-`; *ret_high is UINT64_MAX then. */
static bool parse_range(struct str text, uint64_t *ret_low, uint64_t *ret_high)
{
	if (str_starts_with(text, STR("items="))) {
		text = str_slice(text, strlen("items="), text.len);
	}
	*ret_high = UINT64_MAX;
	if (!take_number(&text, ret_low) || text.len == 0 || text.ptr[0] != '-') {
		return false;
	}
	text = str_slice(text, 1, text.len);
	return text.len == 0 || (take_number(&text, ret_high) && text.len == 0);
}

bool range_apply(const struct http_request *request, struct query *query, struct error *error)
{
	struct str field = http_request_field(request, STR("Range"));
	uint64_t low;
	uint64_t high;
	if (field.len == 0 || !parse_range(str_trim(field), &low, &high)) {
		return true;
	}
	if (low > high) {
		error_set(error, ERROR_RANGE, NULL);
		return error_details(error,
							 "The lower boundary must be lower than or equal to the upper boundary "
							 "in the Range header.");
	}
	uint64_t end = high == UINT64_MAX ? UINT64_MAX : high + 1;
	uint64_t own_end = query->limit > UINT64_MAX - query->offset ? UINT64_MAX
																 : query->offset + query->limit;
	end = own_end < end ? own_end : end;
	query->offset = low > query->offset ? low : query->offset;
	query->limit = end == UINT64_MAX ? UINT64_MAX : end > query->offset ? end - query->offset : 0;
	return true;
}

void range_add(struct reply *reply, uint64_t offset, uint64_t rows, const uint64_t *total)
{
	char text[80];
	int len = rows == 0 ? snprintf(text, sizeof(text), "*/")
						: snprintf(text, sizeof(text), "%llu-%llu/", (unsigned long long)offset,
								   (unsigned long long)(offset + rows - 1));
	size_t at = (size_t)len;
	len = total == NULL
		? snprintf(text + at, sizeof(text) - at, "*")
		: snprintf(text + at, sizeof(text) - at, "%llu", (unsigned long long)*total);
	reply_add(reply, STR("Content-Range"), (struct str){text, at + (size_t)len});
}
