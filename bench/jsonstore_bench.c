/*
 * jsonstore and SQLite at the same work: RECORDS records of RECORD_BYTES bytes, with a key and an
 * indexed field. It prints how many operations took how many seconds, and the CPU time of all its
 * processes, as JSON.
 *
 *   jsonstore_bench jsonstore|sqlite prepare|open|get|find|insert|update|insert_8 FOLDER SECONDS SEED
 *
 * SQLite is in WAL mode with synchronous = FULL and a cache of 32 MiB, which is what jsonstore takes,
 * each statement prepared once. An operation that
 * does not do what it should ends the program; after inserts all records are counted.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jsonstore.h>
#include <sqlite3.h>

enum {
	RECORDS = 100000,
	RECORD_BYTES = 200,
	GROUPS = 10000,
	GROUP_RECORDS = RECORDS / GROUPS,
	PROCESSES = 8,
	PREPARED = 1000, /* records of a transaction that fills a store */
	PATH_BYTES = 4096,
	KEY_BYTES = 24,
	BUSY_MS = 60000,
};

struct record {
	char key[KEY_BYTES];
	int key_length;
	int group;
	char text[RECORD_BYTES + 1];
};

struct handle {
	struct jsonstore *store;
	struct jsonstore_collection *records;
	struct jsonstore_text text;
	struct jsonstore_transaction *transaction;
	sqlite3 *db;
	sqlite3_stmt *get;
	sqlite3_stmt *find;
	sqlite3_stmt *insert;
	sqlite3_stmt *update;
};

struct system {
	const char *name;
	void (*open)(struct handle *handle, const char *folder, bool make);
	void (*close)(struct handle *handle);
	void (*checkpoint)(struct handle *handle);
	void (*begin)(struct handle *handle);
	void (*commit)(struct handle *handle);
	size_t (*get)(struct handle *handle, const struct record *record); /* bytes */
	int (*find)(struct handle *handle, int group);                     /* records */
	void (*insert)(struct handle *handle, const struct record *record);
	void (*update)(struct handle *handle, const struct record *record);
	int64_t (*count)(struct handle *handle);
};

