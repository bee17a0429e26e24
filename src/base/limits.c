#include "base/limits.h"

#include <inttypes.h>
#include <stddef.h>

struct row {
	struct str name;
	size_t offset; /* in struct limits */
	uint64_t value;
	uint64_t min;
	uint64_t max;
};

static const struct row rows[] = {
#define X(field, default_value, least, most, what)                                                 \
	{STR_INIT(#field), offsetof(struct limits, field), (default_value), (least), (most)},
	LIMITS_TABLE(X)
#undef X
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static uint64_t *field_of(struct limits *limits, const struct row *row)
{
	return (uint64_t *)(void *)((char *)limits + row->offset);
}

void limits_init(struct limits *limits)
{
	for (size_t i = 0; i < ROWS; i++) {
		*field_of(limits, &rows[i]) = rows[i].value;
	}
}

static bool refuse_name(struct str name, struct error *error)
{
	const struct row *nearest = &rows[0];
	size_t least = SIZE_MAX;
	for (size_t i = 0; i < ROWS; i++) {
		size_t distance = str_distance(rows[i].name, name);
		if (distance < least) {
			least = distance;
			nearest = &rows[i];
		}
	}
	error_set(error, ERROR_CONFIG, "there is no limit named '%.*s'",
			  STR_ARG(str_slice(name, 0, 100)));
	return error_hint(error, "did you mean '%.*s'?", STR_ARG(nearest->name));
}

bool limits_set(struct limits *limits, struct str name, int64_t value, struct error *error)
{
	const struct row *row = NULL;
	for (size_t i = 0; i < ROWS && row == NULL; i++) {
		if (str_equal(rows[i].name, name)) {
			row = &rows[i];
		}
	}
	if (row == NULL) {
		return refuse_name(name, error);
	}
	if (value < 0 || (uint64_t)value < row->min || (uint64_t)value > row->max) {
		error_set(error, ERROR_CONFIG, "limit '%.*s' cannot be %" PRId64, STR_ARG(row->name),
				  value);
		return error_hint(error, "it is a number from %" PRIu64 " to %" PRIu64, row->min, row->max);
	}
	*field_of(limits, row) = (uint64_t)value;
	return true;
}
