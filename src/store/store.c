#include "store/store.h"

#include <assert.h>

#include "store/migrator.h"
#include "store/store_priv.h"

static const struct store_ops *const stores[] = {
#if HAVE_SQLITE
	&store_ops_sqlite,
#endif
#if HAVE_JSONSTORE
	&store_ops_json,
#endif
#if HAVE_MARIADB
	&store_ops_mysql,  &store_ops_mariadb,
#endif
	&store_ops_memory,
};

enum { STORE_COUNT = sizeof(stores) / sizeof(stores[0]) };

static const struct store_ops *find_ops(struct str scheme)
{
	for (size_t i = 0; i < STORE_COUNT; i++) {
		if (str_equal(scheme, str_from(stores[i]->scheme))) {
			return stores[i];
		}
	}
	return NULL;
}

/* NULL with an error when the kind is not known. */
static const struct store_ops *parse_url(struct str url, struct str *ret_location,
										 struct error *error)
{
	struct str location = url;
	struct str scheme = str_split(&location, ':');
	const struct store_ops *ops = scheme.len < url.len ? find_ops(scheme) : NULL;
	if (ops == NULL) {
		/* Without what follows the scheme: it may hold a password. */
		error_set(error, ERROR_CONFIG, "unknown kind of store \"%.*s\"",
				  STR_ARG(scheme.len < url.len ? scheme : str_slice(url, 0, 40)));
		error_hint(error, "a store is %s%s%smemory:%s%s%s", HAVE_SQLITE ? "sqlite:FILE, " : "",
				   HAVE_JSONSTORE ? "json:FOLDER, " : "",
				   HAVE_MARIADB ? "mysql://USER:PASSWORD@HOST/DATABASE, " : "",
				   HAVE_SQLITE ? "" : " (built without SQLite)",
				   HAVE_JSONSTORE || !HAVE_SQLITE ? "" : " (built without JSON files)",
				   HAVE_MARIADB ? "" : " (built without MariaDB)");
		return NULL;
	}
	*ret_location = location;
	return ops;
}

struct store *store_open(struct str url, struct store_options *options, struct error *error)
{
	const struct store_ops *ops = parse_url(url, &options->location, error);
	if (ops == NULL) {
		return NULL;
	}
	struct store *store = ops->open(options, error);
	assert(store == NULL || ((struct store_base *)store)->ops == ops);
	return store;
}

void store_close(struct store *store)
{
	if (store != NULL) {
		((struct store_base *)store)->ops->close(store);
	}
}

bool store_adopt(struct store *store, const struct model *model, struct error *error)
{
	return ((struct store_base *)store)->ops->adopt(store, model, error);
}

struct store_session *store_attach(struct store *store, struct loop *loop, struct error *error)
{
	const struct store_ops *ops = ((struct store_base *)store)->ops;
	struct store_session *session = ops->attach(store, loop, error);
	assert(session == NULL || ((struct store_session_base *)session)->ops == ops);
	return session;
}

static const struct store_ops *session_ops(struct store_session *session)
{
	return ((struct store_session_base *)session)->ops;
}

void store_detach(struct store_session *session)
{
	if (session != NULL) {
		session_ops(session)->detach(session);
	}
}

void store_run(struct store_session *session, struct store_request *request)
{
	const struct query *query = request->query;
	assert(request->done != NULL);
	assert(query->action == QUERY_LIST || query->action == QUERY_GET ||
		   query->resource->tally_of == NULL);
	assert(request->body != NULL || query->column_count == 0);
	request->session = session;
	request->next = NULL;
	request->work = NULL;
	request->result = (struct store_result){.rows = 0};
	request->error.code = ERROR_NONE;
	session_ops(session)->run(session, request);
}

void store_resume(struct store_request *request)
{
	session_ops(request->session)->resume(request->session, request);
}

void store_cancel(struct store_request *request)
{
	session_ops(request->session)->cancel(request->session, request);
}

void store_get_stats(const struct store *store, struct store_stats *ret_stats)
{
	((const struct store_base *)store)->ops->stats(store, ret_stats);
}

void store_version_ask(struct store_session *session, struct store_version_request *request)
{
	const struct store_ops *ops = session_ops(session);
	request->session = session;
	request->next = NULL;
	request->work = NULL;
	if (ops->version_ask == NULL) {
		request->done(request, false, 0);
	} else {
		ops->version_ask(session, request);
	}
}

bool store_secret(const struct store *store, unsigned char ret_secret[STORE_SECRET_BYTES])
{
	const struct store_ops *ops = ((const struct store_base *)store)->ops;
	return ops->secret != NULL && ops->secret(store, ret_secret);
}

bool store_transaction_run(struct store_transaction *transaction, const struct query *query,
						   struct buf *body, struct store_result *ret_result, struct error *error)
{
	const struct store_ops *ops = ((struct store_transaction_base *)transaction)->ops;
	return ops->transaction_run(transaction, query, body, ret_result, error);
}

struct store_migrator *store_migrate(struct str url, bool make, struct error *error)
{
	struct str location;
	const struct store_ops *ops = parse_url(url, &location, error);
	if (ops == NULL) {
		return NULL;
	}
	if (ops->migrate == NULL) {
		error_set(error, ERROR_CONFIG, "a store of the kind %s cannot be migrated", ops->scheme);
		(void)error_hint(error, "change its tables by hand");
		return NULL;
	}
	return ops->migrate(location, make, error);
}

bool store_describe(struct str url, const struct describe_options *options, struct buf *yaml,
					struct error *error)
{
	struct str location;
	const struct store_ops *ops = parse_url(url, &location, error);
	if (ops == NULL) {
		return false;
	}
	if (ops->describe == NULL) {
		error_set(error, ERROR_CONFIG, "a store of the kind %s cannot be described", ops->scheme);
		return error_hint(error, "write a service file for it, or use a database that exists");
	}
	return ops->describe(location, options, yaml, error);
}
