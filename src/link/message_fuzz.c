/*
 * Any bytes as each of the messages between services: what is accepted must survive being written
 * and read again, and be written the same.
 */
#include <assert.h>
#include <stdint.h>

#include "link/message.h"

enum { MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static struct model *load_owner(void)
{
	static const char yaml[] =
		"service: s\n"
		"resources:\n"
		"  a: { key: [x, y], fields: { x: \"decimal(9,2)\", y: text } }\n"
		"  b: { key: d, fields: { d: datetime } }\n"
		"  u: { key: id, at: http://u, fields: { id: uuid, x: \"decimal(9,2)\", y: text,"
		" d: { type: datetime, references: b } }, references: { l: { fields: [x, y], to: a } } }\n";
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test"), no_environment, &report);
	assert(model != NULL);
	model_report_finish(&report);
	return model;
}

/* Reads as one kind of message and writes what was read; false when it is none. */
static bool pass(int kind, struct str body, const struct model *model, struct arena *arena,
				 struct buf *buf)
{
	const struct resource *resource = &model->resources[0];
	struct error error = {0};
	struct message_holds holds;
	struct message_ids ids;
	struct message_decisions decisions;
	struct message_keys keys;
	bool good;
	if (kind == 0) {
		good = message_read_holds(body, model, arena, &holds, &error);
		good ? message_write_holds(buf, &holds) : (void)0;
	} else if (kind <= 2) {
		good = kind == 1 ? message_read_releases(body, model, arena, &ids, &error)
						 : message_read_decide(body, arena, &ids, &error);
		good ? message_write_ids(buf, &ids) : (void)0;
	} else if (kind == 3) {
		good = message_read_decisions(body, arena, &decisions, &error);
		good ? message_write_decisions(buf, &decisions) : (void)0;
	} else {
		good = message_read_missing(body, resource, arena, &keys, &error);
		good ? message_write_missing(buf, resource, &keys) : (void)0;
	}
	assert(good || (error.code != ERROR_NONE && error.at <= body.len));
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model *model = load_owner();
	struct arena arena;
	struct buf first;
	struct buf second;
	arena_init(&arena, 4096);
	buf_init(&first, MOST_BYTES);
	buf_init(&second, MOST_BYTES);
	for (int kind = 0; kind <= 4; kind++) {
		buf_clear(&first);
		buf_clear(&second);
		if (pass(kind, (struct str){(const char *)data, size}, model, &arena, &first)) {
			bool again = pass(kind, buf_str(&first), model, &arena, &second);
			assert(again && str_equal(buf_str(&first), buf_str(&second)));
		}
	}
	buf_finish(&first);
	buf_finish(&second);
	arena_finish(&arena);
	model_destroy(model);
	return 0;
}