struct run {
	const struct system *system;
	const char *folder;
	double seconds;
	uint64_t random;
	uint64_t done;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "jsonstore_bench: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* splitmix64 */
static uint64_t next_random(struct run *run)
{
	uint64_t x = run->random += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* RECORD_BYTES bytes of JSON, padded with a text that begins with a number of the caller's. */
static void make_record(struct record *record, const char *key, int group, uint64_t version)
{
	int length = snprintf(record->text, sizeof(record->text),
						  "{\"id\":\"%s\",\"grp\":%d,\"text\":\"%llu ", key, group,
						  (unsigned long long)version);
	record->key_length = snprintf(record->key, sizeof(record->key), "%s", key);
	record->group = group;
	memset(record->text + length, 'x', (size_t)(RECORD_BYTES - 2 - length));
	memcpy(record->text + RECORD_BYTES - 2, "\"}", 3);
}

static void make_known(struct record *record, int number, uint64_t version)
{
	char key[KEY_BYTES];
	(void)snprintf(key, sizeof(key), "k%08d", number);
	make_record(record, key, number % GROUPS, version);
}

/* ---- jsonstore ---- */

static void must(int code, const struct jsonstore_error *error)
{
	if (code != JSONSTORE_OK) {
		fail("jsonstore", error->message);
	}
}

static void store_open(struct handle *handle, const char *folder, bool make)
{
	static const char *const fields[] = {"grp"};
	struct jsonstore_schema schema = {
		.size = sizeof(schema), .key = "id", .fields = fields, .field_count = 1};
	struct jsonstore_error error;
	must(jsonstore_open(folder, NULL, &handle->store, &error), &error);
	must(jsonstore_collection(handle->store, "records", make ? &schema : NULL, &handle->records,
							  &error),
		 &error);
}

static void store_close(struct handle *handle)
{
	struct jsonstore_error error;
	jsonstore_text_free(&handle->text);
	must(jsonstore_close(handle->store, &error), &error);
}

static void store_checkpoint(struct handle *handle)
{
	struct jsonstore_error error;
	must(jsonstore_checkpoint(handle->store, JSONSTORE_NOW, &error), &error);
}

static void store_begin(struct handle *handle)
{
	struct jsonstore_error error;
	must(jsonstore_begin(handle->store, &handle->transaction, &error), &error);
}

static void store_commit(struct handle *handle)
{
	struct jsonstore_error error;
	must(jsonstore_commit(handle->transaction, &error), &error);
	handle->transaction = NULL;
}

static size_t store_get(struct handle *handle, const struct record *record)
{
	struct jsonstore_error error;
	must(jsonstore_get(handle->records, NULL, record->key, (size_t)record->key_length,
					   &handle->text, &error),
		 &error);
	return handle->text.length;
}

static int store_find(struct handle *handle, int group)
{
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error;
	const char *text;
	size_t length;
	int found = -1;
	char value[KEY_BYTES];
	int value_length = snprintf(value, sizeof(value), "%d", group);
	must(jsonstore_find(handle->records, NULL, "grp", value, (size_t)value_length, &cursor, &error),
		 &error);
	do {
		must(jsonstore_next(cursor, &text, &length, &error), &error);
		found++;
	} while (text != NULL);
	jsonstore_cursor_close(cursor);
	return found;
}

static void store_insert(struct handle *handle, const struct record *record)
{
	struct jsonstore_error error;
	must(handle->transaction == NULL
			 ? jsonstore_insert(handle->records, record->text, RECORD_BYTES, &error)
			 : jsonstore_transaction_insert(handle->transaction, handle->records, record->text,
											RECORD_BYTES, &error),
		 &error);
}

static void store_update(struct handle *handle, const struct record *record)
{
	struct jsonstore_error error;
	must(jsonstore_put(handle->records, record->text, RECORD_BYTES, &error), &error);
}

static int64_t store_count(struct handle *handle)
{
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error;
	const char *text;
	size_t length;
	int64_t count = -1;
	must(jsonstore_scan(handle->records, NULL, &cursor, &error), &error);
	do {
		must(jsonstore_next(cursor, &text, &length, &error), &error);
		count++;
	} while (text != NULL);
	jsonstore_cursor_close(cursor);
	return count;
}

/* ---- SQLite ---- */

static void sqlite_must(struct handle *handle, bool good)
{
	if (!good) {
		fail("SQLite", sqlite3_errmsg(handle->db));
	}
}

static void sqlite_run(struct handle *handle, const char *text)
{
	sqlite_must(handle, sqlite3_exec(handle->db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *sqlite_statement(struct handle *handle, const char *text)
{
	sqlite3_stmt *statement;
	sqlite_must(handle,
				sqlite3_prepare_v3(handle->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement,
								   NULL) == SQLITE_OK);
	return statement;
}

static void sqlite_open(struct handle *handle, const char *folder, bool make)
{
	char path[PATH_BYTES];
	(void)snprintf(path, sizeof(path), "%s/records.db", folder);
	sqlite_must(handle, sqlite3_open(path, &handle->db) == SQLITE_OK);
	sqlite3_busy_timeout(handle->db, BUSY_MS);
	sqlite_run(handle,
			   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			   " PRAGMA cache_size = -32768");
	if (make) {
		sqlite_run(handle,
				   "CREATE TABLE records (id TEXT PRIMARY KEY, grp INTEGER, body TEXT)"
				   " WITHOUT ROWID; CREATE INDEX records_grp ON records (grp)");
	}
	handle->get = sqlite_statement(handle, "SELECT body FROM records WHERE id = ?1");
	handle->find = sqlite_statement(handle, "SELECT body FROM records WHERE grp = ?1");
	handle->insert = sqlite_statement(handle, "INSERT INTO records VALUES (?1, ?2, ?3)");
	handle->update = sqlite_statement(handle,
									  "UPDATE records SET grp = ?2, body = ?3 WHERE id = ?1");
}

static void sqlite_close(struct handle *handle)
{
	sqlite3_finalize(handle->get);
	sqlite3_finalize(handle->find);
	sqlite3_finalize(handle->insert);
	sqlite3_finalize(handle->update);
	sqlite_must(handle, sqlite3_close(handle->db) == SQLITE_OK);
}

static void sqlite_checkpoint(struct handle *handle)
{
	sqlite_run(handle, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void sqlite_begin(struct handle *handle)
{
	sqlite_run(handle, "BEGIN IMMEDIATE");
}

static void sqlite_commit(struct handle *handle)
{
	sqlite_run(handle, "COMMIT");
}

static size_t sqlite_get(struct handle *handle, const struct record *record)
{
	sqlite3_bind_text(handle->get, 1, record->key, record->key_length, SQLITE_STATIC);
	sqlite_must(handle, sqlite3_step(handle->get) == SQLITE_ROW);
	size_t length = sqlite3_column_text(handle->get, 0) == NULL
		? 0
		: (size_t)sqlite3_column_bytes(handle->get, 0);
	sqlite3_reset(handle->get);
	return length;
}

static int sqlite_find(struct handle *handle, int group)
{
	int found = 0;
	sqlite3_bind_int(handle->find, 1, group);
	while (sqlite3_step(handle->find) == SQLITE_ROW) {
		found += sqlite3_column_text(handle->find, 0) != NULL ? 1 : 0;
	}
	sqlite_must(handle, sqlite3_reset(handle->find) == SQLITE_OK);
	return found;
}

static void sqlite_write(struct handle *handle, sqlite3_stmt *statement,
						 const struct record *record)
{
	sqlite3_bind_text(statement, 1, record->key, record->key_length, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, record->group);
	sqlite3_bind_text(statement, 3, record->text, RECORD_BYTES, SQLITE_STATIC);
	sqlite_must(handle, sqlite3_step(statement) == SQLITE_DONE);
	sqlite3_reset(statement);
	sqlite_must(handle, sqlite3_changes(handle->db) == 1);
}

static void sqlite_insert(struct handle *handle, const struct record *record)
{
	sqlite_write(handle, handle->insert, record);
}

static void sqlite_update(struct handle *handle, const struct record *record)
{
	sqlite_write(handle, handle->update, record);
}

static int64_t sqlite_count(struct handle *handle)
{
	sqlite3_stmt *statement = sqlite_statement(handle, "SELECT count(*) FROM records");
	sqlite_must(handle, sqlite3_step(statement) == SQLITE_ROW);
	int64_t count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

static const struct system systems[] = {
	{"jsonstore", store_open, store_close, store_checkpoint, store_begin, store_commit, store_get,
	 store_find, store_insert, store_update, store_count},
	{"sqlite", sqlite_open, sqlite_close, sqlite_checkpoint, sqlite_begin, sqlite_commit,
	 sqlite_get, sqlite_find, sqlite_insert, sqlite_update, sqlite_count},
};

/* ---- the operations ---- */

static void prepare(struct run *run)
{
	struct handle handle = {.text = {NULL, 0, 0}};
	struct record record;
	run->system->open(&handle, run->folder, true);
	for (int i = 0; i < RECORDS; i++) {
		if (i % PREPARED == 0) {
			run->system->begin(&handle);
		}
		make_known(&record, i, 0);
		run->system->insert(&handle, &record);
		if (i % PREPARED == PREPARED - 1) {
			run->system->commit(&handle);
		}
	}
	run->system->checkpoint(&handle);
	run->system->close(&handle);
	run->done = RECORDS;
}

static void random_record(struct run *run, struct record *record)
{
	make_known(record, (int)(next_random(run) % RECORDS), run->done + 1);
}

static void get_checked(struct run *run, struct handle *handle, const struct record *record)
{
	if (run->system->get(handle, record) != RECORD_BYTES) {
		fail("get", "not the record");
	}
}

static void measure_open(struct run *run)
{
	struct record record;
	double until = now() + run->seconds;
	do {
		struct handle handle = {.text = {NULL, 0, 0}};
		random_record(run, &record);
		run->system->open(&handle, run->folder, false);
		get_checked(run, &handle, &record);
		run->system->close(&handle);
		run->done++;
	} while (now() < until);
}

/* Looks at the clock each 64 reads. The keys are made beforehand: they are no part of a get. */
static void measure_get(struct run *run, struct handle *handle)
{
	enum { KEYS = 65536 };
	struct record *records = calloc(KEYS, sizeof(*records));
	if (records == NULL) {
		fail("keys", "no memory");
	}
	for (int i = 0; i < KEYS; i++) {
		random_record(run, &records[i]);
	}
	double until = now() + run->seconds;
	do {
		for (int i = 0; i < 64; i++) {
			get_checked(run, handle, &records[run->done++ % KEYS]);
		}
	} while (now() < until);
	free(records);
}

static void measure_find(struct run *run, struct handle *handle)
{
	double until = now() + run->seconds;
	do {
		if (run->system->find(handle, (int)(next_random(run) % GROUPS)) != GROUP_RECORDS) {
			fail("find", "not as many records as there are");
		}
		run->done++;
	} while (now() < until);
}

static void measure_update(struct run *run, struct handle *handle)
{
	struct record record;
	double until = now() + run->seconds;
	do {
		random_record(run, &record);
		run->system->update(handle, &record);
		run->done++;
	} while (now() < until);
}

/* `who` keeps the keys of several processes apart. */
static void measure_insert(struct run *run, struct handle *handle, int who)
{
	struct record record;
	char key[KEY_BYTES];
	double until = now() + run->seconds;
	do {
		(void)snprintf(key, sizeof(key), "n%d-%llu", who, (unsigned long long)run->done);
		make_record(&record, key, -1, 0);
		run->system->insert(handle, &record);
		run->done++;
	} while (now() < until);
}

static int64_t count(struct run *run)
{
	struct handle handle = {.text = {NULL, 0, 0}};
	run->system->open(&handle, run->folder, false);
	int64_t records = run->system->count(&handle);
	run->system->close(&handle);
	return records;
}

/* All begin when the parent closes the pipe; each tells its number in a page that they share. */
static double measure_processes(struct run *run)
{
	int gate[2];
	int ready[2];
	pid_t children[PROCESSES];
	char byte = 0;
	uint64_t *done = mmap(NULL, PROCESSES * sizeof(*done), PROT_READ | PROT_WRITE,
						  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED || pipe(gate) != 0 || pipe(ready) != 0) {
		fail("processes", "pipe");
	}
	for (int who = 0; who < PROCESSES; who++) {
		children[who] = fork();
		if (children[who] < 0) {
			fail("processes", "fork");
		}
		if (children[who] == 0) {
			struct handle handle = {.text = {NULL, 0, 0}};
			close(gate[1]);
			run->system->open(&handle, run->folder, false);
			if (write(ready[1], &byte, 1) != 1 || read(gate[0], &byte, 1) != 0) {
				fail("processes", "the gate");
			}
			measure_insert(run, &handle, who);
			done[who] = run->done;
			_exit(0); /* closing would be a checkpoint of each, which is not measured */
		}
	}
	for (int who = 0; who < PROCESSES; who++) {
		if (read(ready[0], &byte, 1) != 1) {
			fail("processes", "one has ended");
		}
	}
	double begun = now();
	close(gate[1]);
	for (int who = 0; who < PROCESSES; who++) {
		int status;
		if (waitpid(children[who], &status, 0) < 0 || status != 0) {
			fail("processes", "one has failed");
		}
		run->done += done[who];
	}
	return now() - begun;
}

static double cpu_seconds(int who)
{
	struct rusage usage;
	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The seconds of the operations, and of the close behind writes; *ret_cpu their CPU time. */
static double measure(struct run *run, const char *what, double *ret_cpu)
{
	struct handle handle = {.text = {NULL, 0, 0}};
	bool alone = strcmp(what, "open") == 0 || strcmp(what, "prepare") == 0;
	bool many = strcmp(what, "insert_8") == 0;
	bool insert = many || strcmp(what, "insert") == 0;
	int64_t before = insert ? count(run) : 0;
	if (!alone && !many) {
		run->system->open(&handle, run->folder, false);
	}
	double cpu = cpu_seconds(many ? RUSAGE_CHILDREN : RUSAGE_SELF);
	double begun = now();
	double seconds = -1;
	if (many) {
		seconds = measure_processes(run);
	} else if (strcmp(what, "prepare") == 0) {
		prepare(run);
	} else if (alone) {
		measure_open(run);
	} else if (insert) {
		measure_insert(run, &handle, PROCESSES);
	} else if (strcmp(what, "get") == 0) {
		measure_get(run, &handle);
	} else if (strcmp(what, "find") == 0) {
		measure_find(run, &handle);
	} else if (strcmp(what, "update") == 0) {
		measure_update(run, &handle);
	} else {
		fail("no such operation", what);
	}
	bool write = insert || strcmp(what, "update") == 0;
	if (write && !many) {
		run->system->close(&handle);
	}
	seconds = seconds < 0 ? now() - begun : seconds;
	*ret_cpu = cpu_seconds(many ? RUSAGE_CHILDREN : RUSAGE_SELF) - cpu;
	if (!alone && !write) {
		run->system->close(&handle);
	}
	if (insert && count(run) != before + (int64_t)run->done) {
		fail("insert", "not all records are there");
	}
	return seconds;
}

int main(int argc, char **argv)
{
	struct run run = {.system = NULL};
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("jsonstore %s\n", jsonstore_version());
		return 0;
	}
	for (size_t i = 0; argc == 6 && i < sizeof(systems) / sizeof(systems[0]); i++) {
		if (strcmp(argv[1], systems[i].name) == 0) {
			run.system = &systems[i];
		}
	}
	if (run.system == NULL) {
		fail("usage", "SYSTEM OPERATION FOLDER SECONDS SEED");
	}
	run.folder = argv[3];
	run.seconds = strtod(argv[4], NULL);
	run.random = strtoull(argv[5], NULL, 10);
	double cpu;
	double seconds = measure(&run, argv[2], &cpu);
	printf("{\"operations\":%llu,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n",
		   (unsigned long long)run.done, seconds, cpu);
	return fflush(stdout) == 0 ? 0 : 1;
}
