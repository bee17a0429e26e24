/* A program that was built without OpenSSL. */
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/fetch.h"
#include "model/auth_config.h"

struct auth *auth_create(const struct auth_config *config, struct model_report *report)
{
	model_report_add(report, config->place, "build it with -Dauth=enabled",
					 "`auth`: this program was built without it");
	return NULL;
}

void auth_destroy(struct auth *auth)
{
	(void)auth;
}

void auth_session_destroy(struct auth_session *session)
{
	(void)session;
}

void auth_release(struct auth_caller *caller)
{
	(void)caller;
}

bool auth_is_ready(struct auth *auth)
{
	(void)auth;
	return true;
}

bool auth_fetches(const struct auth *auth)
{
	(void)auth;
	return false;
}

/* The rest is never called without what auth_create() made. */

struct auth_session *auth_session_create(struct auth *auth, const struct clock *clock)
{
	(void)auth;
	(void)clock;
	abort();
}

bool auth_identify(struct auth_session *session, const struct auth_proof *proof,
				   struct auth_caller *ret_caller, struct error *error)
{
	(void)session;
	(void)proof;
	(void)ret_caller;
	(void)error;
	abort();
}

struct auth_counters *auth_counters(struct auth *auth)
{
	(void)auth;
	abort();
}

void auth_inherit(struct auth *auth, struct auth *from)
{
	(void)auth;
	(void)from;
	abort();
}

struct auth_fetch *auth_fetch_start(struct auth *auth, struct loop *loop,
									const struct auth_fetch_options *options)
{
	(void)auth;
	(void)loop;
	(void)options;
	return NULL;
}

void auth_fetch_stop(struct auth_fetch *fetch)
{
	(void)fetch;
}
