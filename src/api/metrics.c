#include "api/metrics.h"

#include "api/api_priv.h"
#include "auth/auth.h"
#include "cache/redis.h"
#include "codec/json.h"
#include "link/peer.h"

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no locked instruction is needed. */
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t bucket_limit_us(size_t bucket)
{
	return (uint64_t)50 << bucket;
}

void metrics_count(struct operation_stats *stats, int status, uint64_t micros)
{
	int known = status >= 100 && status < 100 + METRICS_STATUSES ? status : 499;
	size_t bucket = 0;
	while (bucket + 1 < METRICS_BUCKETS && micros > bucket_limit_us(bucket)) {
		bucket++;
	}
	add(&stats->statuses[known - 100], 1);
	add(&stats->buckets[bucket], 1);
	add(&stats->sum_us, micros);
}

/* Sums of one operation over all loops. */
struct sums {
	uint64_t statuses[METRICS_STATUSES];
	uint64_t buckets[METRICS_BUCKETS];
	uint64_t sum_us;
};

static void sum(struct sums *sums, const struct operation_stats *stats)
{
	for (size_t i = 0; i < METRICS_STATUSES; i++) {
		sums->statuses[i] += get(&stats->statuses[i]);
	}
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		sums->buckets[i] += get(&stats->buckets[i]);
	}
	sums->sum_us += get(&stats->sum_us);
}

static void write_requests(const struct sums *sums, struct str labels, struct buf *text)
{
	for (size_t i = 0; i < METRICS_STATUSES; i++) {
		if (sums->statuses[i] > 0) {
			buf_printf(text, "rowlock_requests_total{%.*s,status=\"%zu\"} %llu\n", STR_ARG(labels),
					   i + 100, (unsigned long long)sums->statuses[i]);
		}
	}
}

static void write_latency(const struct sums *sums, struct str labels, struct buf *text)
{
	unsigned long long below = 0;
	for (size_t i = 0; i + 1 < METRICS_BUCKETS; i++) {
		below += sums->buckets[i];
		buf_printf(text, "rowlock_request_seconds_bucket{%.*s,le=\"%g\"} %llu\n", STR_ARG(labels),
				   (double)bucket_limit_us(i) / 1e6, below);
	}
	below += sums->buckets[METRICS_BUCKETS - 1];
	buf_printf(text, "rowlock_request_seconds_bucket{%.*s,le=\"+Inf\"} %llu\n", STR_ARG(labels),
			   below);
	buf_printf(text, "rowlock_request_seconds_sum{%.*s} %.6f\n", STR_ARG(labels),
			   (double)sums->sum_us / 1e6);
	buf_printf(text, "rowlock_request_seconds_count{%.*s} %llu\n", STR_ARG(labels), below);
}

