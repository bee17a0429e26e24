/*
 * Builds JSON documents part by part; commas come by themselves.
 *
 * Ownership: the buffer is the caller's. Threads: one at a time. Errors: the buffer's.
 * Limits: the buffer's.
 */
#ifndef ROWLOCK_API_OUTLINE_H
#define ROWLOCK_API_OUTLINE_H

#include "base/buf.h"

/* The next value of a list, or of the key that was just written: `{` or `[`. */
void outline_open(struct buf *text, char bracket);
/* The same behind a key of its own. */
void outline_open_at(struct buf *text, const char *key, char bracket);
void outline_close(struct buf *text, char bracket);
void outline_key(struct buf *text, struct str key);
/* Values of a list, or of the key that was just written. `json` is written as it is. */
void outline_item(struct buf *text, struct str item);
void outline_json(struct buf *text, struct str json);
/* A key and its value. */
void outline_str(struct buf *text, const char *key, struct str value);
void outline_text(struct buf *text, const char *key, const char *value);
void outline_raw(struct buf *text, const char *key, const char *json);

#endif
