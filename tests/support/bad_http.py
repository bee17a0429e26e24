"""Rows of bad input on the level of HTTP (RFC 9110, 9112), and their good neighbours.

Each row: (name, request as raw bytes, expected statuses, "kept" | "closed" | "either").
"closed": the server must end the connection after the answer, since it cannot know where the next
request begins; a good request that was sent behind it must not be answered.
"""
KEPT, CLOSED, EITHER = "kept", "closed", "either"

REQUEST_LINE_BYTES = 16 * 1024  # without its line end
HEADER_BYTES = 32 * 1024        # all fields with their line ends, without the empty line
HEADER_FIELDS = 100
BODY_BYTES = 1024 * 1024

PUT = b"PUT /users/1/ratings/1 HTTP/1.1\r\nHost: localhost\r\n"
GOOD_BODY = b'{"rating_type":2}'
# Behind every request that must close: if it were answered, a row would change.
SMUGGLED = (b"PUT /users/1/ratings/66 HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 17\r\n\r\n" + GOOD_BODY)


def get(target=b"/health", version=b"HTTP/1.1", fields=b"Host: localhost\r\n", method=b"GET"):
    return b"%s %s %s\r\n%s\r\n" % (method, target, version, fields)


def put(fields, body=b""):
    return PUT + fields + b"\r\n" + body


def chunked(body):
    return put(b"Transfer-Encoding: chunked\r\n", body)


def line_of(length):
    """A GET whose request line has this many bytes."""
    rest = len("GET / HTTP/1.1")
    return get(b"/" + b"a" * (length - rest))


def header_of(length):
    host, name = b"Host: localhost\r\n", b"X-Long: "
    return get(fields=host + name + b"a" * (length - len(host) - len(name) - 2) + b"\r\n")


def fields_of(count):
    return get(fields=b"Host: localhost\r\n" + b"".join(
        b"X-%d: 1\r\n" % number for number in range(count - 1)))


def padded(length):
    """A good body of this many bytes."""
    return GOOD_BODY + b" " * (length - len(GOOD_BODY))


REQUEST_LINES = [
    ("lower-case version", get(version=b"http/1.1"), (400,), CLOSED),
    ("no version", b"GET /health\r\nHost: localhost\r\n\r\n", (400,), CLOSED),
    ("HTTP/2.0", get(version=b"HTTP/2.0"), (505,), CLOSED),
    ("HTTP/0.9", get(version=b"HTTP/0.9"), (505, 400), CLOSED),
    ("HTTP/1.10", get(version=b"HTTP/1.10"), (400,), CLOSED),
    ("HTTP/11", get(version=b"HTTP/11"), (400,), CLOSED),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505, 400), CLOSED),
    ("two spaces before the target", get(target=b" /health"), (400,), CLOSED),
    ("two spaces before the version", get(version=b" HTTP/1.1"), (400,), CLOSED),
    ("a space behind the version", get(version=b"HTTP/1.1 "), (400,), CLOSED),
    ("a tab as separator", b"GET\t/health HTTP/1.1\r\nHost: localhost\r\n\r\n", (400,), CLOSED),
    ("a space in front of the method", get(method=b" GET"), (400,), CLOSED),
    ("a space in the target", get(target=b"/a b"), (400,), CLOSED),
    ("bad token as method", get(method=b"GE(T"), (400,), CLOSED),
    ("no method", get(method=b""), (400,), CLOSED),
    ("lower-case method", get(method=b"get"), (501, 405), EITHER),
    ("unknown method", get(method=b"BREW"), (501, 405), EITHER),
    ("TRACE", get(method=b"TRACE"), (501, 405), EITHER),
    ("CONNECT", get(b"localhost:80", method=b"CONNECT"), (400, 501, 405), EITHER),
    ("target without a slash", get(target=b"health"), (400,), EITHER),
    ("* for GET", get(target=b"*"), (400,), EITHER),
    ("fragment in the target", get(target=b"/health#top"), (400,), EITHER),
    ("control byte in the target", get(target=b"/hea\x01lth"), (400,), CLOSED),
    ("NUL in the target", get(target=b"/hea\0lth"), (400,), CLOSED),
    ("NUL in the method", get(method=b"G\0ET"), (400,), CLOSED),
    ("bare CR in the request line", b"GET /health\rHTTP/1.1\r\nHost: a\r\n\r\n", (400,), CLOSED),
    ("bare LF behind the request line", b"GET /health HTTP/1.1\nHost: localhost\r\n\r\n",
     (400,), CLOSED),
    ("a TLS hello", bytes.fromhex("16030100a5010000a10303") + b"\r\n\r\n", (400,), CLOSED),
    ("%zz in the path", get(target=b"/users/%zz/ratings"), (400, 404), KEPT),
    ("% at the end of the path", get(target=b"/users/5%"), (400, 404), KEPT),
    ("%00 in the path", get(target=b"/users/5%00/ratings"), (400, 404), KEPT),
    ("%2f in a path value", get(target=b"/users/5%2fratings"), (400, 404, 405), KEPT),
    ("bad UTF-8 in the path", get(target=b"/users/%ff/ratings"), (400, 404), KEPT),
    ("dots in the path", get(target=b"/users/1/../../ratings"), (400, 404), KEPT),
    ("%zz in the query", get(target=b"/ratings?user_id=eq.%zz"), (400,), KEPT),
    ("%00 in the query", get(target=b"/ratings?user_id=eq.1%00"), (400,), KEPT),
    ("bad UTF-8 in the query", get(target=b"/ratings?user_id=eq.%ff"), (400,), KEPT),
    ("request line one above the limit", line_of(REQUEST_LINE_BYTES + 1), (414,), CLOSED),
    ("request line far above the limit", line_of(200_000), (414,), CLOSED),
    ("query far above the limit", get(b"/ratings?user_id=eq." + b"1" * 100_000), (414,), CLOSED),
    ("a method without end", b"A" * 100_000, (400, 414, 501), CLOSED),
]

