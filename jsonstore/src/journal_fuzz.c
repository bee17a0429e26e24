/*
 * Any bytes as a journal behind its first page: the groups that are whole are walked, and the rest
 * is torn or damaged, but nothing else happens.
 */
#include "journal.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *context, const struct js_entry *entry, uint64_t key_at,
				struct jsonstore_error *error)
{
	struct js_named named;
	size_t *sum = context;
	(void)error;
	for (size_t i = 0; i < entry->key.len; i++) {
		*sum += (unsigned char)entry->key.ptr[i];
	}
	for (size_t i = 0; i < entry->record.len; i++) {
		*sum += (unsigned char)entry->record.ptr[i];
	}
	(void)js_named_get(entry->record, &named);
	return key_at >= JS_FRAME_HEAD;
}

/* Makes the frames' sums right, so that what is in them is met. */
static void seal(struct jsonstore_text *text)
{
	for (size_t at = 0; at + JS_FRAME_HEAD <= text->length;) {
		struct jsonstore_text frame = *text;
		size_t length = JS_FRAME_HEAD + (unsigned char)text->text[at + 4];
		if (at + length > text->length) {
			break;
		}
		frame.length = at + length;
		js_frame_end(&frame, at, 1 + (unsigned char)text->text[at + 8] % 4,
					 (text->text[at + 16] & 1) != 0);
		at += length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct js_sys plain = {NULL, NULL};
	struct js_journal journal = {.path = "fuzz"};
	struct jsonstore_text text = {NULL, 0, 0};
	struct js_reader reader;
	struct jsonstore_error error;
	size_t sum = 0;
	if (!js_text_add(&plain, &text, (struct js_span){(const char *)data, size}, &error)) {
		return 0;
	}
	seal(&text);
	journal.fd = memfd_create("journal", 0);
	assert(journal.fd >= 0);
	(void)!js_pwrite(&plain, journal.fd, text.text, text.length, 0);
	js_reader_init(&reader, &plain, &journal);
	uint64_t at = 0;
	uint64_t end;
	uint64_t group = 1;
	while (js_group_check(&reader, at, size, group, &end, &error) == JS_FOUND_GOOD) {
		assert(end > at && end <= size);
		(void)js_group_apply(&reader, at, end, see, &sum, &error);
		at = end;
		group++;
	}
	at = js_group_bad(&reader, at, size, group);
	assert(at <= size);
	(void)js_journal_is_damaged(&reader, at, size, group, &error);
	js_reader_finish(&reader);
	jsonstore_text_free(&text);
	close(journal.fd);
	return 0;
}
