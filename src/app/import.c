/*
 * DESIGN. The file is one text in memory that the kernel pages in and out; query/check_body reads
 * it row by row on the store's thread, while the store writes. Between the two stands a feed: it
 * counts, ends a transaction after so many rows, and decides about rows that the store refuses.
 *
 * A load is a request that is done once: it is kept where answers of repeated requests are kept,
 * under the resource's name and a hash of the file, in the transaction of its rows.
 */
#include "app/import.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app/import_file.h"
#include "base/alloc.h"
#include "base/map.h"
#include "codec/json.h"
#include "codec/url.h"
#include "link/user.h"
#include "query/parse.h"

enum { BLOCK_BYTES = 64 * 1024, RELEASE_BYTES = 8 << 20 };

/* The rows of a reader, handed on until a transaction has enough of them. */
struct feed {
	struct query_batches base;
	struct import *import;
	struct query_batches *reader;
	const struct value *values; /* rows that wait for the next transaction */
	size_t count;
	size_t first;  /* number in the batch of the first row that was handed out last */
	size_t given;  /* how many were */
	uint64_t part; /* rows of this transaction */
	bool over;
};

struct import {
	const struct import_options *options;
	struct import_summary *summary;
	struct error *error;
	enum import_conflict conflict;
	struct str text;
	size_t released;
	struct arena arena;
	struct query query;
	size_t width; /* fields of a row, as they are read */
	struct body_options body;
	struct str hash; /* of the file, of a load */

	struct feed feed;    /* what the store reads */
	size_t refused_line; /* of the row that ended the import; 0: none */

	/* Rows that refer to rows of other services. */
	bool linked;
	struct peers *peers;
	struct feed scan; /* the same rows, read beforehand */
	struct body_options scan_body;
	struct query scan_query;
	struct arena part_arena; /* of one transaction */
	struct link_write *link; /* of its rows; NULL: none */

	/* The writes. */
	struct store_companion companion;
	struct loop *loop;
	struct store_session *session;
	struct store_request request;
	struct buf answer;
	struct task task; /* on the loop */
	bool first;       /* transaction */
	bool looks;       /* this one only looks whether the rows are known */
	bool ok;
};

static struct import *import_of(void *part, size_t offset)
{
	return (struct import *)(void *)((char *)part - offset);
}

#define IMPORT_OF(part, member) import_of((part), offsetof(struct import, member))

bool import_format(const char *path, enum body_format *ret_format)
{
	static const struct {
		struct str end;
		enum body_format format;
	} formats[] = {
		{STR_INIT(".csv"), BODY_CSV},
		{STR_INIT(".ndjson"), BODY_NDJSON},
		{STR_INIT(".jsonl"), BODY_NDJSON},
		{STR_INIT(".json"), BODY_JSON_ROWS},
	};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (str_ends_with(str_from(path), formats[i].end)) {
			*ret_format = formats[i].format;
			return true;
		}
	}
	return false;
}

/* ---- the feed, on the store's thread ---- */

static void tell(struct import *import, const struct bad_row *row, bool skipped)
{
	import->summary->skipped += skipped ? 1 : 0;
	import->summary->failed += skipped ? 0 : 1;
	if (import->options->left_out != NULL) {
		import->options->left_out(import->options->context, row, skipped);
	}
}

static void on_bad_row(void *context, const struct bad_row *row)
{
	struct import *import = context;
	import->summary->read++;
	tell(import, row, false);
}

/* Called often: pages go many at a time. */
static void on_release(void *context, struct str body, size_t bytes)
{
	struct import *import = context;
	import->summary->bytes = bytes;
	if (bytes - import->released >= RELEASE_BYTES) {
		import->released = bytes;
		import_file_release(body, bytes);
	}
}

static void count_read(struct import *import, size_t count)
{
	import->summary->read += count;
	if (import->options->progress != NULL) {
		import->options->progress(import->options->context, import->summary);
	}
}

static bool next_rows(struct query_batches *base, const struct value **ret_values,
					  size_t *ret_count, struct error *error)
{
	struct feed *feed = (struct feed *)base;
	struct import *import = feed->import;
	uint64_t most = import->options->part_rows;
	feed->first += feed->given;
	if (feed->count == 0 && !feed->over) {
		feed->first = 0;
		if (!feed->reader->next(feed->reader, &feed->values, &feed->count, error)) {
			return false;
		}
		feed->over = feed->count == 0;
		if (feed == &import->feed) {
			count_read(import, feed->count);
		}
	}
	bool full = most > 0 && feed->count > most - feed->part;
	feed->given = full ? (size_t)(most - feed->part) : feed->count;
	*ret_values = feed->values;
	*ret_count = feed->given;
	if (feed->given > 0) {
		feed->values += feed->given * import->width;
	}
	feed->count -= feed->given;
	feed->part += feed->given;
	return true;
}

