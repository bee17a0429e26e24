#include "codec/hex.h"
#include "model/auth_config.h"
#include "model/load_priv.h"

enum { DEFAULT_LEEWAY_S = 30, DEFAULT_REFRESH_S = 300 };

#define KEY_HINT "write algorithm and public_key, jwks or secret"

static const struct {
	struct str name;
	enum auth_algorithm algorithm;
} algorithms[] = {
	{STR_INIT("RS256"), AUTH_RS256}, {STR_INIT("PS256"), AUTH_PS256},
	{STR_INIT("ES256"), AUTH_ES256}, {STR_INIT("EdDSA"), AUTH_EDDSA},
	{STR_INIT("HS256"), AUTH_HS256},
};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

/* What is read; the parts of `auth` itself are also those of a key. */
struct draft_auth {
	struct auth_key_source key; /* first: the words of a key are read with its address */
	struct auth_config *config;
	const struct node *keys;
};

struct str auth_algorithm_name(enum auth_algorithm algorithm)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (algorithms[i].algorithm == algorithm) {
			return algorithms[i].name;
		}
	}
	return STR("");
}

enum auth_algorithm auth_algorithm_parse(struct str name)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (str_equal(algorithms[i].name, name)) {
			return algorithms[i].algorithm;
		}
	}
	return AUTH_NO_ALGORITHM;
}

/* ---- a key ---- */

static void read_algorithm(struct load *load, const struct node *node, void *target)
{
	struct auth_key_source *key = target;
	struct text name;

	if (!load_text(load, node, "`algorithm`", &name)) {
		return;
	}
	key->algorithm = auth_algorithm_parse(name.str);
	if (key->algorithm == AUTH_NO_ALGORITHM) {
		model_report_add(load->report, node->place, "RS256, PS256, ES256, EdDSA or HS256",
						 "`algorithm` is none of those that tokens are checked with");
	}
}

static void read_public_key(struct load *load, const struct node *node, void *target)
{
	struct auth_key_source *key = target;
	struct text path;

	if (str_starts_with(node->text, STR("-----BEGIN"))) {
		model_report_add(load->report, node->place, "write the key to a file of its own",
						 "`public_key` is the path of a PEM file");
	} else if (load_path(load, node, "`public_key`", &path)) {
		key->public_key = path;
	}
}

static bool is_loopback(struct str host)
{
	return str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("[::1]")) ||
		str_starts_with(host, STR("127."));
}

/* NULL when a set may be fetched from there, else the hint. Nothing of it is shown: it may hold a
 * password. */
static const char *check_url(struct str url)
{
	struct str rest = url;
	struct str scheme = str_split(&rest, ':');
	struct str host;

	for (size_t i = 0; i < url.len; i++) {
		if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || url.ptr[i] == '#' || url.ptr[i] == '\\') {
			return "an address has no blanks and no #; other letters are percent-encoded";
		}
	}
	rest = str_slice(rest, 2, rest.len);
	host = str_slice(rest, 0, str_find(rest, '/', 0));
	if (str_find(host, '@', 0) < host.len) {
		return "a set of public keys needs no name and password";
	}
	host = str_slice(host, 0, str_find(host, '?', 0));
	host = str_slice(
		host, 0, str_find(host, ':', str_starts_with(host, STR("[")) ? str_find(host, ']', 0) : 0));
	if (host.len == 0 || url.len > AUTH_URL_BYTES_MAX) {
		return "https://HOST/PATH, at most 2048 bytes";
	}
	if (str_equal(scheme, STR("http")) && !is_loopback(host)) {
		return "https: whoever can change the set on its way can sign tokens; http is for loopback";
	}
	return NULL;
}

static void read_jwks_url(struct load *load, const struct node *node, struct auth_key_source *key)
{
	struct text url;
	const char *hint;

	if (!load_text(load, node, "`jwks`", &url)) {
		return;
	}
	hint = check_url(url.str);
	if (hint != NULL) {
		model_report_add(load->report, node->place, hint,
						 "`jwks` is no address that keys may be fetched from");
		return;
	}
	key->jwks = url;
	key->fetched = true;
}

static void read_jwks(struct load *load, const struct node *node, void *target)
{
	struct auth_key_source *key = target;
	struct text path;

	if (str_starts_with(node->text, STR("http://")) ||
		str_starts_with(node->text, STR("https://"))) {
		read_jwks_url(load, node, key);
	} else if (load_path(load, node, "`jwks`", &path)) {
		key->jwks = path;
	}
}

