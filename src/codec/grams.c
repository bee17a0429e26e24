#include "codec/grams.h"

#include "codec/utf8.h"

static size_t unit_len(struct str text, size_t at)
{
	size_t len = utf8_sequence(text, at);
	return len == 0 ? 1 : len;
}

int grams_each(struct str folded, grams_call *call, void *context)
{
	size_t start = 0;
	size_t units = 0;
	int result = 0;
	for (size_t end = 0; end < folded.len && result == 0;) {
		end += unit_len(folded, end);
		units++;
		if (units == GRAM_UNITS) {
			result = call(context, str_slice(folded, start, end));
			start += unit_len(folded, start);
			units--;
		}
	}
	if (units == GRAM_LEAST && result == 0) {
		result = call(context, str_slice(folded, start, folded.len));
	}
	return result;
}

static void add(struct grams_question *question, struct str gram, struct str end)
{
	buf_append(&question->text, question->count > 0 ? STR(" AND \"") : STR("\""));
	for (size_t i = 0; i < gram.len; i++) {
		buf_append_byte(&question->text, gram.ptr[i]);
		if (gram.ptr[i] == '"') {
			buf_append_byte(&question->text, '"');
		}
	}
	buf_append(&question->text, end);
	question->count++;
}

size_t grams_units(struct str text)
{
	size_t units = 0;
	for (size_t at = 0; at < text.len; at += unit_len(text, at)) {
		units++;
	}
	return units;
}

/* The run's places, and how many pieces of it have been asked for. */
struct asking {
	struct grams_question *question;
	size_t place;
	size_t last; /* place */
	size_t count;
};

static int ask(void *context, struct str gram)
{
	struct asking *asking = context;
	size_t place = asking->place++;
	bool wanted = place % 2 == 0 || place == asking->last;
	if (place > asking->last || asking->count == GRAMS_ASKED_RUN ||
		asking->question->count == GRAMS_ASKED) {
		return 1;
	}
	if (wanted) {
		add(asking->question, gram, STR("\""));
		asking->count++;
	}
	return 0;
}

void grams_ask(struct grams_question *question, struct str run)
{
	struct asking asking = {.question = question, .last = grams_units(run) - GRAM_UNITS};
	(void)grams_each(run, ask, &asking);
}

void grams_ask_short(struct grams_question *question, struct str run)
{
	if (question->count < GRAMS_ASKED) {
		add(question, run, STR("\"*"));
	}
}
