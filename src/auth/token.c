#include "auth/token.h"

#include <math.h>
#include <stdatomic.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/number.h"

enum { PARTS = 3, HEADER_DEPTH = 8 };

/* The last second of the year 9999. */
#define LAST_SECOND 253402300799.0

/* ---- the header ---- */

struct header {
	enum auth_algorithm algorithm;
	struct str kid;
};

static bool fail(struct error *error, const char *message)
{
	return error_set(error, ERROR_TOKEN, "%s", message);
}

/* RFC 7515, 4.1.9: "application/" may be left out. ID tokens and the like have other types. */
static bool is_known_type(struct str type)
{
	static const struct str application = STR_INIT("application/");
	if (str_equal_nocase(str_slice(type, 0, application.len), application)) {
		type = str_slice(type, application.len, type.len);
	}
	return str_equal_nocase(type, STR("JWT")) || str_equal_nocase(type, STR("at+jwt"));
}

/* Parts of a header that change what the rest means, none of which is understood here: RFC 7515,
 * 4.1.11; RFC 7797; RFC 7516; and what is signed being another token. */
static bool is_refused(struct str name)
{
	static const struct str names[] = {
		STR_INIT("crit"), STR_INIT("b64"), STR_INIT("enc"), STR_INIT("zip"), STR_INIT("cty"),
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_equal(names[i], name)) {
			return true;
		}
	}
	return false;
}

static bool read_member(struct json_reader *reader, struct header *header, struct error *error)
{
	struct str name = reader->text;
	enum json_event event = json_next(reader);
	bool is_text = event == JSON_STRING;
	struct str text = reader->text;
	struct str skipped;
	if (event == JSON_ERROR || !json_skip(reader, event, &skipped)) {
		return fail(error, "JWT couldn't be decoded");
	}
	if (is_refused(name)) {
		return error_set(error, ERROR_TOKEN, "JWT header parameter '%.*s' is not supported",
						 STR_ARG(name));
	}
	if (str_equal(name, STR("alg"))) {
		header->algorithm = is_text ? auth_algorithm_parse(text) : AUTH_NO_ALGORITHM;
		return header->algorithm != AUTH_NO_ALGORITHM ||
			fail(error, "Wrong or unsupported encoding algorithm");
	}
	if (str_equal(name, STR("kid"))) {
		header->kid = text;
		return is_text || fail(error, "JWT header parameter 'kid' must be a string");
	}
	if (str_equal(name, STR("typ"))) {
		return (is_text && is_known_type(text)) ||
			fail(error, "JWT header parameter 'typ' must be JWT");
	}
	return true;
}

static bool read_header(struct str json, struct arena *arena, struct header *header,
						struct error *error)
{
	struct json_reader reader;
	enum json_event event;
	*header = (struct header){0};
	json_reader_init(&reader, json, HEADER_DEPTH, arena);
	if (json_next(&reader) != JSON_OBJECT) {
		return fail(error, "JWT couldn't be decoded");
	}
	while ((event = json_next(&reader)) == JSON_KEY) {
		if (!read_member(&reader, header, error)) {
			return false;
		}
	}
	if (event != JSON_OBJECT_END || json_next(&reader) != JSON_END) {
		return fail(error, "JWT couldn't be decoded");
	}
	return header->algorithm != AUTH_NO_ALGORITHM ||
		fail(error, "Wrong or unsupported encoding algorithm");
}

/* ---- the signature ---- */

static bool is_tried(const struct key *key, const struct header *header)
{
	bool other = key->kid.len > 0 && header->kid.ptr != NULL && !str_equal(key->kid, header->kid);
	return key->algorithm == header->algorithm && !other;
}

static bool check_signature(const struct keys *keys, const struct header *header, struct str text,
							struct str signature, struct error *error)
{
	bool tried = false;
	for (size_t i = 0; i < keys->count; i++) {
		const struct key *key = &keys->list[i];
		if (!is_tried(key, header)) {
			continue;
		}
		tried = true;
		if (key_verify(key, text, signature)) {
			return true;
		}
	}
	if (!tried && keys->wanted != NULL) {
		atomic_store_explicit(keys->wanted, true, memory_order_relaxed);
	}
	return fail(error,
				tried ? "JWT cryptographic operation failed" : "No suitable key or wrong key type");
}

/* ---- the claims ---- */

static bool refuse(struct error *error, const char *message)
{
	return error_set(error, ERROR_CLAIMS, "%s", message);
}