/* A row that meets another is skipped, or ends the import; one that breaks another rule is left
 * out. */
static bool on_refused(struct query_batches *base, size_t row, const struct error *error)
{
	const struct feed *feed = (const struct feed *)base;
	struct import *import = feed->import;
	bool met = error->code == ERROR_UNIQUE && import->conflict != IMPORT_MERGE;
	struct bad_row bad = {.error = error};
	query_batches_row(feed->reader, feed->first + row, &bad);
	if (met && import->conflict == IMPORT_FAIL) {
		import->refused_line = bad.line;
		return false;
	}
	tell(import, &bad, met);
	return true;
}

/* ---- rows that refer to rows of other services ---- */

static void ignore_bad_row(void *context, const struct bad_row *row)
{
	(void)context;
	(void)row;
}

static bool is_patient(void *context)
{
	const struct import *import = context;
	const struct import_options *options = import->options;
	return options->patient != NULL && options->patient(options->context);
}

static void on_ready(void *context, const struct error *error);

static struct link_write_options link_options(struct import *import, struct query *query)
{
	return (struct link_write_options){
		.asker = &link_asker_peers,
		.peers = import->peers,
		.loop = import->loop,
		.model = import->options->model,
		.arena = &import->part_arena,
		.query = query,
		.scan = &import->scan.base,
		.leave_out = true,
		.patient = is_patient,
		.ready = on_ready,
		.context = import,
	};
}

/* A second reader of the same rows: it tells nothing, and gives back no memory. */
static bool check_scan(struct import *import)
{
	import->scan_body = import->body;
	import->scan_body.release = NULL;
	import->scan_body.bad_row = ignore_bad_row;
	import->scan_query = import->query;
	if (!check_body_batches(import->text, &import->scan_body, &import->arena, &import->scan_query,
							import->error)) {
		return false;
	}
	import->scan = (struct feed){
		.base = {.next = next_rows},
		.import = import,
		.reader = import->scan_query.batches,
	};
	return true;
}

/* ---- what rides in a transaction ---- */

/* `filters` in the grammar of the query string. */
static bool run_filtered(struct import *import, struct store_transaction *transaction,
						 enum query_action action, const struct resource *resource,
						 struct str filters, struct buf *rows, struct store_result *result,
						 struct error *error)
{
	const struct limits *limits = &import->options->model->limits;
	const struct check_options options = {
		.limits = limits, .caller = &caller_trusted, .no_rows = action == QUERY_DELETE};
	struct parsed_query parsed;
	struct query query = {.action = action, .resource = resource, .limit = UINT64_MAX};
	parsed_query_init(&parsed);
	return parse_query_string(filters, limits, NULL, NULL, &import->arena, &parsed, error) &&
		check_query(&parsed, action, resource, &options, &import->arena, &query, error) &&
		store_transaction_run(transaction, &query, rows, result, error);
}

/* Where a load is kept among answers: no service has a name with a colon. */
static const char load_scope[] = "load:";

/* Were the same rows loaded before, and are there any? */
static bool is_known(struct import *import, struct store_transaction *transaction, bool *ret_known,
					 struct error *error)
{
	const struct import_options *options = import->options;
	bool once = options->load->mode == LOAD_ONCE;
	struct store_result kept = {0};
	struct store_result rows = {0};
	struct buf answer;
	struct buf filters; /* names may hold anything; the texts must outlive the query */
	buf_init(&answer, MIB(1));
	buf_init(&filters, KIB(16));
	buf_printf(&filters, "select=key&scope=eq.%s&key=eq.", load_scope);
	url_encode(&filters, options->resource->name);
	if (!once) {
		buf_append(&filters, STR("&hash=eq."));
		buf_append(&filters, import->hash);
	}
	bool ok = run_filtered(import, transaction, QUERY_LIST, options->model->kept_answers,
						   buf_str(&filters), &answer, &kept, error) &&
		run_filtered(import, transaction, QUERY_LIST, options->resource, STR("limit=1"), &answer,
					 &rows, error);
	buf_finish(&filters);
	buf_finish(&answer);
	*ret_known = kept.rows > 0 && (once || rows.rows > 0);
	return ok;
}

