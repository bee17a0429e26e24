#include "codec/number.h"
#include "codec/url.h"
#include "store/maria_priv.h"

enum { DEFAULT_PORT = 3306, LAST_PORT = 65535 };

/* Says what is wrong, and never what was written: there is a password in it. */
static bool fail(struct error *error, const char *what)
{
	error_set(error, ERROR_CONFIG, "the URL of the database is wrong: %s", what);
	return error_hint(error,
					  "it is mysql://USER:PASSWORD@HOST:PORT/DATABASE; characters with a meaning "
					  "in it are percent-encoded, such as %%40 for @");
}

/* A part, decoded, with a zero behind it. */
static bool take(struct str text, struct arena *arena, const char **ret_text)
{
	struct str decoded;
	if (!url_decode_segment(text, arena, &decoded)) {
		return false;
	}
	*ret_text = arena_copy(arena, decoded).ptr;
	return true;
}

/* The offset of the last `byte`; SIZE_MAX when there is none. */
static size_t find_last(struct str text, char byte)
{
	size_t at = text.len;
	while (at > 0 && text.ptr[at - 1] != byte) {
		at--;
	}
	return at == 0 ? SIZE_MAX : at - 1;
}

static bool parse_user(struct str text, struct arena *arena, struct maria_url *url,
					   struct error *error)
{
	struct str user = str_split(&text, ':');
	if (user.len == 0) {
		return fail(error, "it names no user");
	}
	if (!take(user, arena, &url->user) || !take(text, arena, &url->password)) {
		return fail(error, "the user or password is not well encoded");
	}
	return true;
}

static bool parse_port(struct str text, struct maria_url *url, struct error *error)
{
	int64_t port;
	if (number_parse_integer(text, &port) != NUMBER_OK || port < 1 || port > LAST_PORT) {
		return fail(error, "the port is not a number from 1 to 65535");
	}
	url->port = (unsigned)port;
	return true;
}

/* `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` */
static bool parse_host(struct str text, struct arena *arena, struct maria_url *url,
					   struct error *error)
{
	struct str host = text;
	struct str rest = {"", 0};
	if (str_starts_with(text, STR("["))) {
		size_t end = str_find(text, ']', 0);
		host = str_slice(text, 1, end);
		rest = str_slice(text, end + 1, text.len);
		if (end == text.len || (rest.len > 0 && rest.ptr[0] != ':')) {
			return fail(error, "the host is no address in brackets");
		}
	} else {
		size_t colon = str_find(text, ':', 0);
		host = str_slice(text, 0, colon);
		rest = str_slice(text, colon, text.len);
	}
	if (host.len == 0 || !take(host, arena, &url->host)) {
		return fail(error, "it names no host");
	}
	url->port = DEFAULT_PORT;
	return rest.len == 0 || parse_port(str_slice(rest, 1, rest.len), url, error);
}

static bool parse_option(struct str name, struct str value, struct arena *arena,
						 struct maria_url *url, struct error *error)
{
	if (str_equal(name, STR("ca")) && value.len > 0) {
		return take(value, arena, &url->ca) || fail(error, "`ca` is not well encoded");
	}
	if (!str_equal(name, STR("tls"))) {
		return fail(error, "its options are tls and ca");
	}
	if (str_equal(value, STR("off"))) {
		url->tls = MARIA_TLS_OFF;
	} else if (str_equal(value, STR("on"))) {
		url->tls = MARIA_TLS_ON;
	} else if (str_equal(value, STR("verify"))) {
		url->tls = MARIA_TLS_VERIFY;
	} else {
		return fail(error, "`tls` is off, on or verify");
	}
	return true;
}

static bool parse_options(struct str text, struct arena *arena, struct maria_url *url,
						  struct error *error)
{
	struct str name;
	struct str value;
	bool has_value;
	while (url_next_pair(&text, &name, &value, &has_value)) {
		if (!parse_option(name, value, arena, url, error)) {
			return false;
		}
	}
	return url->ca == NULL || url->tls == MARIA_TLS_VERIFY || fail(error, "`ca` is for tls=verify");
}

bool maria_url_parse(struct str location, struct arena *arena, struct maria_url *ret_url,
					 struct error *error)
{
	struct maria_url url = {.ca = NULL};
	if (!str_starts_with(location, STR("//"))) {
		return fail(error, "no // behind the scheme");
	}
	struct str options = str_slice(location, 2, location.len);
	struct str path = str_split(&options, '?');
	struct str authority = str_split(&path, '/');
	size_t at = find_last(authority, '@');
	if (at == SIZE_MAX) {
		return fail(error, "it names no user");
	}
	if (!parse_user(str_slice(authority, 0, at), arena, &url, error) ||
		!parse_host(str_slice(authority, at + 1, authority.len), arena, &url, error)) {
		return false;
	}
	if (path.len == 0 || str_find(path, '/', 0) < path.len || !take(path, arena, &url.database)) {
		return fail(error, "behind the host stands /DATABASE");
	}
	if (!parse_options(options, arena, &url, error)) {
		return false;
	}
	*ret_url = url;
	return true;
}
