#include "http/body.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http/http_priv.h"
#include "http/pool.h"

/*
 * DESIGN. A large body is read into a piece of memory of 128 KiB, which goes to the file whenever
 * half of it is full: so there is always room for a read worth its call, and the writes are long.
 * The file appears with the first piece, so a client that only promises a body costs no descriptor.
 * It has no name and nobody else can shorten it: the mapping cannot lose pages. Once mapped, the
 * descriptor is of no more use; the mapping keeps the file.
 */

#define PART_BYTES (2 * HTTP_BODY_PIECE_BYTES)

/* ---- the file ---- */

static int open_unnamed(const char *folder)
{
	return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static const struct http_body_io system_io = {.open_unnamed = open_unnamed, .write = write};

/* Sets errno. */
static int open_named(const char *folder)
{
	char path[PATH_MAX];
	int bytes = snprintf(path, sizeof(path), "%s/rowlock-body-XXXXXX", folder);
	if (bytes < 0 || (size_t)bytes >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0 && unlink(path) != 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static bool refuse(struct error *error, int why)
{
	enum error_code code = ERROR_INTERNAL;
	if (why == ENOSPC || why == EDQUOT || why == EFBIG) {
		code = ERROR_STORE_FULL;
	} else if (why == EMFILE || why == ENFILE || why == ENOMEM) {
		code = ERROR_OVERLOADED;
	}
	char text[100];
	uv_strerror_r(-why, text, sizeof(text));
	return error_set(error, code, "The request body could not be kept: %s", text);
}

static bool open_file(struct http_body *body, struct error *error)
{
	const char *folder = getenv("TMPDIR");
	if (folder == NULL || folder[0] == '\0') {
		folder = "/tmp";
	}
	body->fd = body->io->open_unnamed(folder);
	if (body->fd < 0) {
		/* Not every file system has files without names; else this fails in the same way. */
		body->fd = open_named(folder);
	}
	return body->fd >= 0 || refuse(error, errno);
}

/* Moves what is in memory to the file. */
static bool store_part(struct http_body *body, struct error *error)
{
	if (body->fd < 0 && !open_file(body, error)) {
		return false;
	}
	struct str rest = buf_str(&body->part);
	while (rest.len > 0) {
		ssize_t written = body->io->write(body->fd, rest.ptr, rest.len);
		if (written < 0 && errno != EINTR) {
			return refuse(error, errno);
		}
		rest = str_slice(rest, written < 0 ? 0 : (size_t)written, rest.len);
	}
	body->stored += body->part.len;
	http_buf_reuse(&body->part, PART_BYTES);
	return true;
}

static bool map_file(struct http_body *body, struct error *error)
{
	void *map = mmap(NULL, body->stored, PROT_READ, MAP_PRIVATE, body->fd, 0);
	if (map == MAP_FAILED) {
		return refuse(error, errno);
	}
	madvise(map, body->stored, MADV_SEQUENTIAL); /* advice: it need not be taken */
	body->map = map;
	close(body->fd);
	body->fd = -1;
	return true;
}

void http_body_release(struct str body, size_t bytes)
{
	/* Batches are small: what was read before this window was released before. */
	enum { WINDOW_BYTES = 8 << 20 };
	if (body.len <= HTTP_BODY_MEMORY_BYTES) {
		return;
	}
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t end = bytes / page * page;
	size_t from = end > WINDOW_BYTES ? end - WINDOW_BYTES : 0;
	/* Pages of the file: whoever looks there again reads them again. */
	madvise((char *)(uintptr_t)body.ptr + from, end - from, MADV_DONTNEED);
}

/* ---- the body ---- */

void http_body_init(struct http_body *body, struct http_server *server)
{
	*body = (struct http_body){.server = server, .io = &system_io, .fd = -1};
	buf_init(&body->part, SIZE_MAX / 2);
}

void http_body_finish(struct http_body *body)
{
	http_body_clear(body, 0);
	buf_finish(&body->part);
}

void http_body_clear(struct http_body *body, size_t keep_bytes)
{
	if (body->map != NULL) {
		munmap(body->map, body->stored);
		body->map = NULL;
	}
	if (body->fd >= 0) {
		close(body->fd);
		body->fd = -1;
	}
	body->stored = 0;
	http_account(body->server, &body->accounted, 0);
	http_buf_reuse(&body->part, keep_bytes);
}

void http_body_begin(struct http_body *body, uint64_t length)
{
	assert(http_body_bytes(body) == 0 && body->fd < 0 && body->map == NULL);
	body->length = length;
}

static bool is_large(const struct http_body *body)
{
	bool known = body->length != HTTP_BODY_LENGTH_UNKNOWN;
	return (known ? body->length : http_body_bytes(body)) > HTTP_BODY_MEMORY_BYTES;
}

/* The memory follows what has come, not what the client says will come. */
static void make_room(struct http_body *body)
{
	struct buf *part = &body->part;
	uint64_t left = body->length - http_body_bytes(body);
	uint64_t step = part->len > HTTP_SMALL_BYTES ? part->len : HTTP_SMALL_BYTES;
	if (is_large(body)) {
		step = PART_BYTES - part->len;
	} else if (part->capacity > part->len) {
		step = 0;
	}
	buf_reserve(part, (size_t)(left < step ? left : step));
}

bool http_body_settle(struct http_body *body, struct error *error)
{
	if (body->part.len >= HTTP_BODY_PIECE_BYTES && is_large(body) && !store_part(body, error)) {
		return false;
	}
	if (body->length != HTTP_BODY_LENGTH_UNKNOWN) {
		make_room(body);
	}
	size_t before = body->accounted;
	http_account(body->server, &body->accounted, body->part.capacity);
	if (body->accounted > before && http_over_budget(body->server, 0)) {
		return error_set(error, ERROR_OVERLOADED, NULL);
	}
	return true;
}

size_t http_body_room(const struct http_body *body)
{
	size_t room = body->part.capacity - body->part.len;
	uint64_t left = body->length - http_body_bytes(body);
	return left < room ? (size_t)left : room;
}

bool http_body_complete(struct http_body *body, struct str *ret_text, struct error *error)
{
	assert(body->map == NULL);
	if (!is_large(body)) {
		*ret_text = buf_str(&body->part);
		return true;
	}
	if (!store_part(body, error) || !map_file(body, error)) {
		return false;
	}
	/* The handler may keep the body for long; what it was read into is free. */
	http_buf_reuse(&body->part, 0);
	http_account(body->server, &body->accounted, 0);
	*ret_text = (struct str){body->map, body->stored};
	return true;
}