static void read_secret(struct load *load, const struct node *node, void *target)
{
	struct auth_key_source *key = target;
	struct text text;

	if (!load_text(load, node, "`secret`", &text)) {
		return;
	}
	if (str_starts_with(text.str, STR("-----BEGIN"))) {
		model_report_add(load->report, node->place, "name the file in `public_key`",
						 "`secret` holds a key file: whoever knows the public key could sign");
	} else if (text.str.len < AUTH_SECRET_BYTES_MIN || text.str.len > AUTH_SECRET_BYTES_MAX) {
		model_report_add(load->report, node->place, "`openssl rand -hex 32` makes a good one",
						 "`secret` has %d to %d bytes", AUTH_SECRET_BYTES_MIN,
						 AUTH_SECRET_BYTES_MAX);
	} else {
		key->secret = text;
	}
}

static void read_kid(struct load *load, const struct node *node, void *target)
{
	struct auth_key_source *key = target;
	struct text text;

	if (load_text(load, node, "`kid`", &text)) {
		key->kid = text.str;
	}
}

/* Whether the parts of a key fit each other. What was wrong with a part was said already, so a
 * key that lacks one because of that is passed over. */
static bool check_key(struct load *load, const struct node *node, const struct auth_key_source *key,
					  size_t errors_before)
{
	int sources = (key->public_key.str.len > 0) + (key->jwks.str.len > 0) +
		(key->secret.str.len > 0);
	const char *problem = NULL;
	const char *hint = KEY_HINT;

	if (load->report->errors > errors_before) {
		return false;
	}
	if (sources != 1) {
		problem = sources == 0 ? "the key is not there: no public_key, jwks or secret"
							   : "a key is one of public_key, jwks and secret";
	} else if (key->public_key.str.len > 0 && key->algorithm == AUTH_NO_ALGORITHM) {
		problem = "the key has no algorithm";
		hint = "one of RS256, PS256, ES256 and EdDSA: a token cannot choose it";
	} else if (key->public_key.str.len > 0 && key->algorithm == AUTH_HS256) {
		problem = "HS256 takes a secret: whoever knows a public key could sign with it";
		hint = NULL;
	} else if (key->secret.str.len > 0 && key->algorithm != AUTH_HS256) {
		problem = "a secret is for the algorithm HS256";
		hint = "write algorithm: HS256";
	} else if (key->fetched && key->algorithm == AUTH_HS256) {
		problem = "HS256 takes a secret: whoever can fetch the set could sign with it";
		hint = NULL;
	} else if (key->jwks.str.len > 0 && key->kid.len > 0) {
		problem = "each key of a set has a kid of its own";
		hint = "leave `kid` out";
	}
	if (problem != NULL) {
		model_report_add(load->report, node->place, hint, "%s", problem);
	}
	return problem == NULL;
}

#define KEY_WORDS                                                                                  \
	{"algorithm", read_algorithm}, {"public_key", read_public_key}, {"jwks", read_jwks},           \
		{"secret", read_secret},                                                                   \
	{                                                                                              \
		"kid", read_kid                                                                            \
	}

static void read_keys(struct load *load, const struct node *node, struct auth_config *config)
{
	static const struct word words[] = {KEY_WORDS};
	struct auth_key_source *keys;

	if (node->kind == NODE_BROKEN) {
		return;
	}
	if (node->kind != NODE_LIST || node->count == 0 || node->count > AUTH_KEYS_MAX) {
		model_report_add(load->report, node->place, KEY_HINT, "`keys` is a list of 1 to %d keys",
						 AUTH_KEYS_MAX);
		return;
	}
	keys = ARENA_ARRAY(load->arena, node->count, struct auth_key_source);
	for (const struct node *item = node->first; item != NULL; item = item->next) {
		struct auth_key_source key = {.place = item->place};
		size_t errors = load->report->errors;

		if (LOAD_WORDS(load, item, words, "a key", &key) && check_key(load, item, &key, errors)) {
			keys[config->key_count++] = key;
		}
	}
	config->keys = keys;
}

/* ---- what a token says ---- */

static struct auth_config *config_of(void *target)
{
	return ((struct draft_auth *)target)->config;
}

static void keep_keys(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_auth *)target)->keys = node;
}

static void read_issuer(struct load *load, const struct node *node, void *target)
{
	struct text text;

	if (load_text(load, node, "`issuer`", &text)) {
		config_of(target)->issuer = text.str;
	}
}

/* Texts, or one for a list of one. */
static void read_texts(struct load *load, const struct node *node, const char *what,
					   const struct str **ret_list, size_t *ret_count)
{
	bool is_list = node->kind == NODE_LIST;
	struct str *list = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct str);
	size_t count = 0;

	if (is_list && node->count == 0) {
		model_report_add(load->report, node->place, "leave it out", "%s names nothing", what);
	}
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		struct text text;

		if (load_text(load, item, what, &text)) {
			list[count++] = text.str;
		}
	}
	*ret_list = list;
	*ret_count = count;
}

