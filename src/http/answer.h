/*
 * Whole answers.
 *
 * Ownership: the texts of an answer are borrowed during the call.
 * Threads: the server's loop. Errors: none.
 * Limits: bodies of 64 KiB and more are held against the memory budget.
 */
#ifndef ROWLOCK_HTTP_ANSWER_H
#define ROWLOCK_HTTP_ANSWER_H

#include "http/http_priv.h"

/* Writes what an error is answered with; the texts lie in the exchange's buffer. */
void http_answer_error(struct http_exchange *exchange, enum error_code code, const char *why,
					   struct http_answer *ret_answer);
/* The head of an answer into the connection's buffer; settles exchange->close. */
void http_answer_head(struct http_exchange *exchange, const struct http_answer *answer,
					  const struct http_response *plan);

#endif
