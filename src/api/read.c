#include "api/read.h"

#include <stddef.h>

#include "api/api_priv.h"
#include "api/conditional.h"

static void on_version(struct store_version_request *request, bool known, uint64_t version)
{
	struct call *call = (struct call *)(void *)((char *)request - offsetof(struct call, version));
	if (!conditional_answer(call, known, version)) {
		call_run(call, call->compose);
	}
}

void read_run(struct call *call, compose_reply *compose)
{
	call->store.want_version = true;
	if (!conditional_asks(call)) {
		call_run(call, compose);
		return;
	}
	call->compose = compose;
	call->version.query = &call->query;
	call->version.done = on_version;
	store_version_ask(call->binding->loop->session, &call->version);
}
