#include <assert.h>

#include "codec/grams.h"
#include "codec/like.h"
#include "store/sqlite_search.h"

/* It keeps nothing: any pointer but NULL will do. */
static int create(void *context, const char **arguments, int count, Fts5Tokenizer **ret_tokenizer)
{
	(void)arguments;
	(void)count;
	*ret_tokenizer = context;
	return SQLITE_OK;
}

static void destroy(Fts5Tokenizer *tokenizer)
{
	(void)tokenizer;
}

typedef int give_token(void *context, int flags, const char *token, int len, int start, int end);

struct giving {
	void *context;
	give_token *give;
};

static int give_gram(void *context, struct str gram)
{
	struct giving *giving = context;
	return giving->give(giving->context, 0, gram.ptr, (int)gram.len, 0, (int)gram.len);
}

/* A question is one piece, folded already. */
static int tokenize(Fts5Tokenizer *tokenizer, void *context, int flags, const char *text, int len,
					give_token *give)
{
	(void)tokenizer;
	const struct str all = {text == NULL ? "" : text, (size_t)len};
	struct giving giving = {context, give};
	if ((flags & FTS5_TOKENIZE_QUERY) != 0) {
		return give_gram(&giving, all);
	}
	struct buf folded;
	buf_init(&folded, SIZE_MAX);
	like_fold_text(all, &folded);
	int rc = grams_each(buf_str(&folded), give_gram, &giving);
	buf_finish(&folded);
	return rc;
}

bool sqlite_search_add_grams(sqlite3 *db)
{
	fts5_tokenizer grams = {create, destroy, tokenize};
	fts5_api *api = NULL;
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) != SQLITE_OK) {
		return true; /* a library without FTS5: a table that needs it cannot be made */
	}
	bool ok = sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return ok && api != NULL &&
		api->xCreateTokenizer(api, "rowlock_grams", api, &grams, NULL) == SQLITE_OK;
}
