/*
 * One address for several services: requests below a service's path are its own, as if they had
 * come to its own address. What belongs to no service is the gateway's: a start page at / that
 * lists them, /docs over all their documents, /live and /ready. Paths below /.rowlock/ are not
 * passed on.
 *
 * Ownership: gateway_create() to gateway_destroy(), one a loop; mounts and the services' loops are
 * borrowed and outlive it. Threads: its loop's.
 * Errors: answered in PostgREST's shape; a path with `//`, `.` or `..` as a part, %2F, %5C or %00
 * is 400: others along the way may read it differently. Limits: those of the options.
 */
#ifndef ROWLOCK_API_GATEWAY_H
#define ROWLOCK_API_GATEWAY_H

#include "api/api.h"
#include "api/mount.h"

struct gateway;

struct gateway_service {
	struct mount mount;
	struct str name;
	struct api_loop *loop;
};

struct gateway_options {
	const struct gateway_service *services;
	size_t count;
	const struct log *log;
	const struct limits *limits;
	bool (*ready)(void *context);
	void *context;
};

struct gateway *gateway_create(const struct gateway_options *options);
/* Accepts NULL. */
void gateway_destroy(struct gateway *gateway);
/* The callbacks for an http server of this loop. */
void gateway_http_options(struct gateway *gateway, struct http_server_options *ret_options);

#endif
