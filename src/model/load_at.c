#include "codec/number.h"
#include "model/load_priv.h"

/* What the other service says of its rows: it holds there, not here. */
static void refuse(struct load *load, const struct node *node, const char *word)
{
	if (node != NULL) {
		model_report_add(load->report, node->key.place, "write it in the service file there",
						 "`%s` cannot stand beside `at`", word);
	}
}

/* `[v6]`, a name or a v4 address. */
static bool is_host(struct str host)
{
	bool v6 = str_starts_with(host, STR("[")) && str_ends_with(host, STR("]"));

	if (v6) {
		host = str_slice(host, 1, host.len - 1);
	}
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		char small = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		bool good = v6 ? (small >= 'a' && small <= 'f') || c == ':'
					   : (small >= 'a' && small <= 'z') || c == '-' || c == '_';

		if (!good && !(c >= '0' && c <= '9') && c != '.') {
			return false;
		}
	}
	return host.len > 0;
}

/* NULL when it is good, else the hint. Nothing of the URL is shown: it may hold a password. */
static const char *check_url(struct str url)
{
	struct str rest = url;
	struct str scheme = str_split(&rest, ':');
	int64_t port;
	size_t colon;

	if (!(str_equal(scheme, STR("http")) || str_equal(scheme, STR("https"))) ||
		!str_starts_with(rest, STR("//"))) {
		return "write http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:5010";
	}
	rest = str_slice(rest, 2, rest.len);
	if (str_find(rest, '@', 0) < rest.len) {
		return "services know each other by LINK_KEY, not by names and passwords";
	}
	if (str_find(rest, '/', 0) < rest.len || str_find(rest, '?', 0) < rest.len) {
		return "it ends with the host or port: the resource has the same name there";
	}
	colon = str_find(rest, ':', str_starts_with(rest, STR("[")) ? str_find(rest, ']', 0) : 0);
	if (!is_host(str_slice(rest, 0, colon))) {
		return "write http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:5010";
	}
	if (colon < rest.len &&
		(number_parse_integer(str_slice(rest, colon + 1, rest.len), &port) != NUMBER_OK ||
		 port < 1 || port > 65535)) {
		return "a port is a number from 1 to 65535";
	}
	return NULL;
}

void load_at(struct load *load, struct draft *draft)
{
	struct text url;
	const char *hint;

	refuse(load, draft->unique, "unique");
	refuse(load, draft->check, "check");
	refuse(load, draft->index, "index");
	refuse(load, draft->load, "load");
	refuse(load, draft->search, "search");
	refuse(load, draft->read_only, "read_only");
	refuse(load, draft->rules, "rules");
	/* It is remote whatever is wrong with the URL: its references are links. */
	draft->resource->at = (struct text){STR("?"), draft->at->place};
	draft->resource->read_only = true;
	if (draft->pass_token != NULL) {
		(void)load_boolean(load, draft->pass_token, "`pass_token`", &draft->resource->pass_token);
	}
	if (!load_text(load, draft->at, "`at`", &url)) {
		return;
	}
	hint = check_url(url.str);
	if (hint != NULL) {
		model_report_add(load->report, url.place, hint, "`at` is no base URL of a service");
		return;
	}
	draft->resource->at = url;
}
