#include <assert.h>
#include <stddef.h>

#include "net/client.h"

struct client *client_create(struct loop *loop)
{
	(void)loop;
	return NULL;
}

void client_close(struct client *client)
{
	assert(client == NULL);
}

void client_start(struct client *client, struct client_request *request)
{
	(void)client;
	(void)request;
	assert(false);
}

void client_cancel(struct client_request *request)
{
	(void)request;
	assert(false);
}

void client_resume(struct client_request *request)
{
	(void)request;
	assert(false);
}

struct str client_answer_field(const struct client_answer *answer, const char *name)
{
	(void)answer;
	(void)name;
	return STR("");
}

struct str client_request_field(const struct client_request *request, const char *name)
{
	(void)request;
	(void)name;
	return STR("");
}
