#include "drive.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RECORD = 200,
	SAMPLES = 2000,
	FINDS = 300,
	SAME_VALUE = 8,
	BATCH = 1000,
	BATCHES = 40,
	BESIDE_MAX = 400
};

struct big {
	const char *folder;
	struct jsonstore *store;
	struct jsonstore_collection *records;
	uint64_t count;
	uint64_t random;
};

static uint64_t draw(struct big *big)
{
	big->random = big->random * 6364136223846793005u + 1442695040888963407u;
	return (big->random >> 20) % big->count;
}

/* Record i in exactly RECORD bytes. */
static void record_text(char text[RECORD + 1], uint64_t i, unsigned edition)
{
	int len = snprintf(text, RECORD + 1,
					   "{\"id\":%" PRIu64 ",\"group\":%" PRIu64 ",\"edition\":%u,\"x\":\"", i,
					   i / SAME_VALUE, edition);
	memset(text + len, 'x', (size_t)(RECORD - len));
	memcpy(text + RECORD - 2, "\"}", 2);
	text[RECORD] = '\0';
}

static bool write_file(const struct big *big)
{
	char path[400];
	char text[RECORD + 1];
	(void)snprintf(path, sizeof(path), "%s/big.json", big->folder);
	FILE *file = fopen(path, "w");
	if (file == NULL) {
		return false;
	}
	bool good = fputs("[\n", file) >= 0;
	for (uint64_t i = 0; i < big->count && good; i++) {
		record_text(text, i, 0);
		good = fputs(text, file) >= 0 && fputs(i + 1 < big->count ? ",\n" : "\n", file) >= 0;
	}
	return good && fputs("]\n", file) >= 0 && fclose(file) == 0;
}

static int open_big(struct big *big, struct jsonstore_error *error)
{
	static const char *const fields[] = {"group"};
	struct jsonstore_schema schema = {.size = sizeof(schema), .fields = fields, .field_count = 1};
	struct jsonstore_options options = {.size = sizeof(options), .cache_bytes = 4 << 20};
	int code = jsonstore_open(big->folder, &options, &big->store, error);
	return code != 0 ? code
					 : jsonstore_collection(big->store, "big", &schema, &big->records, error);
}

static int get_some(struct big *big, struct jsonstore_error *error)
{
	struct jsonstore_text text = {NULL, 0, 0};
	char key[32];
	char want[64];
	int code = JSONSTORE_OK;
	for (int n = 0; n < SAMPLES && code == JSONSTORE_OK; n++) {
		int len = snprintf(key, sizeof(key), "%" PRIu64, draw(big));
		code = jsonstore_get(big->records, NULL, key, (size_t)len, &text, error);
		len = snprintf(want, sizeof(want), "{\"id\":%s,", key);
		if (code == JSONSTORE_OK &&
			(text.length != RECORD || memcmp(text.text, want, (size_t)len) != 0)) {
			code = -1;
		}
	}
	jsonstore_text_free(&text);
	return code;
}

static int find_some(struct big *big, struct jsonstore_error *error)
{
	int code = JSONSTORE_OK;
	for (int n = 0; n < FINDS && code == JSONSTORE_OK; n++) {
		struct jsonstore_cursor *cursor;
		const char *record = "";
		size_t length;
		int found = -1;
		char value[32];
		int len = snprintf(value, sizeof(value), "%" PRIu64, draw(big) / SAME_VALUE);
		code = jsonstore_find(big->records, NULL, "group", value, (size_t)len, &cursor, error);
		if (code != JSONSTORE_OK) {
			break;
		}
		while (code == JSONSTORE_OK && record != NULL) {
			code = jsonstore_next(cursor, &record, &length, error);
			found++;
		}
		jsonstore_cursor_close(cursor);
		code = code == JSONSTORE_OK && found != SAME_VALUE ? -1 : code;
	}
	return code;
}

