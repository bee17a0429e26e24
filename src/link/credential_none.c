/* Built without libcrypto: services of one machine still know each other. */
#include "link/credential.h"

bool credential_check_key(struct str key, struct error *error)
{
	return key.len == 0 || error_set(error, ERROR_CONFIG, "LINK_KEY needs a build with libcrypto");
}

void credential_write(struct str key, const struct credential_request *request, int64_t now_s,
					  struct buf *field)
{
	(void)key;
	(void)request;
	(void)now_s;
	(void)field;
}

bool credential_accept(struct str key, const struct credential_request *request, struct str field,
					   int64_t now_s, bool loopback, struct error *error)
{
	(void)request;
	(void)field;
	(void)now_s;
	return (key.len == 0 && loopback) ||
		error_set(error, ERROR_FORBIDDEN, "Only services of this machine are believed");
}