HEADERS = [
    ("no Host", get(fields=b""), (400,), CLOSED),
    ("two Hosts", get(fields=b"Host: localhost\r\nHost: localhost\r\n"), (400,), CLOSED),
    ("Host with a path", get(fields=b"Host: localhost/x\r\n"), (400,), CLOSED),
    ("Host with a user", get(fields=b"Host: a@localhost\r\n"), (400,), CLOSED),
    ("Host with a space", get(fields=b"Host: local host\r\n"), (400,), CLOSED),
    ("Host with a bad port", get(fields=b"Host: localhost:80x\r\n"), (400,), CLOSED),
    ("foreign Host", get(fields=b"Host: example.org\r\n"), (403,), EITHER),
    ("empty name", get(fields=b"Host: localhost\r\n: x\r\n"), (400,), CLOSED),
    ("no colon", get(fields=b"Host: localhost\r\nnonsense\r\n"), (400,), CLOSED),
    ("space before the colon", get(fields=b"Host : localhost\r\n"), (400,), CLOSED),
    ("space before the colon of the length",
     put(b"Content-Length : 17\r\n", GOOD_BODY), (400,), CLOSED),
    ("space in a name", get(fields=b"Host: localhost\r\nX Y: 1\r\n"), (400,), CLOSED),
    ("continued line", get(fields=b"Host: localhost\r\nX-A: 1\r\n 2\r\n"), (400,), CLOSED),
    ("white space before the first field", get(fields=b" Host: localhost\r\n"), (400,), CLOSED),
    ("bare LF", get(fields=b"Host: localhost\nX-A: 1\r\n"), (400,), CLOSED),
    ("bare LF at the end", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\n", (400,), CLOSED),
    ("bare CR in a value", get(fields=b"Host: localhost\r\nX-A: 1\r2\r\n"), (400,), CLOSED),
    ("NUL in a value", get(fields=b"Host: localhost\r\nX-A: 1\x002\r\n"), (400,), CLOSED),
    ("NUL in a name", get(fields=b"Host: localhost\r\nX\0A: 1\r\n"), (400,), CLOSED),
    ("control byte in a value", get(fields=b"Host: localhost\r\nX-A: \x01\r\n"), (400,), CLOSED),
    ("non-ASCII name", get(fields=b"Host: localhost\r\nX-\xc3\xa4: 1\r\n"), (400,), CLOSED),
    ("one field too many", fields_of(HEADER_FIELDS + 1), (431,), CLOSED),
    ("far too many fields", fields_of(2000), (431,), CLOSED),
    ("header one byte too long", header_of(HEADER_BYTES + 1), (431,), CLOSED),
    ("header far too long", header_of(500_000), (431,), CLOSED),
    ("name without end", get(fields=b"Host: localhost\r\n" + b"A" * 100_000), (431,), CLOSED),
    ("unknown expectation", put(b"Expect: tea\r\nContent-Length: 17\r\n", GOOD_BODY),
     (417,), EITHER),
]

FRAMING = [
    ("two equal lengths", put(b"Content-Length: 17\r\nContent-Length: 17\r\n", GOOD_BODY),
     (400,), CLOSED),
    ("two lengths", put(b"Content-Length: 17\r\nContent-Length: 0\r\n", GOOD_BODY),
     (400,), CLOSED),
    ("list of lengths", put(b"Content-Length: 17, 17\r\n", GOOD_BODY), (400,), CLOSED),
    ("length with a sign", put(b"Content-Length: +17\r\n", GOOD_BODY), (400,), CLOSED),
    ("negative length", put(b"Content-Length: -1\r\n", GOOD_BODY), (400,), CLOSED),
    ("length in hex", put(b"Content-Length: 0x11\r\n", GOOD_BODY), (400,), CLOSED),
    ("length with a fraction", put(b"Content-Length: 17.0\r\n", GOOD_BODY), (400,), CLOSED),
    ("empty length", put(b"Content-Length:\r\n", GOOD_BODY), (400,), CLOSED),
    ("length with a space inside", put(b"Content-Length: 1 7\r\n", GOOD_BODY), (400,), CLOSED),
    ("length of 2^64 + 17", put(b"Content-Length: 18446744073709551633\r\n", GOOD_BODY),
     (400, 413), CLOSED),
    ("length and chunked", put(b"Content-Length: 17\r\nTransfer-Encoding: chunked\r\n",
                               b"0\r\n\r\n"), (400,), CLOSED),
    ("chunked and length", put(b"Transfer-Encoding: chunked\r\nContent-Length: 17\r\n",
                               b"11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("gzip, chunked", put(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
     (400, 501), CLOSED),
    ("chunked, chunked", put(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
     (400, 501), CLOSED),
    ("chunked twice", put(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                          b"0\r\n\r\n"), (400, 501), CLOSED),
    ("chunked, then identity", put(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                                   b"0\r\n\r\n"), (400, 501), CLOSED),
    ("identity", put(b"Transfer-Encoding: identity\r\n"), (400, 501), CLOSED),
    ("xchunked", put(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), (400, 501), CLOSED),
    ("chunked with a parameter", put(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"),
     (400, 501), CLOSED),
    ("vertical tab before chunked", put(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
     (400,), CLOSED),
    ("chunked in HTTP/1.0",
     b"PUT /users/1/ratings/1 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     (400,), CLOSED),
    ("chunk size no hex", chunked(b"xyz\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size empty", chunked(b"\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with 0x", chunked(b"0x11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size negative", chunked(b"-11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with a space in front",
     chunked(b" 11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size beyond 64 bits",
     chunked(b"10000000000000011\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (400, 413), CLOSED),
    ("chunk shorter than its data", chunked(b"10\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"),
     (400,), CLOSED),
    ("chunk without its line end", chunked(b"11\r\n" + GOOD_BODY + b"0\r\n\r\n"), (400,), CLOSED),
    ("bare LF behind a chunk size", chunked(b"11\n" + GOOD_BODY + b"\r\n0\r\n\r\n"),
     (400,), CLOSED),
    ("bare LF behind a chunk", chunked(b"11\r\n" + GOOD_BODY + b"\n0\r\n\r\n"), (400,), CLOSED),
    ("NUL in a chunk extension", chunked(b"11;a=\0\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"),
     (400,), CLOSED),
    ("bare CR in a chunk extension", chunked(b"11;a\rb\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"),
     (400,), CLOSED),
    ("body one byte too long", put(b"Content-Length: %d\r\n" % (BODY_BYTES + 1),
                                   padded(BODY_BYTES + 1)), (413,), EITHER),
    ("body far too long by its length", put(b"Content-Length: 99999999999\r\n"), (413,), CLOSED),
    ("body too long, asked before", put(b"Expect: 100-continue\r\nContent-Length: 2000000\r\n"),
     (413,), CLOSED),
    ("chunked body one byte too long", chunked(
        b"%x\r\n" % (BODY_BYTES + 1) + padded(BODY_BYTES + 1) + b"\r\n0\r\n\r\n"), (413,), CLOSED),
    ("chunked body too long in small chunks", chunked(
        b"".join(b"400\r\n" + b" " * 1024 + b"\r\n" for _ in range(1025)) + b"0\r\n\r\n"),
     (413,), CLOSED),
]

# Good, and near to the bad ones: the same byte of difference must not refuse them.
GOOD = [
    ("request line at the limit", line_of(REQUEST_LINE_BYTES), (404,), KEPT),
    ("header at the limit", header_of(HEADER_BYTES), (200,), KEPT),
    ("fields at the limit", fields_of(HEADER_FIELDS), (200,), KEPT),
    ("HTTP/1.0 without Host", get(version=b"HTTP/1.0", fields=b""), (200,), CLOSED),
    ("HTTP/1.0 with keep-alive", get(version=b"HTTP/1.0", fields=b"Connection: keep-alive\r\n"),
     (200,), EITHER),
    ("Connection: close", get(fields=b"Host: localhost\r\nConnection: close\r\n"), (200,), CLOSED),
    ("absolute target", get(target=b"http://localhost/health"), (200,), KEPT),
    ("OPTIONS *", get(target=b"*", method=b"OPTIONS"), (200, 204), KEPT),
    ("empty value", get(fields=b"Host: localhost\r\nX-A:\r\n"), (200,), KEPT),
    ("white space around a value", get(fields=b"Host:\t localhost \t\r\n"), (200,), KEPT),
    ("non-ASCII value", get(fields=b"Host: localhost\r\nX-A: \xc3\xa4\r\n"), (200,), KEPT),
    ("empty line before the request", b"\r\n" + get(), (200,), KEPT),
    ("names in any case", get(fields=b"hOST: localhost\r\n"), (200,), KEPT),
    ("percent-encoded letters", get(target=b"/%68ealth"), (200,), KEPT),
    ("length 0 for GET", get(fields=b"Host: localhost\r\nContent-Length: 0\r\n"), (200,), KEPT),
    ("body for GET", get(fields=b"Host: localhost\r\nContent-Length: 3\r\n") + b"abc",
     (200, 400), KEPT),
]

# Good ones that write {"rating_type":2} to item 1 of user 1, which has it already.
GOOD_WRITES = [
    ("length", put(b"Content-Length: 17\r\n", GOOD_BODY), (200,), KEPT),
    ("length with leading zeros", put(b"Content-Length: 0017\r\n", GOOD_BODY), (200, 400), EITHER),
    ("one chunk", chunked(b"11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (200,), KEPT),
    ("many chunks", chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD_BODY) + b"0\r\n\r\n"),
     (200,), KEPT),
    ("Chunked in capitals", put(b"Transfer-Encoding: CHUNKED\r\n",
                                b"11\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (200,), KEPT),
    ("chunk extension", chunked(b'11;name=value;other="x y"\r\n' + GOOD_BODY + b"\r\n0\r\n\r\n"),
     (200,), KEPT),
    ("chunk size with zeros", chunked(b"00011\r\n" + GOOD_BODY + b"\r\n0\r\n\r\n"), (200,), KEPT),
    ("trailer", chunked(b"11\r\n" + GOOD_BODY + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"), (200,), KEPT),
    ("Expect: 100-continue", put(b"Expect: 100-continue\r\nContent-Length: 17\r\n", GOOD_BODY),
     (200,), KEPT),
    ("body at the limit", put(b"Content-Length: %d\r\n" % BODY_BYTES, padded(BODY_BYTES)),
     (200,), KEPT),
    ("chunked body at the limit",
     chunked(b"%x\r\n" % BODY_BYTES + padded(BODY_BYTES) + b"\r\n0\r\n\r\n"), (200,), KEPT),
]