/* Changes in transactions; how long the longest took is *ret_longest. */
static int put_some(struct big *big, int batches, unsigned edition, double *ret_longest,
					struct jsonstore_error *error)
{
	char text[RECORD + 1];
	int code = JSONSTORE_OK;
	for (int n = 0; n < batches && code == JSONSTORE_OK; n++) {
		struct jsonstore_transaction *transaction;
		double begun = drive_now();
		code = jsonstore_begin(big->store, &transaction, error);
		for (int i = 0; i < BATCH && code == JSONSTORE_OK; i++) {
			record_text(text, draw(big), edition);
			code = jsonstore_transaction_put(transaction, big->records, text, RECORD, error);
		}
		code = code != 0 ? code : jsonstore_commit(transaction, error);
		double took = drive_now() - begun;
		*ret_longest = took > *ret_longest ? took : *ret_longest;
	}
	return code;
}

static long peak_kib(void)
{
	char line[256];
	long peak = -1;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "VmData:", 7) == 0) {
			peak = strtol(line + 7, NULL, 10);
		}
	}
	if (file != NULL) {
		(void)fclose(file);
	}
	return peak;
}

static bool tell(const char *what, double *since, int code, const struct jsonstore_error *error)
{
	double now = drive_now();
	if (code != JSONSTORE_OK) {
		(void)drive_complain(what, error);
		return false;
	}
	(void)printf("%s: %.1f s\n", what, now - *since);
	(void)fflush(stdout);
	*since = now;
	return true;
}

/* Another process makes the checkpoint while this one puts. */
static int puts_beside_checkpoint(struct big *big, struct jsonstore_error *error)
{
	double longest = 0;
	int status = 0;
	int code = JSONSTORE_OK;
	int batches = 0;
	pid_t child = fork();
	if (child == 0) {
		struct big own = {.folder = big->folder, .count = big->count};
		code = open_big(&own, error);
		code = code != 0 ? code : jsonstore_checkpoint(own.store, JSONSTORE_NOW, error);
		_exit(code == JSONSTORE_OK ? 0 : drive_complain("checkpoint of the other", error));
	}
	while (code == JSONSTORE_OK && waitpid(child, &status, WNOHANG) == 0) {
		/* Not so many that the journal is full before the checkpoint is done. */
		if (batches < BESIDE_MAX) {
			code = put_some(big, 1, 3, &longest, error);
			batches++;
		}
		(void)usleep(20000);
	}
	(void)printf("%d transactions of %d puts meanwhile, the longest took %.3f s\n", batches, BATCH,
				 longest);
	return code == JSONSTORE_OK && status != 0 ? -1 : code;
}

int drive_big(char **arguments)
{
	struct big big = {.folder = arguments[0], .random = 1};
	uint64_t limit = strtoull(arguments[2], NULL, 10) << 20;
	struct rlimit memory = {limit, limit};
	struct jsonstore_error error = {.code = 0};
	double longest = 0;
	double since = drive_now();
	big.count = (strtoull(arguments[1], NULL, 10) << 20) / (RECORD + 2) / SAME_VALUE * SAME_VALUE;
	if (!write_file(&big)) {
		perror("drive: the file");
		return 1;
	}
	(void)printf("%" PRIu64 " records, limit %s MiB\n", big.count, arguments[2]);
	if (!tell("write the file", &since, 0, &error) || setrlimit(RLIMIT_DATA, &memory) != 0) {
		return 1;
	}
	bool good = tell("open and index", &since, open_big(&big, &error), &error) &&
		tell("get 2000", &since, get_some(&big, &error), &error) &&
		tell("find 300", &since, find_some(&big, &error), &error) &&
		tell("put 40 times 1000", &since, put_some(&big, BATCHES, 1, &longest, &error), &error) &&
		tell("checkpoint", &since, jsonstore_checkpoint(big.store, JSONSTORE_NOW, &error),
			 &error) &&
		tell("put 40 times 1000", &since, put_some(&big, BATCHES, 2, &longest, &error), &error) &&
		tell("checkpoint of another process", &since, puts_beside_checkpoint(&big, &error),
			 &error) &&
		tell("get 2000", &since, get_some(&big, &error), &error) &&
		tell("find 300", &since, find_some(&big, &error), &error);
	(void)printf("anonymous memory at last: %ld KiB\n", peak_kib());
	since = drive_now();
	good = tell("close", &since, jsonstore_close(big.store, &error), &error) && good;
	good = good && tell("open again", &since, open_big(&big, &error), &error) &&
		tell("get 2000", &since, get_some(&big, &error), &error) &&
		jsonstore_close(big.store, &error) == JSONSTORE_OK;
	return good ? 0 : 1;
}
