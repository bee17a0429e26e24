#include "query/query_test_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/words.h"
#include "query/compile.h"

static const char yaml[] = "service: test\n"
						   "resources:\n"
						   "  ratings:\n"
						   "    key: [user_id, item_id]\n"
						   "    fields:\n"
						   "      user_id:     integer\n"
						   "      item_id:     integer\n"
						   "      rating_type: { type: integer, required: true, in: [1, 2, 3] }\n"
						   "  counts:\n"
						   "    tally: ratings\n"
						   "    by: [user_id, rating_type]\n"
						   "  people:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: integer\n"
						   "  things:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:     { type: integer, default: auto }\n"
						   "      name:   { type: text(10), required: true }\n"
						   "      note:   text\n"
						   "      price:  { type: \"decimal(10,2)\", min: 0 }\n"
						   "      share:  number\n"
						   "      done:   boolean\n"
						   "      ref:    uuid\n"
						   "      data:   json\n"
						   "      owner:  { type: integer, references: people }\n"
						   "      made:   { type: text, write: never, default: \"it's\" }\n"
						   "      born:   { type: integer, write: once }\n"
						   "      state:  { type: text, in: [draft, printed], default: draft }\n"
						   "      'odd \"key': text\n"
						   "    unique: { one name: name }\n"
						   "    index: [price, { fields: [owner, state] }]\n"
						   "  tokens:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:    { type: uuid, default: auto }\n"
						   "      code:  { type: uuid, default: auto, required: true }\n"
						   "      live:  { type: boolean, required: true, default: true }\n"
						   "      least: { type: integer, default: -9223372036854775808 }\n"
						   "      ratio: { type: number, default: -0.5 }\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

struct model *test_model(void)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	for (size_t i = 0; model == NULL && i < report.count; i++) {
		(void)fprintf(stderr, "%zu: %.*s\n", report.problems[i].place.line,
					  STR_ARG(report.problems[i].message));
	}
	if (model == NULL || !query_compile(model, &report)) {
		abort();
	}
	model_report_finish(&report);
	return model;
}

const struct resource *test_resource(const struct model *model, const char *name)
{
	const struct resource *resource = model_resource(model, str_from(name));
	if (resource == NULL) {
		(void)fprintf(stderr, "there is no resource %s\n", name);
		abort();
	}
	return resource;
}

static struct str operator_word(enum operator_name operator)
{
	static const struct str words[] = {
#define X(name, word, shape) [OPERATOR_##name] = STR_INIT(word),
		OPERATOR_TABLE(X)
#undef X
	};
	return words[operator];
}

static struct str is_word(enum is_what is)
{
	static const struct str words[] = {
		[IS_NULL] = STR_INIT("null"),       [IS_NOT_NULL] = STR_INIT("not_null"),
		[IS_TRUE] = STR_INIT("true"),       [IS_FALSE] = STR_INIT("false"),
		[IS_UNKNOWN] = STR_INIT("unknown"),
	};
	return words[is];
}

static const char *group_word(enum cond_kind kind)
{
	return kind == COND_AND ? "and(" : kind == COND_OR ? "or(" : "not(";
}

/* ---- checked ---- */

static void write_operand(struct buf *buf, const struct field *field, const struct operand *operand)
{
	if (operand->parameter >= 0) {
		buf_printf(buf, "{%d%s}", operand->parameter, operand->optional ? "?" : "");
	} else {
		value_write_json(buf, field, &operand->value);
	}
}

void test_write_path(struct buf *buf, const struct json_path *path)
{
	for (size_t i = 0; path != NULL && i < path->count; i++) {
		bool text = path->as_text && i + 1 == path->count;
		buf_printf(buf, "%s%.*s", text ? "->>" : "->", STR_ARG(path->steps[i].key));
	}
}

static void write_phrase(struct buf *buf, const struct phrase *phrase)
{
	for (size_t i = 0; i < phrase->count; i++) {
		const struct word *word = &phrase->words[i];
		if (i > 0) {
			buf_printf(buf, " <%u> ", word->distance);
		}
		buf_printf(buf, "%.*s%s", STR_ARG(word->text), word->prefix ? ":*" : "");
	}
}

static void write_group(struct buf *buf, const struct cond *cond)
{
	buf_append(buf, str_from(group_word(cond->kind)));
	for (size_t i = 0; i < cond->child_count; i++) {
		buf_append(buf, i > 0 ? STR(",") : STR(""));
		test_write_cond(buf, cond->children[i]);
	}
	buf_append_byte(buf, ')');
}

static void write_exists(struct buf *buf, const struct query_embed *embed)
{
	const struct query *query = &embed->query;
	buf_printf(buf, "exists(%.*s", STR_ARG(embed->relation->to->name));
	if (query->where != NULL) {
		buf_append_byte(buf, ' ');
		test_write_cond(buf, query->where);
	}
	if (query->limit != UINT64_MAX) {
		buf_printf(buf, " limit %llu", (unsigned long long)query->limit);
	}
	buf_append_byte(buf, ')');
}

void test_write_cond(struct buf *buf, const struct cond *cond)
{
	if (cond == NULL) {
		return;
	}
	if (cond->kind == COND_AND || cond->kind == COND_OR || cond->kind == COND_NOT) {
		write_group(buf, cond);
		return;
	}
	if (cond->kind == COND_EXISTS) {
		write_exists(buf, cond->embed);
		return;
	}
	buf_append(buf, cond->field->name);
	test_write_path(buf, cond->path);
	buf_append_byte(buf, ' ');
	if (cond->kind == COND_IS) {
		buf_printf(buf, "is %.*s", STR_ARG(is_word(cond->is)));
		return;
	}
	buf_append(buf, cond->kind == COND_IN ? STR("in") : operator_word(cond->op));
	buf_append_byte(buf, ' ');
	if (cond->op == OPERATOR_FTS && cond->compiled.kind == VALUE_POINTER) {
		write_phrase(buf, cond->compiled.pointer);
	} else if (cond->kind == COND_COMPARE) {
		write_operand(buf, cond->type, &cond->operand);
		buf_append(buf, cond->compiled.kind == VALUE_POINTER ? STR("!") : STR(""));
	}
	for (size_t i = 0; i < cond->item_count; i++) {
		buf_append(buf, i > 0 ? STR("|") : STR(""));
		write_operand(buf, cond->type, &cond->items[i]);
	}
}

/* ---- errors ---- */

void test_write_error(struct buf *buf, const struct error *error)
{
	buf_append(buf, str_from(error_info(error->code)->name));
	if (error->at != SIZE_MAX) {
		buf_printf(buf, "@%zu", error->at);
	}
	buf_printf(buf, " %s", error->message);
	if (error->details[0] != '\0') {
		buf_printf(buf, " / %s", error->details);
	}
	if (error->hint[0] != '\0') {
		buf_printf(buf, " / %s", error->hint);
	}
}

void test_equal(int line, const char *input, struct buf *got, const char *want)
{
	if (!str_equal(buf_str(got), str_from(want))) {
		(void)fprintf(stderr, "line %d: %s\n  got:  %.*s\n  want: %s\n", line, input,
					  STR_ARG(buf_str(got)), want);
		abort();
	}
}
