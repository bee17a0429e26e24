/*
 * DESIGN. libcurl says which sockets it waits for and when it wants to be called; libuv waits. None
 * of its functions may be called within its callbacks, so `done` is called after they have
 * returned, from the list of what has ended.
 */
#include "net/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/loop.h"

enum { HOST_CONNECTIONS = 16, CONNECTIONS = 64, CONNECT_MS = 2000 };

struct client {
	struct loop *loop;
	CURLM *multi;
	uv_timer_t timer;
};

/* A socket that libcurl waits for. */
struct watch {
	uv_poll_t poll;
	struct client *client;
	curl_socket_t socket;
};

struct client_transfer {
	struct client *client;
	struct client_request *request;
	CURL *easy;
	struct curl_slist *fields;
	char *url;
	struct buf body;
	size_t bytes; /* of the body, so far */
	bool too_large;
	char problem[CURL_ERROR_SIZE];
};

/* ---- what has ended ---- */

static void transfer_free(struct client_transfer *transfer)
{
	curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->fields);
	buf_finish(&transfer->body);
	free(transfer->url);
	free(transfer);
}

static int status_of(const struct client_transfer *transfer)
{
	long status = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static void end_transfer(struct client_transfer *transfer, CURLcode code)
{
	struct client_request *request = transfer->request;
	long sent_bytes = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
	const char *problem = transfer->too_large ? "the answer is too large"
		: transfer->problem[0] != '\0'        ? transfer->problem
											  : curl_easy_strerror(code);
	const struct client_answer answer = {
		.status = status_of(transfer),
		.body = buf_str(&transfer->body),
		.problem = code == CURLE_OK ? NULL : problem,
		.sent = sent_bytes > 0,
		.transfer = transfer,
	};
	request->transfer = NULL;
	request->done(request, &answer);
	transfer_free(transfer);
}

static void end_all(struct client *client)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct client_transfer *transfer = NULL;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		end_transfer(transfer, code);
	}
}

static struct str field_of(const struct client_transfer *transfer, const char *name)
{
	struct curl_header *field;
	bool there = curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &field) == CURLHE_OK;
	return there ? str_from(field->value) : STR("");
}

struct str client_request_field(const struct client_request *request, const char *name)
{
	return field_of(request->transfer, name);
}

struct str client_answer_field(const struct client_answer *answer, const char *name)
{
	return field_of(answer->transfer, name);
}

/* ---- waiting ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
	const struct watch *watch = poll->data;
	struct client *client = watch->client;
	int running;
	int what = status < 0 ? CURL_CSELECT_ERR : 0;
	what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
	what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(client->multi, watch->socket, what, &running);
	end_all(client);
}

static void on_watch_closed(uv_handle_t *poll)
{
	free(poll->data);
}

static struct watch *watch_create(struct client *client, curl_socket_t socket)
{
	struct watch *watch = alloc_zeroed(1, sizeof(*watch));
	watch->client = client;
	watch->socket = socket;
	watch->poll.data = watch;
	if (uv_poll_init_socket(loop_uv(client->loop), &watch->poll, socket) != 0) {
		abort(); /* out of memory for descriptors, as elsewhere */
	}
	return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *known)
{
	struct client *client = context;
	struct watch *watch = known;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL) {
			curl_multi_assign(client->multi, socket, NULL);
			uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		}
		return 0;
	}
	if (watch == NULL) {
		watch = watch_create(client, socket);
		curl_multi_assign(client->multi, socket, watch);
	}
	int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
	events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
	uv_poll_start(&watch->poll, events, on_poll);
	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct client *client = timer->data;
	int running;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	end_all(client);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
	struct client *client = context;
	(void)multi;
	if (timeout_ms < 0) {
		uv_timer_stop(&client->timer);
	} else {
		uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
	}
	return 0;
}

/* ---- requests ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct client_transfer *transfer = context;
	struct client_request *request = transfer->request;
	struct str part = {bytes, size * count};
	if (part.len > request->answer_bytes - transfer->bytes) {
		transfer->too_large = true;
		return 0;
	}
	if (request->part == NULL) {
		buf_append(&transfer->body, part);
	} else if (!request->part(request, status_of(transfer), part)) {
		return CURL_WRITEFUNC_PAUSE; /* the same bytes come again */
	}
	transfer->bytes += part.len;
	return part.len;
}

static struct curl_slist *make_fields(struct str fields)
{
	/* libcurl's own: it would wait for a 100 before a large body, and name a type. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	list = curl_slist_append(list, "Content-Type:");
	while (fields.len > 0) {
		struct buf line;
		buf_init(&line, SIZE_MAX);
		buf_append(&line, str_split(&fields, '\r'));
		buf_append_byte(&line, '\0');
		fields = str_slice(fields, 1, fields.len);
		list = curl_slist_append(list, line.ptr);
		buf_finish(&line);
	}
	if (list == NULL) {
		abort(); /* out of memory, as elsewhere */
	}
	return list;
}

static void set_options(struct client_transfer *transfer)
{
	const struct client_request *request = transfer->request;
	CURL *easy = transfer->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->problem);
	curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A name that nobody answers for is not waited for when the time is over. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (request->body.len > 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
	}
	if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

void client_start(struct client *client, struct client_request *request)
{
	struct client_transfer *transfer = alloc_zeroed(1, sizeof(*transfer));
	transfer->client = client;
	transfer->request = request;
	transfer->easy = curl_easy_init();
	transfer->url = alloc_zeroed(1, request->url.len + 1);
	memcpy(transfer->url, request->url.ptr, request->url.len);
	transfer->fields = make_fields(request->fields);
	buf_init(&transfer->body, request->answer_bytes);
	request->transfer = transfer;
	if (transfer->easy == NULL) {
		abort(); /* out of memory, as elsewhere */
	}
	set_options(transfer);
	/* It begins by the timer. */
	curl_multi_add_handle(client->multi, transfer->easy);
}

void client_cancel(struct client_request *request)
{
	transfer_free(request->transfer);
	request->transfer = NULL;
}

void client_resume(struct client_request *request)
{
	curl_easy_pause(request->transfer->easy, CURLPAUSE_CONT);
}

/* ---- life ---- */

struct client *client_create(struct loop *loop)
{
	/* Counted, and safe on any thread since 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		abort();
	}
	struct client *client = alloc_zeroed(1, sizeof(*client));
	client->loop = loop;
	uv_timer_init(loop_uv(loop), &client->timer);
	client->timer.data = client;
	client->multi = curl_multi_init();
	if (client->multi == NULL) {
		abort(); /* out of memory, as elsewhere */
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
	return client;
}

static void on_timer_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void client_close(struct client *client)
{
	if (client != NULL) {
		curl_multi_cleanup(client->multi);
		curl_global_cleanup();
		uv_close((uv_handle_t *)&client->timer, on_timer_closed);
	}
}
