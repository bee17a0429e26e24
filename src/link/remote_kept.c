#include "link/remote_kept.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

enum { ENTRY_SHARE = 8, ENTRY_BYTES = 256 /* of an entry beside its texts */ };

/* One allocation: the texts stand behind it. */
struct entry {
	struct remote_answer answer; /* first */
	struct str url;
	size_t bytes;
	size_t users; /* and one of its own while it is kept */
	struct entry *older, *newer;
};

struct remote_kept {
	struct map entries; /* url -> struct entry */
	struct entry *oldest, *newest;
	size_t bytes;
	size_t max_bytes;
};

struct remote_kept *remote_kept_create(size_t max_bytes)
{
	struct remote_kept *kept = alloc_zeroed(1, sizeof(*kept));
	map_init(&kept->entries);
	kept->max_bytes = max_bytes;
	return kept;
}

static void unuse(struct entry *entry)
{
	if (--entry->users == 0) {
		free(entry);
	}
}

static void unlink_entry(struct remote_kept *kept, struct entry *entry)
{
	*(entry->older != NULL ? &entry->older->newer : &kept->oldest) = entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &kept->newest) = entry->older;
}

static void link_newest(struct remote_kept *kept, struct entry *entry)
{
	entry->older = kept->newest;
	entry->newer = NULL;
	*(kept->newest != NULL ? &kept->newest->newer : &kept->oldest) = entry;
	kept->newest = entry;
}

static void drop(struct remote_kept *kept, struct entry *entry)
{
	unlink_entry(kept, entry);
	map_remove(&kept->entries, entry->url);
	kept->bytes -= entry->bytes;
	unuse(entry);
}

void remote_kept_destroy(struct remote_kept *kept)
{
	if (kept == NULL) {
		return;
	}
	while (kept->oldest != NULL) {
		assert(kept->oldest->users == 1);
		drop(kept, kept->oldest);
	}
	map_finish(&kept->entries);
	free(kept);
}

const struct remote_answer *remote_kept_find(struct remote_kept *kept, struct str url)
{
	struct entry *entry = map_get(&kept->entries, url);
	if (entry == NULL) {
		return NULL;
	}
	unlink_entry(kept, entry);
	link_newest(kept, entry);
	entry->users++;
	return &entry->answer;
}

void remote_kept_give_back(struct remote_kept *kept, const struct remote_answer *answer)
{
	(void)kept;
	if (answer != NULL) {
		unuse((struct entry *)(uintptr_t)answer);
	}
}

bool remote_kept_is_large(const struct remote_kept *kept, size_t bytes)
{
	return bytes > kept->max_bytes / ENTRY_SHARE;
}

static struct str place(char **next, struct str text)
{
	struct str copy = {*next, text.len};
	if (text.len > 0) {
		memcpy(*next, text.ptr, text.len);
	}
	*next += text.len;
	return copy;
}

void remote_kept_put(struct remote_kept *kept, struct str url, struct str etag, struct str body)
{
	size_t bytes = ENTRY_BYTES + url.len + etag.len + body.len;
	struct entry *entry = map_get(&kept->entries, url);
	if (entry != NULL) {
		drop(kept, entry);
	}
	if (remote_kept_is_large(kept, bytes)) {
		return;
	}
	entry = alloc_zeroed(1, sizeof(*entry) + url.len + etag.len + body.len);
	char *next = (char *)(entry + 1);
	entry->url = place(&next, url);
	entry->answer.etag = place(&next, etag);
	entry->answer.body = place(&next, body);
	entry->bytes = bytes;
	entry->users = 1;
	map_put(&kept->entries, entry->url, entry);
	link_newest(kept, entry);
	kept->bytes += bytes;
	while (kept->bytes > kept->max_bytes) {
		drop(kept, kept->oldest);
	}
}
