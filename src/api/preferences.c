#include "api/preferences.h"

static const struct {
	struct str word;
	enum prefer_return returned;
} returns[] = {
	{STR_INIT("return=minimal"), RETURN_MINIMAL},
	{STR_INIT("return=headers-only"), RETURN_HEADERS_ONLY},
	{STR_INIT("return=representation"), RETURN_REPRESENTATION},
};
enum { RETURN_WORDS = sizeof(returns) / sizeof(returns[0]) };

static void read_word(struct preferences *preferences, struct str word)
{
	for (size_t i = 0; i < RETURN_WORDS && preferences->returned == RETURN_UNSET; i++) {
		if (str_equal_nocase(word, returns[i].word)) {
			preferences->returned = returns[i].returned;
		}
	}
	bool count = str_equal_nocase(word, STR("count=exact")) ||
		str_equal_nocase(word, STR("count=planned")) ||
		str_equal_nocase(word, STR("count=estimated"));
	if (count && !preferences->count) {
		preferences->count = true;
		preferences->count_word = word;
	}
}

struct preferences preferences_read(const struct http_request *request)
{
	struct preferences preferences = {0};
	for (size_t i = 0; i < request->field_count; i++) {
		if (!str_equal_nocase(request->fields[i].name, STR("Prefer"))) {
			continue;
		}
		struct str rest = request->fields[i].value;
		while (rest.len > 0) {
			read_word(&preferences, str_trim(str_split(&rest, ',')));
		}
	}
	return preferences;
}

void preferences_applied(const struct preferences *preferences, bool write, struct buf *text)
{
	for (size_t i = 0; i < RETURN_WORDS; i++) {
		if (write && preferences->returned == returns[i].returned) {
			buf_append(text, returns[i].word);
		}
	}
	if (preferences->count) {
		buf_append(text, text->len > 0 ? STR(", ") : STR(""));
		buf_append(text, preferences->count_word);
	}
}