static bool has_kind(const struct claim *claim, enum claim_kind kind)
{
	return claim == NULL || claim->kind == kind;
}

/* A NumericDate (RFC 7519, 2) in the years 1970 to 9999. False when it is none; *ret_seconds is
 * left alone when it is not there. */
static bool read_date(const struct claims *claims, struct str name, double *ret_seconds,
					  struct error *error)
{
	const struct claim *claim = claims_find(claims, name);
	double seconds = 0;
	if (claim == NULL) {
		return true;
	}
	if (claim->kind != CLAIM_NUMBER) {
		return error_set(error, ERROR_CLAIMS, "The JWT '%.*s' claim must be a number",
						 STR_ARG(name));
	}
	if (number_parse_double(claim->text, &seconds) != NUMBER_OK || !(seconds >= 0) ||
		!(seconds <= LAST_SECOND)) {
		return error_set(error, ERROR_CLAIMS, "The JWT '%.*s' claim is out of range",
						 STR_ARG(name));
	}
	*ret_seconds = seconds;
	return true;
}

/* `now` is a whole second: all moments of it are the same, so that a token with whole seconds is
 * taken for exactly as long as it says, and the leeway. */
static bool check_times(const struct auth_config *config, const struct claims *claims,
						int64_t now_s, int64_t *ret_until_s, struct error *error)
{
	double expires = -1;
	double not_before = 0;
	double issued = 0;
	double now = (double)now_s;
	double leeway = (double)config->leeway_s;
	if (!read_date(claims, STR("exp"), &expires, error) ||
		!read_date(claims, STR("nbf"), &not_before, error) ||
		!read_date(claims, STR("iat"), &issued, error)) {
		return false;
	}
	if (expires < 0 && !config->expiry_optional) {
		return refuse(error, "The JWT has no 'exp' claim");
	}
	if (expires >= 0 && now >= expires + leeway) {
		return refuse(error, "JWT expired");
	}
	if (now < not_before - leeway) {
		return refuse(error, "JWT not yet valid");
	}
	if (now < issued - leeway) {
		return refuse(error, "JWT issued at future");
	}
	*ret_until_s = expires < 0 ? INT64_MAX : (int64_t)ceil(expires + leeway);
	return true;
}

static bool is_audience(const struct auth_config *config, struct str text)
{
	for (size_t i = 0; i < config->audience_count; i++) {
		if (str_equal(config->audiences[i], text)) {
			return true;
		}
	}
	return config->audience_count == 0;
}

/* Whether one text of the list is meant; false in *ret_texts when it is no list of texts. */
static bool list_has_audience(const struct auth_config *config, struct str list,
							  struct arena *arena, bool *ret_texts)
{
	struct json_reader reader;
	enum json_event event;
	bool found = false;
	json_reader_init(&reader, list, 1, arena);
	(void)json_next(&reader);
	while ((event = json_next(&reader)) == JSON_STRING) {
		found = found || is_audience(config, reader.text);
	}
	*ret_texts = event == JSON_ARRAY_END;
	return found;
}

static bool check_audience(const struct auth_config *config, const struct claims *claims,
						   struct arena *arena, struct error *error)
{
	const struct claim *claim = claims_find(claims, STR("aud"));
	bool texts = true;
	bool found = claim == NULL && config->audience_count == 0;
	if (claim != NULL && claim->kind == CLAIM_LIST) {
		found = list_has_audience(config, claim->text, arena, &texts) ||
			config->audience_count == 0;
	} else if (claim != NULL) {
		texts = claim->kind == CLAIM_TEXT;
		found = texts && is_audience(config, claim->text);
	}
	if (!texts) {
		return refuse(error, "The JWT 'aud' claim must be a string or an array of strings");
	}
	return found || refuse(error, "JWT not in audience");
}

static bool check_required(const struct auth_config *config, const struct claims *claims,
						   struct error *error)
{
	for (size_t i = 0; i < config->required_count; i++) {
		const struct claim *claim = claims_find(claims, config->required[i]);
		if (claim == NULL || claim->kind == CLAIM_NULL) {
			return error_set(error, ERROR_CLAIMS, "The JWT has no '%.*s' claim",
							 STR_ARG(config->required[i]));
		}
	}
	return true;
}