static void read_audience(struct load *load, const struct node *node, void *target)
{
	struct auth_config *config = config_of(target);

	read_texts(load, node, "`audience`", &config->audiences, &config->audience_count);
}

static void read_required(struct load *load, const struct node *node, void *target)
{
	struct auth_config *config = config_of(target);

	read_texts(load, node, "`required`", &config->required, &config->required_count);
}

/* An integer in [min, max]; `*ret_value` is left alone when it is none. */
static void read_number(struct load *load, const struct node *node, const char *what, int64_t min,
						int64_t max, int64_t *ret_value)
{
	int64_t value;

	if (!load_integer(load, node, what, &value)) {
		return;
	}
	if (value < min || value > max) {
		model_report_add(load->report, node->place, NULL, "%s is a number from %lld to %lld", what,
						 (long long)min, (long long)max);
		return;
	}
	*ret_value = value;
}

static void read_leeway(struct load *load, const struct node *node, void *target)
{
	read_number(load, node, "`leeway`", 0, AUTH_LEEWAY_S_MAX, &config_of(target)->leeway_s);
}

static void read_refresh(struct load *load, const struct node *node, void *target)
{
	read_number(load, node, "`refresh`", 1, AUTH_REFRESH_S_MAX, &config_of(target)->refresh_s);
}

static void read_expiry(struct load *load, const struct node *node, void *target)
{
	struct text word;

	if (!load_text(load, node, "`expiry`", &word)) {
		return;
	}
	config_of(target)->expiry_optional = str_equal(word.str, STR("optional"));
	if (!str_equal(word.str, STR("optional")) && !str_equal(word.str, STR("required"))) {
		model_report_add(load->report, node->place, NULL, "`expiry` is required or optional");
	}
}

static void read_role_claim(struct load *load, const struct node *node, void *target)
{
	struct text text;

	if (load_text(load, node, "`role_claim`", &text)) {
		config_of(target)->role_claim = text.str;
	}
}

static void read_anonymous(struct load *load, const struct node *node, void *target)
{
	struct text text;

	if (load_text(load, node, "`anonymous`", &text)) {
		config_of(target)->anonymous = text.str;
	}
}

static void read_gzip(struct load *load, const struct node *node, void *target)
{
	(void)load_boolean(load, node, "`gzip`", &config_of(target)->gzip);
}

/* ---- API keys ---- */

static void read_sha256(struct load *load, const struct node *node, void *target)
{
	struct auth_api_key *key = target;
	struct text text;
	bool good;

	if (!load_text(load, node, "`sha256`", &text)) {
		return;
	}
	good = text.str.len == 2 * AUTH_HASH_BYTES;
	for (size_t i = 0; good && i < AUTH_HASH_BYTES; i++) {
		int high = hex_value(text.str.ptr[2 * i]);
		int low = hex_value(text.str.ptr[2 * i + 1]);

		good = high >= 0 && low >= 0;
		key->sha256[i] = good ? (unsigned char)(high << 4 | low) : 0;
	}
	if (!good) {
		/* It may be the key itself: it is not shown. */
		model_report_add(load->report, node->place, "printf \"KEY\" | sha256sum",
						 "`sha256` is a SHA-256 sum, %d hexadecimal digits", 2 * AUTH_HASH_BYTES);
	}
}

static void read_role(struct load *load, const struct node *node, void *target)
{
	struct auth_api_key *key = target;
	struct text text;

	if (load_text(load, node, "`role`", &text)) {
		key->role = text.str;
	}
}

static bool has_word(const struct node *map, struct str name)
{
	for (const struct node *child = map->first; child != NULL; child = child->next) {
		if (str_equal(child->key.str, name)) {
			return true;
		}
	}
	return false;
}

static void read_api_keys(struct load *load, const struct node *node, void *target)
{
	static const struct word words[] = {{"sha256", read_sha256}, {"role", read_role}};
	struct auth_config *config = config_of(target);
	struct auth_api_key *keys;

	if (!load_is_map(load, node, "`api_keys`")) {
		return;
	}
	if (node->count == 0 || node->count > AUTH_API_KEYS_MAX) {
		model_report_add(load->report, node->place, NULL, "`api_keys` has 1 to %d keys",
						 AUTH_API_KEYS_MAX);
		return;
	}
	keys = ARENA_ARRAY(load->arena, node->count, struct auth_api_key);
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		struct auth_api_key *key = &keys[config->api_key_count];

		if (!load_check_name(load, &child->key, "the name of an API key") ||
			!LOAD_WORDS(load, child, words, "an API key", key)) {
			continue;
		}
		if (!has_word(child, STR("sha256"))) {
			model_report_add(load->report, child->key.place, "NAME: { sha256: SUM, role: ROLE }",
							 "the API key \"%.*s\" has no sha256", STR_ARG(child->key.str));
		}
		key->name = child->key.str;
		config->api_key_count++;
	}
	config->api_keys = keys;
}

