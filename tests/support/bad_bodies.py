"""Rows of bad input on the level of JSON and of the service's own rules.

Each row: (name, method, path, body, expected statuses). The connection stays open after all of
them: they are well-formed HTTP.
"""
PUT = "/users/1/ratings/1"
RATINGS = "/ratings"
USER_5 = '"user_id":5,"item_id":5'


def rating(value):
    return b'{"rating_type":%b}' % value


# JSON texts that RFC 8259 does not know, or that this API refuses; never a good rating.
BAD_JSON = [
    ("empty", b""), ("white space only", b" \t\r\n"), ("trailing comma", b'{"rating_type":2,}'),
    ("leading comma", b'{,"rating_type":2}'), ("two commas", b'{"rating_type":2,,"a":1}'),
    ("no colon", b'{"rating_type" 2}'), ("two colons", b'{"rating_type"::2}'),
    ("no value", b'{"rating_type":}'), ("no key", b'{:2}'), ("number as key", b'{2:2}'),
    ("bare key", b'{rating_type:2}'), ("single quotes", b"{'rating_type':2}"),
    ("not closed", b'{"rating_type":2'), ("closed twice", b'{"rating_type":2}}'),
    ("wrong bracket", b'{"rating_type":2]'), ("two values", b'{"rating_type":2}{"rating_type":2}'),
    ("text behind", b'{"rating_type":2} x'), ("comment", b'{"rating_type":2/*two*/}'),
    ("line comment", b'{"rating_type":2}//two'), ("key not closed", b'{"rating_type:2}'),
    ("byte order mark", b'\xef\xbb\xbf{"rating_type":2}'), ("UTF-16", '{"a":2}'.encode("utf-16")),
    ("duplicate key", b'{"rating_type":2,"rating_type":2}'),
    ("duplicate key, escaped", b'{"rating_type":2,"rating\\u005ftype":3}'),
    ("NaN", rating(b"NaN")), ("Infinity", rating(b"Infinity")), ("-Infinity", rating(b"-Infinity")),
    ("True", rating(b"True")), ("undefined", rating(b"undefined")), ("nul", rating(b"nul")),
    ("leading zero", rating(b"02")), ("plus sign", rating(b"+2")), ("minus alone", rating(b"-")),
    ("hex", rating(b"0x2")), ("point at the end", rating(b"2.")), ("point in front", rating(b".2")),
    ("exponent without digits", rating(b"2e")), ("underscore", rating(b"1_0")),
    ("NUL in a string", rating(b'"a\0b"')), ("NUL behind", b'{"rating_type":2}\0'),
    ("NUL between", b'{"rating_type":\x002}'), ("line feed in a string", rating(b'"a\nb"')),
    ("tab in a string", rating(b'"a\tb"')), ("bad escape", rating(b'"\\x41"')),
    ("short \\u", rating(b'"\\u12"')), ("lone high surrogate", rating(b'"\\ud800"')),
    ("lone low surrogate", rating(b'"\\udc00"')),
    ("surrogates reversed", rating(b'"\\udc00\\ud800"')),
    ("bad UTF-8", rating(b'"\xff"')), ("cut UTF-8", rating(b'"\xe2\x82"')),
    ("overlong UTF-8", rating(b'"\xc0\xaf"')), ("surrogate as UTF-8", rating(b'"\xed\xa0\x80"')),
    ("beyond U+10FFFF", rating(b'"\xf4\x90\x80\x80"')), ("bad UTF-8 as key", b'{"\xff":1}'),
    ("vertical tab as white space", b'\x0b{"rating_type":2}'),
    ("no-break space as white space", b'\xc2\xa0{"rating_type":2}'),
    ("65 deep", b"[" * 65 + b"]" * 65), ("100,000 deep", b"[" * 100_000),
    ("100,000 objects deep", b'{"a":' * 100_000),
]

# JSON that is fine, but no rating. A number with a fraction or an exponent is no integer, whatever
# its value; on routes a text is no number.
BAD_RATING = [
    ("empty object", b"{}"), ("array", b"[]"), ("number", b"2"), ("string", b'"2"'),
    ("null", b"null"), ("boolean", b"true"), ("unknown field", b'{"rating_type":2,"stars":5}'),
    ("missing field, unknown field", b'{"stars":5}'), ("other case", b'{"Rating_Type":2}'),
    ("empty key", b'{"":2,"rating_type":2}'), ("null for required", rating(b"null")),
    ("0", rating(b"0")), ("4", rating(b"4")), ("-1", rating(b"-1")), ("-0", rating(b"-0.0")),
    ("text", rating(b'"2"')), ("empty text", rating(b'""')), ("boolean value", rating(b"true")),
    ("array value", rating(b"[2]")), ("object value", rating(b'{"a":2}')), ("2.0", rating(b"2.0")),
    ("1.5", rating(b"1.5")), ("1e0", rating(b"1e0")), ("1e2", rating(b"1e2")),
    ("20e-1", rating(b"20e-1")), ("2^63", rating(b"9223372036854775808")),
    ("-2^63 - 1", rating(b"-9223372036854775809")), ("2^64 + 2", rating(b"18446744073709551618")),
    ("2^32 + 2", rating(b"4294967298")), ("1e400", rating(b"1e400")),
    ("1,000 digits", rating(b"2" * 1000)),
]

