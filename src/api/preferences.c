#include "api/preferences.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const struct {
	struct str text;
	enum prefer_kind kind;
	enum prefer_word word;
} words[] = {
	{STR_INIT("resolution=merge-duplicates"), PREFER_RESOLUTION, RESOLUTION_MERGE_DUPLICATES},
	{STR_INIT("resolution=ignore-duplicates"), PREFER_RESOLUTION, RESOLUTION_IGNORE_DUPLICATES},
	{STR_INIT("missing=default"), PREFER_MISSING, MISSING_DEFAULT},
	{STR_INIT("missing=null"), PREFER_MISSING, MISSING_NULL},
	{STR_INIT("return=representation"), PREFER_RETURN, RETURN_REPRESENTATION},
	{STR_INIT("return=minimal"), PREFER_RETURN, RETURN_MINIMAL},
	{STR_INIT("return=headers-only"), PREFER_RETURN, RETURN_HEADERS_ONLY},
	{STR_INIT("count=exact"), PREFER_COUNT, COUNT_EXACT},
	{STR_INIT("count=planned"), PREFER_COUNT, COUNT_PLANNED},
	{STR_INIT("count=estimated"), PREFER_COUNT, COUNT_ESTIMATED},
	{STR_INIT("tx=commit"), PREFER_TX, TX_COMMIT},
	{STR_INIT("tx=rollback"), PREFER_TX, TX_ROLLBACK},
	{STR_INIT("handling=strict"), PREFER_HANDLING, HANDLING_STRICT},
	{STR_INIT("handling=lenient"), PREFER_HANDLING, HANDLING_LENIENT},
};

static void keep(struct preferences *preferences, enum prefer_kind kind, struct str text)
{
	if (preferences->texts[kind].len == 0) {
		preferences->texts[kind] = text;
	}
}

/* Digits. */
static bool read_number(struct str text, uint64_t *ret_number)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(text.ptr[i] - '0');
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || number > (INT64_MAX - digit) / 10) {
			return false;
		}
		number = number * 10 + digit;
	}
	*ret_number = number;
	return text.len > 0;
}

/* False when the word is not known. */
static bool read_word(struct preferences *preferences, struct str text)
{
	uint64_t number;
	if (str_starts_with(text, STR("timezone="))) {
		keep(preferences, PREFER_TIMEZONE, text);
		return true;
	}
	if (str_starts_with(text, STR("max-affected="))) {
		struct str value = str_slice(text, strlen("max-affected="), text.len);
		if (!read_number(value, &number)) {
			return false;
		}
		if (preferences->texts[PREFER_MAX_AFFECTED].len == 0) {
			preferences->max_affected = number;
		}
		keep(preferences, PREFER_MAX_AFFECTED, text);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_nocase(text, words[i].text)) {
			if (preferences->texts[words[i].kind].len == 0) {
				preferences->words[words[i].kind] = words[i].word;
			}
			keep(preferences, words[i].kind, words[i].text);
			return true;
		}
	}
	return false;
}

/* ---- time zones ---- */

static bool is_zone_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9' && i > 0) &&
			(c == '\0' || strchr("/_+-", c) == NULL || i == 0)) {
			return false;
		}
	}
	return name.len > 0 && name.len < 64;
}

static bool read_file(const char *path, struct arena *arena, struct str *ret_bytes)
{
	char *bytes = arena_bytes(arena, ZONE_FILE_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	/* Of a file one call gives all that there is room for. */
	ssize_t count = read(fd, bytes, ZONE_FILE_BYTES);
	close(fd);
	*ret_bytes = (struct str){bytes, count > 0 ? (size_t)count : 0};
	return count > 0;
}

/* UTC, an offset, or a name of the system's time zone database. */
static bool read_zone(struct str name, struct arena *arena, struct zone *ret_zone)
{
	char path[PATH_MAX];
	struct str bytes;
	if (zone_from_offset(name, ret_zone)) {
		return true;
	}
	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(name));
	return is_zone_name(name) && read_file(path, arena, &bytes) &&
		zone_from_file(bytes, arena, ret_zone);
}

/* ---- all fields ---- */

static bool check(struct preferences *preferences, const struct buf *unknown, struct arena *arena,
				  struct error *error)
{
	struct str zone = preferences->texts[PREFER_TIMEZONE];
	if (zone.len > 0) {
		struct str name = str_slice(zone, strlen("timezone="), zone.len);
		struct zone *read = ARENA_NEW(arena, struct zone);
		preferences->zone = read;
		if (!read_zone(name, arena, read)) {
			return error_set(error, ERROR_TIME_ZONE,
							 "invalid value for parameter \"TimeZone\": \"%.*s\"", STR_ARG(name));
		}
	}
	if (unknown->len > 0 && prefers(preferences, PREFER_HANDLING, HANDLING_STRICT)) {
		error_set(error, ERROR_PREFERENCES, NULL);
		return error_details(error, "Invalid preferences: %.*s", STR_ARG(buf_str(unknown)));
	}
	return true;
}

bool preferences_read(const struct http_request *request, struct arena *arena,
					  struct preferences *ret_preferences, struct error *error)
{
	struct buf unknown;
	*ret_preferences = (struct preferences){.max_affected = UINT64_MAX};
	buf_init(&unknown, SIZE_MAX);
	for (size_t i = 0; i < request->field_count; i++) {
		if (!str_equal_nocase(request->fields[i].name, STR("Prefer"))) {
			continue;
		}
		struct str rest = request->fields[i].value;
		while (rest.len > 0) {
			struct str word = str_trim(str_split(&rest, ','));
			if (word.len > 0 && !read_word(ret_preferences, word)) {
				buf_append(&unknown, unknown.len > 0 ? STR(", ") : STR(""));
				buf_append(&unknown, word);
			}
		}
	}
	bool ok = check(ret_preferences, &unknown, arena, error);
	buf_finish(&unknown);
	if (!prefers(ret_preferences, PREFER_HANDLING, HANDLING_STRICT)) {
		ret_preferences->max_affected = UINT64_MAX;
	}
	return ok;
}

void preferences_applied(const struct preferences *preferences, unsigned int applied,
						 struct buf *text)
{
	for (unsigned int kind = 0; kind < PREFER_KINDS; kind++) {
		struct str given = preferences->texts[kind];
		if ((applied >> kind & 1) != 0 && given.len > 0) {
			buf_append(text, text->len > 0 ? STR(", ") : STR(""));
			buf_append(text, given);
		}
	}
}