static void head(struct buf *text, const char *name, const char *type, const char *help)
{
	buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One operation's label set: service, method, route. Quotes and backslashes of a path are escaped
 * as the exposition format asks. */
static void write_labels(const struct api *api, const struct operation *operation,
						 struct buf *labels)
{
	buf_clear(labels);
	buf_append(labels, STR("service="));
	json_write_string(labels, api->service->model->service);
	buf_append(labels, STR(",method=\""));
	buf_append(labels, operation == NULL ? STR("") : http_method_name(operation->method));
	buf_append(labels, STR("\",route="));
	json_write_string(labels, operation == NULL ? STR("") : operation->pattern);
}

static void sum_operation(const struct api *api, size_t number, struct sums *sums)
{
	*sums = (struct sums){0};
	for (const struct api_loop *loop = api->loops; loop != NULL; loop = loop->next) {
		if (number == api->service->operation_count) {
			sum(sums, &loop->other);
		} else if (loop->binding->service == api->service) {
			sum(sums, &loop->binding->stats[number]);
		}
	}
}

static void write_operations(const struct api *api, struct buf *text,
							 void (*write)(const struct sums *, struct str, struct buf *))
{
	const struct service *service = api->service;
	struct buf labels;
	buf_init(&labels, KIB(64));
	for (size_t i = 0; i <= service->operation_count; i++) {
		struct sums sums;
		sum_operation(api, i, &sums);
		uint64_t any = 0;
		for (size_t k = 0; k < METRICS_BUCKETS; k++) {
			any += sums.buckets[k];
		}
		if (any > 0) {
			write_labels(api, i < service->operation_count ? service->operations[i] : NULL,
						 &labels);
			write(&sums, buf_str(&labels), text);
		}
	}
	buf_finish(&labels);
}

static void write_number(struct buf *text, const char *name, const char *type, const char *help,
						 uint64_t number)
{
	head(text, name, type, help);
	buf_printf(text, "%s %llu\n", name, (unsigned long long)number);
}

static void write_http(const struct api *api, struct buf *text)
{
	struct http_stats all = {0};
	for (const struct api_loop *loop = api->loops; loop != NULL; loop = loop->next) {
		if (loop->server == NULL) {
			continue;
		}
		struct http_stats stats = http_server_stats(loop->server);
		all.connections += stats.connections;
		all.accepted += stats.accepted;
		all.refused += stats.refused;
		all.bad_requests += stats.bad_requests;
		all.bytes_in += stats.bytes_in;
		all.bytes_out += stats.bytes_out;
		all.handshakes += stats.handshakes;
		all.handshake_failures += stats.handshake_failures;
	}
	write_number(text, "rowlock_connections", "gauge", "Open connections.", all.connections);
	write_number(text, "rowlock_connections_accepted_total", "counter", "Connections accepted.",
				 all.accepted);
	write_number(text, "rowlock_connections_refused_total", "counter",
				 "Connections over the limit.", all.refused);
	write_number(text, "rowlock_bad_requests_total", "counter", "Requests that were no HTTP.",
				 all.bad_requests);
	write_number(text, "rowlock_received_bytes_total", "counter", "Bytes received.", all.bytes_in);
	write_number(text, "rowlock_sent_bytes_total", "counter", "Bytes sent.", all.bytes_out);
	write_number(text, "rowlock_tls_handshakes_total", "counter", "TLS handshakes that were done.",
				 all.handshakes);
	write_number(text, "rowlock_tls_handshake_failures_total", "counter",
				 "TLS handshakes that failed.", all.handshake_failures);
}

static void write_groups(const struct store_stats *stats, struct buf *text)
{
	enum { SIZES = sizeof(stats->group_sizes) / sizeof(stats->group_sizes[0]) };
	unsigned long long below = 0;
	head(text, "rowlock_commit_writes", "histogram", "Writes committed together.");
	for (size_t i = 0; i < SIZES; i++) {
		below += stats->group_sizes[i];
		if (i + 1 < SIZES) {
			buf_printf(text, "rowlock_commit_writes_bucket{le=\"%u\"} %llu\n", (2u << i) - 1,
					   below);
		}
	}
	buf_printf(text, "rowlock_commit_writes_bucket{le=\"+Inf\"} %llu\n", below);
	buf_printf(text, "rowlock_commit_writes_sum %llu\n", (unsigned long long)stats->writes);
	buf_printf(text, "rowlock_commit_writes_count %llu\n", below);
}

static void write_store(const struct api *api, struct buf *text)
{
	struct store_stats stats = {0};
	store_get_stats(api->options.store, &stats);
	write_number(text, "rowlock_reads_inline_total", "counter", "Reads answered on a loop.",
				 stats.reads_inline);
	write_number(text, "rowlock_reads_worker_total", "counter", "Reads moved to a worker.",
				 stats.reads_worker);
	write_number(text, "rowlock_reads_refused_total", "counter",
				 "Reads refused: the workers' queue was full.", stats.reads_refused);
	write_number(text, "rowlock_read_queue", "gauge", "Reads that wait for a worker.",
				 stats.read_queue);
	write_number(text, "rowlock_writes_total", "counter", "Writes committed.", stats.writes);
	write_number(text, "rowlock_writes_failed_total", "counter", "Writes rolled back.",
				 stats.writes_failed);
	write_number(text, "rowlock_write_queue", "gauge", "Writes that wait.", stats.write_queue);
	write_number(text, "rowlock_checkpoints_total", "counter", "Checkpoints.", stats.checkpoints);
	write_number(text, "rowlock_wal_bytes", "gauge", "Size of the write-ahead log.",
				 stats.wal_bytes);
	write_groups(&stats, text);
	write_number(text, "rowlock_database_connections", "gauge", "Connections to a database server.",
				 stats.connections);
	write_number(text, "rowlock_database_queue", "gauge",
				 "Requests that wait for a connection to a database server.",
				 stats.connection_queue);
	write_number(text, "rowlock_database_retries_total", "counter",
				 "Writes sent again, after a deadlock or a connection that was lost.",
				 stats.retries);
}

static void write_cache(const struct api *api, struct buf *text)
{
	struct cache_stats stats;
	if (api->options.cache == NULL) {
		return;
	}
	cache_get_stats(api->options.cache, &stats);
	write_number(text, "rowlock_cache_hits_total", "counter", "Reads answered from the cache.",
				 stats.hits);
	write_number(text, "rowlock_cache_misses_total", "counter",
				 "Reads whose answer was not in the cache.", stats.misses);
	write_number(text, "rowlock_cache_fills_total", "counter", "Answers put into the cache.",
				 stats.fills);
	write_number(text, "rowlock_cache_evictions_total", "counter",
				 "Answers that went to make room.", stats.evictions);
	write_number(text, "rowlock_cache_bytes", "gauge", "Size of the answers in the cache.",
				 stats.bytes);
	write_number(text, "rowlock_cache_entries", "gauge", "Answers in the cache.", stats.entries);
}

static void write_redis(const struct api *api, struct buf *text)
{
	struct redis_stats stats;
	if (api->options.redis == NULL) {
		return;
	}
	redis_get_stats(api->options.redis, &stats);
	write_number(text, "rowlock_redis_hits_total", "counter", "Answers found in Redis.",
				 stats.hits);
	write_number(text, "rowlock_redis_misses_total", "counter", "Answers not found in Redis.",
				 stats.misses);
	write_number(text, "rowlock_redis_errors_total", "counter",
				 "Questions to Redis that took too long or failed.", stats.errors);
	write_number(text, "rowlock_redis_strangers_total", "counter",
				 "Values in Redis that are not ours.", stats.strangers);
	write_number(text, "rowlock_redis_breakers_open", "gauge",
				 "Loops that do not ask Redis for a while.", stats.breakers);
}

static void write_peers(const struct api *api, struct buf *text)
{
	struct peer_stats all = {0};
	bool any = false;
	for (const struct api_loop *loop = api->loops; loop != NULL; loop = loop->next) {
		if (loop->peers != NULL) {
			peers_get_stats(loop->peers, &all);
			any = true;
		}
	}
	if (!any) {
		return;
	}
	write_number(text, "rowlock_peer_requests_total", "counter", "Requests to other services.",
				 all.requests);
	write_number(text, "rowlock_peer_failures_total", "counter",
				 "Requests to other services that were refused or not answered.", all.failures);
	write_number(text, "rowlock_peer_skipped_total", "counter",
				 "Requests that were not sent: the other service did not answer before.",
				 all.skipped);
	write_number(text, "rowlock_peer_breakers_open", "gauge",
				 "Services that a loop does not ask for a while.", all.open);
}

static void write_keys(const struct api *api, struct buf *text)
{
	struct auth *auth = api->service->auth;
	if (auth == NULL || !auth_fetches(auth)) {
		return;
	}
	const struct auth_counters *counters = auth_counters(auth);
	write_number(text, "rowlock_key_fetches_total", "counter", "Sets of keys that were asked for.",
				 get(&counters->fetches));
	write_number(text, "rowlock_key_fetch_failures_total", "counter",
				 "Sets of keys that did not come, or could not be used.", get(&counters->failures));
}

void metrics_write(struct api *api, struct buf *text)
{
	pthread_mutex_lock(&api->lock);
	head(text, "rowlock_requests_total", "counter", "Requests by route, method and status.");
	write_operations(api, text, write_requests);
	head(text, "rowlock_request_seconds", "histogram", "Time from request to answer.");
	write_operations(api, text, write_latency);
	write_http(api, text);
	write_store(api, text);
	write_cache(api, text);
	write_redis(api, text);
	write_peers(api, text);
	write_keys(api, text);
	pthread_mutex_unlock(&api->lock);
}