static bool check_parties(const struct auth_config *config, const struct claims *claims,
						  struct error *error)
{
	const struct claim *issuer = claims_find(claims, STR("iss"));
	if (!has_kind(issuer, CLAIM_TEXT)) {
		return refuse(error, "The JWT 'iss' claim must be a string");
	}
	if (config->issuer.len > 0 && (issuer == NULL || !str_equal(issuer->text, config->issuer))) {
		return refuse(error, "JWT not from the issuer");
	}
	if (!has_kind(claims_find(claims, STR("sub")), CLAIM_TEXT)) {
		return refuse(error, "The JWT 'sub' claim must be a string");
	}
	if (!has_kind(claims_find(claims, config->role_claim), CLAIM_TEXT)) {
		return refuse(error, "The JWT claim with the role must be a string");
	}
	return true;
}

static struct str text_of(const struct claims *claims, struct str name)
{
	const struct claim *claim = claims_find(claims, name);
	return claim != NULL ? claim->text : STR("");
}

/* A hash of issuer and subject; of a token without a subject, of its signature, which no other
 * token has. */
static struct str make_id(const struct claims *claims, struct str signature, struct arena *arena)
{
	struct str issuer = text_of(claims, STR("iss"));
	struct str named = claims->sub.len > 0
		? arena_printf(arena, "sub %zu %.*s %.*s", issuer.len, STR_ARG(issuer),
					   STR_ARG(claims->sub))
		: arena_printf(arena, "signature %.*s", STR_ARG(signature));
	unsigned char hash[AUTH_HASH_BYTES];
	struct buf text;
	key_hash(named, hash);
	buf_init(&text, 128);
	buf_append(&text, STR("token:"));
	for (size_t i = 0; i < sizeof(hash); i++) {
		buf_printf(&text, "%02x", hash[i]);
	}
	struct str id = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
	return id;
}

static bool read_claims(const struct auth_config *config, struct str payload, int64_t now_s,
						struct arena *arena, struct token *token, struct error *error)
{
	struct claims *claims = &token->principal.claims;
	struct error ignored;
	struct str json;
	if (!base64url_decode(payload, arena, &json) || !claims_read(json, arena, claims, &ignored)) {
		return refuse(error, "Parsing claims failed");
	}
	if (!check_times(config, claims, now_s, &token->until_s, error) ||
		!check_parties(config, claims, error) || !check_audience(config, claims, arena, error) ||
		!check_required(config, claims, error)) {
		return false;
	}
	claims->sub = text_of(claims, STR("sub"));
	claims->role = text_of(claims, config->role_claim);
	return true;
}

/* ---- the whole ---- */

/* Three parts with dots between them. */
static bool split(struct str text, struct str *parts, struct error *error)
{
	size_t count = 0;
	bool over = text.len == 0;
	if (over) {
		return fail(error, "Empty JWT is sent in Authorization header");
	}
	for (struct str rest = text; !over;) {
		size_t dot = str_find(rest, '.', 0);
		struct str part = str_slice(rest, 0, dot);
		if (count < PARTS) {
			parts[count] = part;
		}
		count++;
		over = dot == rest.len;
		rest = str_slice(rest, dot + 1, rest.len);
	}
	if (count != PARTS) {
		return error_set(error, ERROR_TOKEN, "Expected 3 parts in JWT; got %zu", count);
	}
	return true;
}

bool token_check(const struct auth_config *config, const struct keys *keys, struct str text,
				 int64_t now_s, struct arena *arena, struct token *ret_token, struct error *error)
{
	struct str parts[PARTS];
	struct header header;
	struct str json;
	struct str signature;
	struct token token = {0};
	if (text.len > TOKEN_BYTES) {
		return error_set(error, ERROR_TOKEN, "The JWT is longer than %d bytes", TOKEN_BYTES);
	}
	if (!split(text, parts, error)) {
		return false;
	}
	if (!base64url_decode(parts[0], arena, &json) ||
		!base64url_decode(parts[2], arena, &signature)) {
		return fail(error, "JWT couldn't be decoded");
	}
	struct str signed_text = str_slice(text, 0, parts[0].len + 1 + parts[1].len);
	if (!read_header(json, arena, &header, error) ||
		!check_signature(keys, &header, signed_text, signature, error) ||
		!read_claims(config, parts[1], now_s, arena, &token, error)) {
		return false;
	}
	token.principal.id = make_id(&token.principal.claims, parts[2], arena);
	*ret_token = token;
	return true;
}