/* ---- the rate ---- */

static void read_requests(struct load *load, const struct node *node, void *target)
{
	struct auth_config *config = target;

	read_number(load, node, "`requests`", 1, AUTH_RATE_MAX, &config->rate_requests);
}

static void read_burst(struct load *load, const struct node *node, void *target)
{
	struct auth_config *config = target;

	read_number(load, node, "`burst`", 1, AUTH_RATE_MAX, &config->rate_burst);
}

static void read_per(struct load *load, const struct node *node, void *target)
{
	static const struct {
		struct str word;
		int64_t seconds;
	} periods[] = {{STR_INIT("second"), 1}, {STR_INIT("minute"), 60}, {STR_INIT("hour"), 3600}};
	struct auth_config *config = target;
	struct text word;

	if (!load_text(load, node, "`per`", &word)) {
		return;
	}
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		if (str_equal(word.str, periods[i].word)) {
			config->rate_period_s = periods[i].seconds;
			return;
		}
	}
	model_report_add(load->report, node->place, NULL, "`per` is second, minute or hour");
}

static void read_rate(struct load *load, const struct node *node, void *target)
{
	static const struct word words[] = {
		{"requests", read_requests},
		{"per", read_per},
		{"burst", read_burst},
	};
	struct auth_config *config = config_of(target);

	config->rate_period_s = 1;
	if (!LOAD_WORDS(load, node, words, "`rate_limit`", config)) {
		return;
	}
	if (!has_word(node, STR("requests"))) {
		model_report_add(load->report, node->place, "rate_limit: { requests: 100, per: minute }",
						 "`rate_limit` names no number of requests");
	}
	if (config->rate_burst == 0) {
		config->rate_burst = config->rate_requests;
	}
}

/* ---- the whole ---- */

static const struct word auth_words[] = {
	KEY_WORDS,
	{"keys", keep_keys},
	{"issuer", read_issuer},
	{"audience", read_audience},
	{"required", read_required},
	{"refresh", read_refresh},
	{"leeway", read_leeway},
	{"expiry", read_expiry},
	{"role_claim", read_role_claim},
	{"anonymous", read_anonymous},
	{"api_keys", read_api_keys},
	{"rate_limit", read_rate},
	{"gzip", read_gzip},
};

static bool names_a_key(const struct node *node)
{
	return has_word(node, STR("algorithm")) || has_word(node, STR("public_key")) ||
		has_word(node, STR("jwks")) || has_word(node, STR("secret")) || has_word(node, STR("kid"));
}

/* The one key that stands in `auth` itself. */
static void take_key(struct load *load, const struct node *node, struct draft_auth *draft,
					 size_t errors_before)
{
	struct auth_key_source *key;

	draft->key.place = node->place;
	if (check_key(load, node, &draft->key, errors_before)) {
		key = ARENA_NEW(load->arena, struct auth_key_source);
		*key = draft->key;
		draft->config->keys = key;
		draft->config->key_count = 1;
	}
}

void load_auth(struct load *load, const struct node *node, void *target)
{
	struct auth_config *config = ARENA_NEW(load->arena, struct auth_config);
	struct draft_auth draft = {.config = config};
	size_t errors = load->report->errors;

	(void)target;
	config->place = node->place;
	config->leeway_s = DEFAULT_LEEWAY_S;
	config->refresh_s = DEFAULT_REFRESH_S;
	config->role_claim = STR("role");
	load->model->auth = config;
	if (!LOAD_WORDS(load, node, auth_words, "`auth`", &draft)) {
		return;
	}
	if (draft.keys != NULL && names_a_key(node)) {
		model_report_add(load->report, draft.keys->key.place, "write all of them in `keys`",
						 "`auth` has a key of its own and `keys`");
	} else if (draft.keys != NULL) {
		read_keys(load, draft.keys, config);
	} else if (names_a_key(node)) {
		take_key(load, node, &draft, errors);
	} else if (!has_word(node, STR("api_keys"))) {
		model_report_add(load->report, node->key.place,
						 "auth: { algorithm: RS256, public_key: jwt.pub }",
						 "`auth` names no key, so nobody could come in");
	}
}