BAD_ROWS = [
    ("missing key", f'{{"user_id":5,"rating_type":2}}'), ("missing value", f"{{{USER_5}}}"),
    ("null key", '{"user_id":null,"item_id":5,"rating_type":2}'),
    ("null value", f'{{{USER_5},"rating_type":null}}'),
    ("out of range", f'{{{USER_5},"rating_type":9}}'),
    ("unknown column", f'{{{USER_5},"rating_type":2,"stars":1}}'),
    ("fraction", f'{{{USER_5},"rating_type":1.5}}'), ("word", f'{{{USER_5},"rating_type":"two"}}'),
    ("2^63", '{"user_id":9223372036854775808,"item_id":5,"rating_type":2}'),
    ("-2^63 - 1", '{"user_id":-9223372036854775809,"item_id":5,"rating_type":2}'),
    ("exponent", '{"user_id":5e0,"item_id":5,"rating_type":2}'),
    ("list as value", '{"user_id":[5],"item_id":5,"rating_type":2}'),
    ("second row bad", f'[{{{USER_5},"rating_type":2}},{{{USER_5[:-1]}6,"rating_type":7}}]'),
    ("rows with other keys", f'[{{{USER_5},"rating_type":2}},{{"user_id":5}}]'),
    ("row that is no object", f'[{{{USER_5},"rating_type":2}},3]'),
    ("text behind the array", f'[{{{USER_5},"rating_type":2}}],'),
]

PATHS = [
    ("text as user", "GET", "/users/x/ratings", None, (404,)),
    ("leading zero", "PUT", "/users/05/ratings/1", b'{"rating_type":2}', (404,)),
    ("plus sign", "PUT", "/users/+5/ratings/1", b'{"rating_type":2}', (404,)),
    ("2^63 as user", "PUT", f"/users/{2 ** 63}/ratings/1", b'{"rating_type":2}', (404,)),
    ("-2^63 - 1 as item", "PUT", f"/users/1/ratings/{-2 ** 63 - 1}", b'{"rating_type":2}', (404,)),
    ("fraction as item", "PUT", "/users/1/ratings/1.0", b'{"rating_type":2}', (404,)),
    ("text as user to delete", "DELETE", "/users/x", None, (404,)),
    ("leading zero to delete", "DELETE", "/users/01", None, (404,)),
    ("unknown path", "GET", "/nothing", None, (404,)),
    ("unknown path to write", "POST", "/nothing", b"{}", (404,)),
    ("too long a path", "GET", "/users/1/ratings/1/1", None, (404,)),
    ("POST for a GET route", "POST", "/health", b"{}", (405,)),
    ("GET for a PUT route", "GET", PUT, None, (405,)),
    ("POST for a PUT route", "POST", PUT, b'{"rating_type":2}', (405,)),
    ("PATCH for a DELETE route", "PATCH", "/users/1", b"{}", (405,)),
    ("DELETE for a GET route", "DELETE", "/users/1/ratings", None, (405,)),
    ("unknown operator", "GET", "/ratings?user_id=equals.1", None, (400,)),
    ("no operator", "GET", "/ratings?user_id=1", None, (400,)),
    ("unknown column", "DELETE", "/ratings?stars=eq.1", None, (400,)),
    ("word for a number", "DELETE", "/ratings?user_id=eq.one", None, (400,)),
    ("2^63 in a filter", "DELETE", f"/ratings?user_id=eq.{2 ** 63}", None, (400,)),
    ("list not closed", "DELETE", "/ratings?user_id=in.(1,2", None, (400,)),
    ("or not closed", "DELETE", "/ratings?or=(user_id.eq.1,item_id.eq.1", None, (400,)),
    ("unknown order", "GET", "/ratings?order=stars", None, (400,)),
    ("SQL in a filter", "DELETE", "/ratings?user_id=eq.1%20or%201%3D1", None, (400,)),
    ("SQL in select", "GET", "/ratings?select=user_id;drop%20table%20ratings", None, (400,)),
    ("SQL in order", "GET", "/ratings?order=user_id;drop%20table%20ratings", None, (400,)),
    ("update with a bad value", "PATCH", "/ratings?user_id=eq.1", b'{"rating_type":7}', (400,)),
    ("update with bad JSON", "PATCH", "/ratings?user_id=eq.1", b'{"rating_type":', (400,)),
    ("update of an unknown column", "PATCH", "/ratings?user_id=eq.1", b'{"stars":1}', (400,)),
    ("update to a taken key", "PATCH", "/ratings?user_id=eq.1&item_id=eq.1", b'{"item_id":2}',
     (409,)),
    ("duplicate row", "POST", RATINGS, b'{"user_id":1,"item_id":1,"rating_type":1}', (409,)),
    ("write to the counts", "POST", "/counts", b'{"user_id":1,"rating_type":1,"count":9}', (405,)),
    ("delete of the counts", "DELETE", "/counts?user_id=eq.1", None, (405,)),
]

ROWS = (
    [("PUT: " + name, "PUT", PUT, body, (400,)) for name, body in BAD_JSON + BAD_RATING]
    + [("POST: " + name, "POST", RATINGS, body, (400,)) for name, body in BAD_JSON]
    + [("row: " + name, "POST", RATINGS, body.encode(), (400,)) for name, body in BAD_ROWS]
    + PATHS)
