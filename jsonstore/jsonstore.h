/*
 * Concurrent, durable JSON files: a collection of records is one file that is always a valid JSON
 * array, one record a line; beside it a journal makes every acknowledged write survive a crash.
 * Many threads and many processes read and write at once.
 *
 * Ownership: what an `open`, `begin` or `snapshot` function returns belongs to the caller and is
 * given back to the function that its comment names; those accept NULL. A collection belongs to
 * its store. Text that is passed in is borrowed for the call.
 * Threads: a store and its collections may be used by any number of threads at once; a
 * transaction, a snapshot, a cursor and a text by one at a time. jsonstore_close() comes last.
 * After fork() the child opens anew: every call on a handle of the parent is JSONSTORE_FORKED.
 * Errors: a call returns JSONSTORE_OK or a code, and tells more in *error when that is not NULL;
 * what it would have returned is then untouched. Out of memory is a code like any other.
 * Limits: JSONSTORE_*_MAX below. The folder lies on a local file system.
 */
#ifndef JSONSTORE_H
#define JSONSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JSONSTORE_API __attribute__((visibility("default")))

#define JSONSTORE_NAME_MAX 64                    /* bytes of the name of a collection or field */
#define JSONSTORE_KEY_MAX 1024                   /* bytes of a record's key */
#define JSONSTORE_FIELDS_MAX 16                  /* indexed fields of a collection */
#define JSONSTORE_COLLECTIONS_MAX 256            /* collections of a folder */
#define JSONSTORE_DEPTH_MAX 64                   /* arrays and objects within each other */
#define JSONSTORE_RECORD_MAX (16 << 20)          /* bytes of a record */
#define JSONSTORE_TRANSACTION_MAX (256 << 20)    /* bytes of a transaction */
#define JSONSTORE_TRANSACTION_CHANGES_MAX 262144 /* changes of a transaction */

/* The numbers stay as they are in all later versions. */
enum jsonstore_code {
	JSONSTORE_OK = 0,
	JSONSTORE_NO_MEMORY = 1,
	JSONSTORE_IO = 2,       /* a call of the system failed: error.system is its errno */
	JSONSTORE_INVALID = 3,  /* what was passed in is not JSON, has no key, or breaks a rule */
	JSONSTORE_LIMIT = 4,    /* it is larger than a limit */
	JSONSTORE_ABSENT = 5,   /* there is no such record, collection or indexed field */
	JSONSTORE_PRESENT = 6,  /* insert: there is such a record already */
	JSONSTORE_CONFLICT = 7, /* require: the record is another; or a file was edited: error.file */
	JSONSTORE_DAMAGED = 8,  /* error.file at error.offset, or at error.line and error.column */
	JSONSTORE_FAILED = 9,   /* an earlier write failed: writing needs jsonstore_checkpoint() */
	JSONSTORE_FORKED = 10,  /* the handle is the parent process's */
	JSONSTORE_BUSY = 11, /* the writer's lock is held: by another for too long, or by the caller */
	JSONSTORE_READONLY = 12, /* the store was opened with read_only */
};

/* What went wrong. Its size stays as it is in all later versions. */
struct jsonstore_error {
	int code;          /* enum jsonstore_code */
	int system;        /* errno, or 0 */
	uint64_t offset;   /* byte of the file or of the text that was passed in */
	uint64_t line;     /* of the file, from 1; 0: not a place in a JSON file */
	uint64_t column;   /* in bytes, from 1 */
	uint64_t change;   /* of a transaction: the number of the change that failed, from 0 */
	char file[256];    /* path, or "" */
	char message[256]; /* for people; names file and place */
	uint64_t reserved[8];
};

/* Text that grows as needed and may be used again and again. Begins as {NULL, 0, 0}. */
struct jsonstore_text {
	char *text; /* owned; not ended by a zero */
	size_t length;
	size_t capacity;
};

JSONSTORE_API void jsonstore_text_free(struct jsonstore_text *text);
/* "out of memory" and so on; never NULL. */
JSONSTORE_API const char *jsonstore_code_text(int code);
/* "0.1.0" */
JSONSTORE_API const char *jsonstore_version(void);

/* ---- folders and collections ---- */

struct jsonstore;
struct jsonstore_collection;

struct jsonstore_options {
	size_t size;        /* of this struct: sizeof(struct jsonstore_options) */
	size_t cache_bytes; /* memory for blocks of the files; 0: 32 MiB */
	bool must_exist;    /* JSONSTORE_ABSENT instead of making the folder a store */
	bool read_only;     /* nothing is written to the folder: see jsonstore_open() */
};

/*
 * Opens the store in a folder that exists, and recovers it when the last process ended without
 * closing. `options` may be NULL. Closed by jsonstore_close().
 * With read_only the right to read the files is enough, and nothing there is made or changed: what
 * would write is JSONSTORE_READONLY, a store that is not there JSONSTORE_ABSENT. It sees each write
 * of others as every handle does; an index that is missing it makes in $TMPDIR.
 */
JSONSTORE_API int jsonstore_open(const char *folder, const struct jsonstore_options *options,
								 struct jsonstore **ret_store, struct jsonstore_error *error);
