#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "auth/sign.h"
#include "base/clock.h"
#include "codec/json.h"
#include "codec/number.h"
#include "query/claims.h"

static const char help[] =
	"usage: rowlock token --key FILE --sub NAME [options]\n"
	"\n"
	"Prints a token, signed with the private key that `rowlock keys` has made.\n"
	"\n"
	"  --key FILE           the private key\n"
	"  --sub NAME           who the token is for\n"
	"  --role ROLE          the claim `role`\n"
	"  --ttl SECONDS        how long it holds; 3600 when not given\n"
	"  --claim NAME=JSON    a claim more, such as --claim 'aud=\"shop\"'; may be given again\n"
	"  --algorithm NAME     PS256 instead of RS256, for an RSA key\n";

enum { TTL_S = 3600, TTL_S_MAX = 315360000, CLAIMS_BYTES = 65536 };

struct order {
	const char *key;
	const char *sub;
	const char *role;
	const char *ttl;
	const char *algorithm;
	struct buf claims; /* `,"name":JSON` of each --claim */
};

static bool is_json(struct str text)
{
	struct arena arena;
	struct json_reader reader;
	enum json_event event;
	arena_init(&arena, 1024);
	json_reader_init(&reader, text, CLAIMS_DEPTH, &arena);
	do {
		event = json_next(&reader);
	} while (event != JSON_ERROR && event != JSON_END);
	arena_finish(&arena);
	return event == JSON_END;
}

/* --claim NAME=JSON */
static bool read_claim(void *context, const char *value)
{
	struct order *order = context;
	struct str json = str_from(value);
	struct str name = str_split(&json, '=');
	if (name.len == 0 || !is_json(json)) {
		fprintf(
			stderr,
			"rowlock token: --claim takes NAME=JSON; a text stands in quotes: 'NAME=\"text\"'\n");
		return false;
	}
	buf_append_byte(&order->claims, ',');
	json_write_string(&order->claims, name);
	buf_append_byte(&order->claims, ':');
	buf_append(&order->claims, json);
	return true;
}

static bool read_ttl(const struct order *order, int64_t *ret_seconds)
{
	*ret_seconds = TTL_S;
	if (order->ttl == NULL) {
		return true;
	}
	bool good = number_parse_integer(str_from(order->ttl), ret_seconds) == NUMBER_OK &&
		*ret_seconds >= -TTL_S_MAX && *ret_seconds <= TTL_S_MAX;
	if (!good) {
		fprintf(stderr, "rowlock token: --ttl takes a number of seconds, at most %d, not %s\n",
				TTL_S_MAX, order->ttl);
	}
	return good;
}

static void write_claims(const struct order *order, int64_t seconds, struct buf *json)
{
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	buf_append(json, STR("{\"sub\":"));
	json_write_string(json, str_from(order->sub));
	if (order->role != NULL) {
		buf_append(json, STR(",\"role\":"));
		json_write_string(json, str_from(order->role));
	}
	buf_printf(json, ",\"iat\":%lld,\"exp\":%lld", (long long)now_s, (long long)(now_s + seconds));
	buf_append(json, buf_str(&order->claims));
	buf_append_byte(json, '}');
}

/* No claim stands there twice, and the whole is not too long. */
static bool check_claims(const struct buf *json, struct error *error)
{
	struct arena arena;
	struct claims claims;
	arena_init(&arena, 4096);
	bool good = json->failed ? error_set(error, ERROR_CONFIG, "the claims are too long")
							 : claims_read(buf_str(json), &arena, &claims, error);
	arena_finish(&arena);
	return good;
}

static bool read_key(const char *path, struct buf *pem, struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *bytes = buf_reserve(pem, SIGN_PEM_BYTES);
	ssize_t count = fd < 0 ? -1 : read(fd, bytes, SIGN_PEM_BYTES);
	if (count < 0) {
		error_set(error, ERROR_CONFIG, "the key %s cannot be read: %s", path, strerror(errno));
		error_hint(error, "`rowlock keys --out FOLDER` makes a pair of keys");
	} else {
		buf_added(pem, (size_t)count);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	return count >= 0;
}

static bool print_token(const struct order *order, enum auth_algorithm algorithm, int64_t seconds,
						struct error *error)
{
	struct buf json;
	struct buf pem;
	struct buf token;
	buf_init(&json, CLAIMS_BYTES);
	buf_init(&pem, SIGN_PEM_BYTES);
	buf_init(&token, (size_t)2 * CLAIMS_BYTES);
	write_claims(order, seconds, &json);
	bool good = check_claims(&json, error) && read_key(order->key, &pem, error) &&
		sign_token(buf_str(&pem), algorithm, buf_str(&json), &token, error);
	if (good) {
		printf("%.*s\n", STR_ARG(buf_str(&token)));
		good = fflush(stdout) == 0 ||
			error_set(error, ERROR_CONFIG, "the token cannot be written: %s", strerror(errno));
	}
	buf_finish(&json);
	buf_finish(&pem);
	buf_finish(&token);
	return good;
}

static enum exit_code order_token(struct order *order, int argc, char **argv)
{
	const struct option options[] = {
		{.name = "key", .value = &order->key},
		{.name = "sub", .value = &order->sub},
		{.name = "role", .value = &order->role},
		{.name = "ttl", .value = &order->ttl},
		{.name = "algorithm", .value = &order->algorithm},
		{.name = "claim", .each = read_claim, .context = order},
		{0},
	};
	enum auth_algorithm algorithm = AUTH_NO_ALGORITHM;
	struct error error = {0};
	int64_t seconds;
	int operands = options_read(argc, argv, options);
	if (operands != 0 || order->key == NULL || order->sub == NULL) {
		fputs(operands < 0 ? "" : "rowlock token: give --key FILE and --sub NAME\n", stderr);
		return EXIT_USAGE;
	}
	if (!read_ttl(order, &seconds)) {
		return EXIT_USAGE;
	}
	if (order->algorithm != NULL) {
		algorithm = auth_algorithm_parse(str_from(order->algorithm));
		if (algorithm == AUTH_NO_ALGORITHM || algorithm == AUTH_HS256) {
			fprintf(stderr, "rowlock token: no key file is for the algorithm %s\n",
					order->algorithm);
			return EXIT_USAGE;
		}
	}
	return print_token(order, algorithm, seconds, &error) || command_fail("token", &error)
		? EXIT_DONE
		: EXIT_FAILED;
}

static enum exit_code run(int argc, char **argv)
{
	struct order order = {0};
	buf_init(&order.claims, CLAIMS_BYTES);
	enum exit_code code = order_token(&order, argc, argv);
	buf_finish(&order.claims);
	return code;
}

const struct command command_token = {
	.name = "token",
	.summary = "print a token for tests, signed with a private key",
	.help = help,
	.run = run,
};