static bool remember(struct import *import, struct store_transaction *transaction,
					 struct error *error)
{
	const struct resource *kept = import->options->model->kept_answers;
	const struct body_options options = {
		.limits = &import->options->model->limits,
		.format = BODY_JSON,
	};
	struct store_result result;
	struct query query = {
		.action = QUERY_UPSERT,
		.resource = kept,
		.conflict = kept->key,
		.resolution = RESOLUTION_MERGE,
		.limit = UINT64_MAX,
	};
	/* Kept for good: it is never too old. */
	struct buf body;
	buf_init(&body, KIB(16));
	buf_printf(&body, "{\"scope\":\"%s\",\"hash\":\"%.*s\",\"at\":%lld,\"key\":", load_scope,
			   STR_ARG(import->hash), (long long)INT64_MAX);
	json_write_string(&body, import->options->resource->name);
	buf_append_byte(&body, '}');
	bool ok = check_body(arena_copy(&import->arena, buf_str(&body)), &options, &import->arena,
						 &query, error) &&
		store_transaction_run(transaction, &query, NULL, &result, error);
	buf_finish(&body);
	return ok;
}

/* The rows that are there go, and release what they hold. */
static bool delete_all(struct import *import, struct store_transaction *transaction,
					   struct error *error)
{
	struct query query = {
		.action = QUERY_DELETE,
		.resource = import->options->resource,
		.limit = UINT64_MAX,
	};
	struct link_write_options options = link_options(import, &query);
	struct store_result result;
	struct link_write *link;
	bool ok = link_write_create(&options, &link, error) &&
		(link == NULL || link_write_before(link, transaction, error)) &&
		store_transaction_run(transaction, &query, NULL, &result, error) &&
		(link == NULL || link_write_after(link, transaction, &result, error));
	link_write_finish(link);
	return ok;
}

static enum companion_verdict before(struct store_companion *companion,
									 struct store_transaction *transaction, struct error *error)
{
	struct import *import = IMPORT_OF(companion, companion);
	const struct import_options *options = import->options;
	bool replace = options->load == NULL ? options->replace : options->load->mode == LOAD_REPLACE;
	if (import->first && options->load != NULL) {
		if (!is_known(import, transaction, &import->summary->known, error)) {
			return COMPANION_FAIL;
		}
		if (import->summary->known || import->looks) {
			return COMPANION_ANSWERED;
		}
	}
	return (!import->first || !replace || delete_all(import, transaction, error)) &&
			(import->link == NULL || link_write_before(import->link, transaction, error))
		? COMPANION_GO_ON
		: COMPANION_FAIL;
}

static enum companion_verdict after(struct store_companion *companion,
									struct store_transaction *transaction,
									const struct store_result *result, struct error *error)
{
	struct import *import = IMPORT_OF(companion, companion);
	bool loads = import->first && import->options->load != NULL;
	return (import->link == NULL || link_write_after(import->link, transaction, result, error)) &&
			(!loads || remember(import, transaction, error))
		? COMPANION_GO_ON
		: COMPANION_FAIL;
}

/* ---- transactions, one after the other, on a loop of their own ---- */

static void run_part(struct import *import);

/* The loop runs as long as the session has something open on it. */
static void leave(struct task *task)
{
	struct import *import = IMPORT_OF(task, task);
	peers_close(import->peers);
	store_detach(import->session);
	loop_stop(import->loop);
}

static void end(struct import *import, bool ok)
{
	import->ok = ok;
	import->task.run = leave;
	loop_post(import->loop, &import->task);
}

static void end_well(struct import *import)
{
	end(import, true);
}

static void end_link(struct import *import, const struct store_result *result,
					 const struct error *error)
{
	if (import->link != NULL) {
		link_write_end(import->link, result, error);
		link_write_finish(import->link);
		import->link = NULL;
	}
}

static void begin_part(struct import *import);

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct import *import = IMPORT_OF(request, request);
	uint64_t most = import->options->part_rows;
	end_link(import, result, error);
	if (error != NULL) {
		*import->error = *error;
		end(import, false);
		return;
	}
	if (import->looks) {
		import->looks = false;
		(import->summary->known ? end_well : begin_part)(import);
		return;
	}
	if (import->conflict == IMPORT_MERGE) {
		import->summary->merged += result->rows - result->inserted;
	}
	import->summary->inserted += result->inserted;
	import->first = false;
	bool last = import->summary->known || import->feed.over || import->feed.part < most ||
		most == 0;
	(last ? end_well : begin_part)(import);
}

static void run_part(struct import *import)
{
	import->feed.part = 0;
	import->request = (struct store_request){
		.query = &import->query,
		.body = &import->answer,
		.companion = import->first || import->link != NULL ? &import->companion : NULL,
		.done = on_done,
		.deadline_ms = UINT64_MAX / 2,
	};
	store_run(import->session, &import->request);
}