/* Checkpoints if it can, and frees everything. An error of the checkpoint loses no data. */
JSONSTORE_API int jsonstore_close(struct jsonstore *store, struct jsonstore_error *error);

struct jsonstore_schema {
	size_t size;               /* sizeof(struct jsonstore_schema) */
	const char *key;           /* field with the key: a string or an integer; NULL: "id"; up to 16
								* fields with commas between them: see jsonstore_get() */
	const char *const *fields; /* further fields to find records by */
	size_t field_count;
};

/*
 * The collection in NAME.json: letters, digits, "_" and "-", not beginning with "-". With a schema
 * it is made when it is not there (a file that is there becomes its records), and fields that are
 * not indexed yet are; another key field is JSONSTORE_CONFLICT. Without one it must be there.
 */
JSONSTORE_API int jsonstore_collection(struct jsonstore *store, const char *name,
									   const struct jsonstore_schema *schema,
									   struct jsonstore_collection **ret_collection,
									   struct jsonstore_error *error);

/* ---- reading ---- */

struct jsonstore_snapshot;
struct jsonstore_cursor;

/* One state of all collections, which no later write disturbs. Ended by jsonstore_release(). */
JSONSTORE_API int jsonstore_snapshot(struct jsonstore *store,
									 struct jsonstore_snapshot **ret_snapshot,
									 struct jsonstore_error *error);
JSONSTORE_API void jsonstore_release(struct jsonstore_snapshot *snapshot);

/* Which state it is, in all processes: with equal stamps all reads give the same. */
struct jsonstore_stamp {
	uint64_t generation;
	uint64_t end; /* later states have a greater generation, or the same and a greater end */
};

/*
 * The stamp of a snapshot, or of now when that is NULL: then without a call of the system when
 * nothing was written since the last call. A checkpoint may change it, too. JSONSTORE_INVALID: the
 * snapshot holds changes of a transaction.
 */
JSONSTORE_API int jsonstore_stamp(struct jsonstore *store,
								  const struct jsonstore_snapshot *snapshot,
								  struct jsonstore_stamp *ret_stamp, struct jsonstore_error *error);

/*
 * The record with a key, on one line. The key of a record is its key field's text: of "a" a, of 12
 * 12; of several fields, their texts with commas between them, in which each comma and backslash
 * stands behind a backslash. In all functions of this part, `snapshot` NULL is the state of now.
 */
JSONSTORE_API int jsonstore_get(struct jsonstore_collection *collection,
								const struct jsonstore_snapshot *snapshot, const char *key,
								size_t key_length, struct jsonstore_text *ret_record,
								struct jsonstore_error *error);
/* All records in the order of the file, then those that are new since; jsonstore_next(). */
JSONSTORE_API int jsonstore_scan(struct jsonstore_collection *collection,
								 const struct jsonstore_snapshot *snapshot,
								 struct jsonstore_cursor **ret_cursor,
								 struct jsonstore_error *error);
/*
 * The records whose indexed field is this value, in no order that is promised. The value is JSON: a
 * string, a number (1 and 1.0 are the same), true, false or null. JSONSTORE_ABSENT: no such index.
 */
JSONSTORE_API int jsonstore_find(struct jsonstore_collection *collection,
								 const struct jsonstore_snapshot *snapshot, const char *field,
								 const char *value, size_t value_length,
								 struct jsonstore_cursor **ret_cursor,
								 struct jsonstore_error *error);
/* The next record, valid until the next call; *ret_record is NULL behind the last. */
JSONSTORE_API int jsonstore_next(struct jsonstore_cursor *cursor, const char **ret_record,
								 size_t *ret_length, struct jsonstore_error *error);
JSONSTORE_API void jsonstore_cursor_close(struct jsonstore_cursor *cursor);

/*
 * ---- writing: a call that returns JSONSTORE_OK is on disk ----
 *
 * When a checkpoint is due that nobody has done, the write that finds it does it before it returns;
 * unless somebody, in whatever process, called jsonstore_checkpoint() in the last five seconds.
 */

/* A record is a JSON object with the key field; its key says which record it is. */
JSONSTORE_API int jsonstore_put(struct jsonstore_collection *collection, const char *record,
								size_t length, struct jsonstore_error *error);
/* JSONSTORE_PRESENT when there is a record with this key. */
JSONSTORE_API int jsonstore_insert(struct jsonstore_collection *collection, const char *record,
								   size_t length, struct jsonstore_error *error);
/* Merges as RFC 7396 does; JSONSTORE_ABSENT without the record, the key must stay the same. */
JSONSTORE_API int jsonstore_patch(struct jsonstore_collection *collection, const char *key,
								  size_t key_length, const char *patch, size_t length,
								  struct jsonstore_error *error);
JSONSTORE_API int jsonstore_delete(struct jsonstore_collection *collection, const char *key,
								   size_t key_length, struct jsonstore_error *error);

/* Several changes at once, and a transaction that reads what it changes. */
#include "jsonstore_transaction.h"
/* The rest: checkpoints, statistics, verify, repair, export. */
#include "jsonstore_admin.h"

#ifdef __cplusplus
}
#endif

#endif