/* The services of rows that are referred to have answered, or have not. */
static void on_ready(void *context, const struct error *error)
{
	struct import *import = context;
	if (error == NULL) {
		run_part(import);
		return;
	}
	*import->error = *error;
	end_link(import, NULL, error);
	end(import, false);
}

/* Holds are asked for anew for each transaction: an id is used by one. */
static void begin_part(struct import *import)
{
	if (!import->linked) {
		run_part(import);
		return;
	}
	struct link_write_options options = link_options(import, &import->query);
	import->scan.part = 0;
	arena_reset(&import->part_arena);
	if (!link_write_create(&options, &import->link, import->error)) {
		end(import, false);
	} else if (import->link == NULL) {
		run_part(import);
	} else {
		link_write_begin(import->link);
	}
}

/* Nobody is asked for rows that were loaded before. */
static void begin(struct task *task)
{
	struct import *import = IMPORT_OF(task, task);
	import->looks = import->linked && import->options->load != NULL;
	(import->looks ? run_part : begin_part)(import);
}

static bool run_loop(struct import *import)
{
	import->loop = loop_create(import->error);
	if (import->loop == NULL) {
		return false;
	}
	import->session = store_attach(import->options->store, import->loop, import->error);
	if (import->session != NULL) {
		import->peers = import->linked ? peers_create(import->loop, import->options->link_key)
									   : NULL;
		import->task.run = begin;
		loop_post(import->loop, &import->task);
		loop_run(import->loop);
	}
	loop_destroy(import->loop);
	return import->ok;
}

/* ---- all of it ---- */

static struct str hash_of(struct str text, struct arena *arena)
{
	static const uint64_t keys[2][2] = {
		{0x726f776c6f636b2d, 0x6c6f61642d6f6e65},
		{0x726f776c6f636b2d, 0x6c6f61642d74776f},
	};
	return arena_printf(arena, "%016llx%016llx",
						(unsigned long long)siphash(keys[0], text.ptr, text.len),
						(unsigned long long)siphash(keys[1], text.ptr, text.len));
}

static bool check(struct import *import)
{
	const struct import_options *options = import->options;
	const struct resource *resource = options->resource;
	import->conflict = options->load != NULL ? IMPORT_SKIP : options->conflict;
	import->query = (struct query){
		.action = import->conflict == IMPORT_MERGE ? QUERY_UPSERT : QUERY_INSERT,
		.resource = resource,
		.conflict = resource->key,
		.resolution = RESOLUTION_MERGE,
		.limit = UINT64_MAX,
	};
	import->body = (struct body_options){
		.limits = &options->model->limits,
		.format = options->format,
		.many = true,
		.lenient = true,
		.independent = options->format != BODY_CSV,
		.stored = true,
		.bad_row = on_bad_row,
		.release = on_release,
		.context = import,
	};
	if (!check_body_batches(import->text, &import->body, &import->arena, &import->query,
							import->error)) {
		return false;
	}
	import->width = import->query.given.count;
	import->feed = (struct feed){
		.base = {.next = next_rows, .refused = on_refused},
		.import = import,
		.reader = import->query.batches,
	};
	import->linked = link_user_concerns(resource);
	bool ok = !import->linked || check_scan(import);
	import->query.batches = &import->feed.base;
	return ok;
}

bool import_run(const struct import_options *options, struct import_summary *ret_summary,
				struct error *error)
{
	struct import *import = alloc_zeroed(1, sizeof(*import));
	*ret_summary = (struct import_summary){0};
	import->options = options;
	import->summary = ret_summary;
	import->error = error;
	import->first = true;
	import->companion = (struct store_companion){.before = before, .after = after};
	arena_init(&import->arena, BLOCK_BYTES);
	arena_init(&import->part_arena, BLOCK_BYTES);
	buf_init(&import->answer, MIB(1));
	bool ok = import_file_open(options->path, &import->text, error);
	ret_summary->file_bytes = import->text.len;
	if (ok && options->load != NULL) {
		import->hash = hash_of(import->text, &import->arena);
	}
	ok = ok && check(import) && run_loop(import);
	if (!ok && import->refused_line > 0) {
		struct error plain = *error;
		error_set(error, plain.code, "line %zu: %s", import->refused_line, plain.message);
		memcpy(error->details, plain.details, sizeof(error->details));
	}
	ret_summary->bytes = ok ? import->text.len : ret_summary->bytes;
	query_batches_finish(import->scan.reader);
	query_batches_finish(import->feed.reader);
	arena_finish(&import->part_arena);
	import_file_close(import->text);
	buf_finish(&import->answer);
	arena_finish(&import->arena);
	free(import);
	return ok;
}
