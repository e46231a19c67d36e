"""Payloads that hide a request where one reader sees an end and another does not: the known techniques, by name.

A payload is a request A for one blob, mostly with a request B for another hidden in what may be its body; each carries
a good grant, so that whoever takes B gives the blob away. `{one}` and `{two}` stand for their targets, `{hidden}` for
the whole of B, `{chunk}` for B as a chunk, `{x}` for its size in hexadecimal digits, `{s}` for the bytes of that line,
`{n}` for the bytes of all that follows the first empty line.

Rule for editors: what the cache answers, alone, stands beside each, because silence proves nothing. A second answer of
200 says that B is a request of its own, by RFC 9112; there only. A head that is refused, and one with a body, is the
last on its connection.
"""

from __future__ import annotations

from typing import NamedTuple


class Payload(NamedTuple):
    """`answers`: the statuses of all answers, where the cache is asked alone."""

    answers: tuple[int, ...]
    sent: str

    @property
    def gives_both(self) -> bool:
        return 200 in self.answers[1:]

    def written(self, one: str, two: str) -> bytes:
        """As it goes over the wire, for these targets."""
        hidden = f"GET {two} HTTP/1.1\r\nHost: cache\r\n\r\n"
        size = f"{len(hidden):x}"
        text = self.sent.replace("{chunk}", "{x}\r\n{hidden}\r\n")
        for name, value in (("x", size), ("s", str(len(size) + 2)), ("one", one), ("two", two), ("hidden", hidden)):
            text = text.replace(f"{{{name}}}", value)
        return text.replace("{n}", str(len(text.partition("\r\n\r\n")[2]))).encode("latin-1")


_HOST = "Host: cache\r\n"
_GET = f"GET {{one}} HTTP/1.1\r\n{_HOST}"
_POST = f"POST {{one}} HTTP/1.1\r\n{_HOST}"
_CHUNKED = "Transfer-Encoding: chunked\r\n"
_LENGTH = "Content-Length: {n}\r\n"
_END = "0\r\n\r\n"
_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _digits(zero: int) -> str:
    """A zero of another script, as the bytes that UTF-8 has for it."""
    return chr(zero).encode().decode("latin-1")


BOTH_FRAMINGS = {
    "CL.TE, the length first": Payload((400,), _POST + _LENGTH + _CHUNKED + "\r\n" + _END + "{hidden}"),
    "CL.TE, the coding first": Payload((400,), _POST + _CHUNKED + _LENGTH + "\r\n" + _END + "{hidden}"),
    "CL.TE that closes": Payload(
        (400,), _POST + "Connection: close\r\n" + _LENGTH + _CHUNKED + f"\r\n{_END}{{hidden}}"
    ),
    "CL.TE of a GET": Payload((400,), _GET + _LENGTH + _CHUNKED + "\r\n" + _END + "{hidden}"),
    "CL.TE of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{_HOST}{_LENGTH}{_CHUNKED}\r\n{_END}{{hidden}}"),
    "TE.CL, a length that ends behind the first size": Payload(
        (400,), _POST + "Content-Length: {s}\r\n" + _CHUNKED + "\r\n{chunk}" + _END
    ),
    "TE.CL, a length of nothing": Payload((400,), _POST + "Content-Length: 0\r\n" + _CHUNKED + "\r\n{hidden}"),
    "CL.0": Payload((405,), _POST + _LENGTH + "\r\n{hidden}"),
    "CL.0 of a GET": Payload((400,), _GET + _LENGTH + "\r\n{hidden}"),
    "CL.0 of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{_HOST}{_LENGTH}\r\n{{hidden}}"),
    "CL.0 of OPTIONS": Payload((200,), f"OPTIONS {{one}} HTTP/1.1\r\n{_HOST}{_LENGTH}\r\n{{hidden}}"),
    "CL.0 of DELETE": Payload((405,), f"DELETE {{one}} HTTP/1.1\r\n{_HOST}{_LENGTH}\r\n{{hidden}}"),
    "TE.0": Payload((405,), _POST + _CHUNKED + "\r\n{chunk}" + _END),
    "TE.0 of a GET": Payload((400,), _GET + _CHUNKED + "\r\n{chunk}" + _END),
    "TE.0 of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{_HOST}{_CHUNKED}\r\n{{chunk}}{_END}"),
    "0.CL, a length too large by one request": Payload((405,), _POST + "Content-Length: 9999\r\n\r\n{hidden}"),
    "a body, and a request behind it": Payload((405,), _POST + "Content-Length: 5\r\n\r\nabcde{hidden}"),
    "a body in chunks, and a request behind it": Payload(
        (405,), f"{_POST}{_CHUNKED}\r\n5\r\nabcde\r\n{_END}{{hidden}}"
    ),
}

# A reader of lengths swallows B, a reader of chunks takes it for a request.
_CODING_NAMES = {
    "a space before the colon": (400, "Transfer-Encoding : chunked"),
    "a tab before the colon": (400, "Transfer-Encoding\t: chunked"),
    "a space before it": (400, " Transfer-Encoding: chunked"),
    "a tab before it": (400, "\tTransfer-Encoding: chunked"),
    "a vertical tab before it": (400, "\x0bTransfer-Encoding: chunked"),
    "an underscore": (405, "Transfer_Encoding: chunked"),
    "no hyphen": (405, "TransferEncoding: chunked"),
    "a backslash": (400, "Transfer\\Encoding: chunked"),
    "a NUL behind it": (400, "Transfer-Encoding\x00: chunked"),
    "a high byte before it": (400, "\xefTransfer-Encoding: chunked"),
    "an accent": (400, "Transf\xe9r-Encoding: chunked"),
    "quotes": (400, '"Transfer-Encoding": chunked'),
    "two colons": (400, "Transfer-Encoding:: chunked"),
    "an equals sign": (400, "Transfer-Encoding= chunked"),
    "no colon": (400, "Transfer-Encoding chunked"),
    "a CR in it": (400, "Transfer-\rEncoding: chunked"),
    "a fold in it": (400, "Transfer-\r\n Encoding: chunked"),
    "a header's LF before it": (400, "X: y\nTransfer-Encoding: chunked"),
    "a header's CR before it": (400, "X: y\rTransfer-Encoding: chunked"),
    "a header's escaped line end before it": (405, "X: y%0d%0aTransfer-Encoding: chunked"),
    "a line end of two high bytes before it": (405, "X: y\xc4\x8d\xc4\x8aTransfer-Encoding: chunked"),
    "an empty header before it": (400, ":\r\nTransfer-Encoding: chunked"),
    "a namesake": (405, "Content-Encoding: chunked"),
}
# A reader of chunks finds none, a reader that sees no coding takes B for a request.
_CODING_VALUES = {
    "in capitals": (405, "CHUNKED"),
    "with spaces around it": (405, "   chunked\t "),
    "with no space": (405, "chunked"),
    "a letter before it": (400, "xchunked"),
    "cut short": (400, "chunk"),
    "empty": (400, ""),
    "identity": (400, "identity"),
    "then identity": (400, "chunked, identity"),
    "identity first": (400, "identity, chunked"),
    "twice in a list": (400, "chunked, chunked"),
    "compressed first": (400, "gzip, chunked"),
    "a comma before it": (400, ",chunked"),
    "a comma behind it": (400, "chunked,"),
    "with a parameter": (400, "chunked;q=1"),
    "in quotes": (400, '"chunked"'),
    "a word behind it": (400, "chunked x"),
    "a backslash behind it": (400, "chunked\\"),
    "a vertical tab before it": (400, "\x0bchunked"),
    "a form feed behind it": (400, "chunked\x0c"),
    "a NUL before it": (400, "\x00chunked"),
    "a NUL behind it": (400, "chunked\x00"),
    "a CR before it": (400, "\rchunked"),
    "spaces of another half": (400, "\xa0chunked\x85"),
    "an umlaut": (400, "ch\xfcnked"),
    "the sign for kelvin": (400, "chun\xe2\x84\xaaed"),
    "folded": (400, "\r\n chunked"),
    "folded by a tab": (400, "\r\n\tchunked"),
    "a fold behind it": (400, "chunked\r\n "),
    "in two headers": (400, "chunked\r\nTransfer-Encoding: chunked"),
    "identity in a second header": (400, "chunked\r\nTransfer-Encoding: identity"),
    "identity in a first header": (400, "identity\r\nTransfer-Encoding: chunked"),
    "a second header in capitals": (400, "x\r\nTRANSFER-ENCODING: chunked"),
}
CODINGS = {
    **{
        f"TE.TE, the name: {name}": Payload((status,), f"{_POST}{line}\r\n{_LENGTH}\r\n{_END}{{hidden}}")
        for name, (status, line) in _CODING_NAMES.items()
    },
    **{
        f"TE.TE, the value: {name}": Payload((status,), f"{_POST}Transfer-Encoding:{value}\r\n\r\n{{hidden}}")
        for name, (status, value) in _CODING_VALUES.items()
    },
    "TE.TE, the first header, indented": Payload(
        (400,), f"POST {{one}} HTTP/1.1\r\n {_CHUNKED}{_HOST}{_LENGTH}\r\n{_END}{{hidden}}"
    ),
    "TE.TE, in the old version": Payload((400,), f"POST {{one}} HTTP/1.0\r\n{_HOST}{_CHUNKED}\r\n{_END}{{hidden}}"),
}

# The cache reads no body: for the proxy before it these are the riddle, for the cache what the proxy makes of them.
_CHUNKS = {
    "a plus": "+0\r\n\r\n{hidden}",
    "a minus": "-0\r\n\r\n{hidden}",
    "a minus before a size": "-1\r\nZ\r\n0\r\n\r\n{hidden}",
    "0x": "0x0\r\n\r\n{hidden}",
    "0x before B's size": "0x{x}\r\n{hidden}\r\n0\r\n\r\n",
    "a space before it": " 0\r\n\r\n{hidden}",
    "a space behind it": "0 \r\n\r\n{hidden}",
    "a tab before it": "\t0\r\n\r\n{hidden}",
    "an underscore": "0_{x}\r\n{hidden}\r\n0\r\n\r\n",
    "a comma": "0,{x}\r\n{hidden}\r\n0\r\n\r\n",
    "no size": "\r\n\r\n{hidden}",
    "no digit": "g\r\n\r\n{hidden}",
    "a zero of another script": f"{_digits(0x0660)}\r\n\r\n{{hidden}}",
    "a digit as wide as a letter": f"{_digits(0xFF10)}\r\n\r\n{{hidden}}",
    "zeros before it": "00000000000000000000\r\n\r\n{hidden}",
    "zeros before B's size": "0000000000000000{x}\r\n{hidden}\r\n0\r\n\r\n",
    "2^31": "80000000\r\n{hidden}\r\n0\r\n\r\n",
    "2^32": "100000000\r\n\r\n{hidden}",
    "2^32 and B's size": "100000{x}\r\n{hidden}\r\n0\r\n\r\n",
    "2^63": "8000000000000000\r\n{hidden}\r\n0\r\n\r\n",
    "2^64 - 1": "ffffffffffffffff\r\n{hidden}\r\n0\r\n\r\n",
    "2^64": "10000000000000000\r\n\r\n{hidden}",
    "2^64 and B's size": "10000000000000{x}\r\n{hidden}\r\n0\r\n\r\n",
    "an extension": "0;a=b\r\n\r\n{hidden}",
    "an extension without a name": "0;\r\n\r\n{hidden}",
    "an extension with LF": "1;a\nZ\r\n0\r\n\r\n{hidden}",
    "an extension with CR": "1;a\rZ\r\n0\r\n\r\n{hidden}",
    "an extension with a NUL": "0;\x00\r\n\r\n{hidden}",
    "an extension with a quoted line end": '5;a="\r\nabcde\r\n0\r\n\r\n{hidden}',
    "an extension without a semicolon": "0 a=b\r\n\r\n{hidden}",
    "data longer than its size": "1\r\nZZ\r\n0\r\n\r\n{hidden}",
    "data shorter than its size": "5\r\nZ\r\n0\r\n\r\n{hidden}",
    "no line end behind the data": "1\r\nZ0\r\n\r\n{hidden}",
    "LF behind the size": "1\nZ\r\n0\r\n\r\n{hidden}",
    "LF behind the data": "1\r\nZ\n0\r\n\r\n{hidden}",
    "CR behind the size": "1\rZ\r\n0\r\n\r\n{hidden}",
    "two other letters for the line end": "1\r\nZxx0\r\n\r\n{hidden}",
    "no last one": "{chunk}",
    "two last ones": "0\r\n\r\n0\r\n\r\n{hidden}",
    "a last one that ends by LF": "0\n\n{hidden}",
    "a last one that ends half by LF": "0\r\n\n{hidden}",
    "a last one without its empty line": "0\r\n{hidden}",
    "a trailer": "0\r\nX: y\r\n\r\n{hidden}",
    "a trailer that is a length": "0\r\nContent-Length: {s}\r\n\r\n{hidden}",
    "a trailer that is a coding": "0\r\nTransfer-Encoding: chunked\r\n\r\n{hidden}",
    "a trailer that is a host": "0\r\nHost: evil\r\n\r\n{hidden}",
    "a trailer without a colon": "0\r\nX\r\n\r\n{hidden}",
    "a trailer with LF": "0\r\nX: y\n\n{hidden}",
    "a folded trailer": "0\r\nX: y\r\n z\r\n\r\n{hidden}",
}
CHUNKS = {f"chunks: {name}": Payload((405,), f"{_POST}{_CHUNKED}\r\n{body}") for name, body in _CHUNKS.items()}

_LENGTHS = {
    "nothing": ((405, 200), "Content-Length: 0"),
    "nothing, twice written": ((405, 200), "Content-Length: 00"),
    "zeros before it": ((405,), "Content-Length: 000{n}"),
    "a plus": ((400,), "Content-Length: +{n}"),
    "a minus": ((400,), "Content-Length: -{n}"),
    "a minus before nothing": ((400,), "Content-Length: -0"),
    "0x": ((400,), "Content-Length: 0x{n}"),
    "a fraction": ((400,), "Content-Length: 0.0"),
    "an exponent": ((400,), "Content-Length: 0e9"),
    "a space in it": ((400,), "Content-Length: 0 {n}"),
    "an underscore": ((400,), "Content-Length: 0_{n}"),
    "a parameter": ((400,), "Content-Length: 0;{n}"),
    "empty": ((400,), "Content-Length: "),
    "a word": ((400,), "Content-Length: none"),
    "a list of equal ones": ((400,), "Content-Length: {n}, {n}"),
    "a list of unequal ones": ((400,), "Content-Length: 0, {n}"),
    "a list with nothing in it": ((400,), "Content-Length: {n},"),
    "two headers of equal ones": ((400,), "Content-Length: {n}\r\nContent-Length: {n}"),
    "two headers, the first nothing": ((400,), "Content-Length: 0\r\nContent-Length: {n}"),
    "two headers, the second nothing": ((400,), "Content-Length: {n}\r\ncontent-length: 0"),
    "2^32": ((405,), "Content-Length: 4294967296"),
    "2^63": ((400,), "Content-Length: 9223372036854775808"),
    "2^64": ((400,), "Content-Length: 18446744073709551616"),
    "a hundred digits": ((400,), "Content-Length: " + "9" * 100),
    "a NUL behind it": ((400,), "Content-Length: 0\x00"),
    "a vertical tab behind it": ((400,), "Content-Length: 0\x0b"),
    "a space of another half": ((400,), "Content-Length: \xa00"),
    "a zero of another script": ((400,), f"Content-Length: {_digits(0x0660)}"),
    "a zero that is small and raised": ((400,), f"Content-Length: {_digits(0x2070)}"),
    "folded": ((400,), "Content-Length:\r\n {n}"),
    "a space before the colon": ((400,), "Content-Length : {n}"),
    "a space before the name": ((400,), " Content-Length: {n}"),
    "a NUL behind the name": ((400,), "Content-Length\x00: {n}"),
    "an underscore in the name": ((405, 200), "Content_Length: {n}"),
    "a header's CR before it": ((400,), "X: y\rContent-Length: {n}"),
    "a header's LF before it": ((400,), "X: y\nContent-Length: {n}"),
}
LENGTHS = {
    f"length: {name}": Payload(answers, f"{_POST}{line}\r\n\r\n{{hidden}}")
    for name, (answers, line) in _LENGTHS.items()
}

VERSIONS = {
    "HTTP/0.9": Payload((400,), "GET {one}\r\n\r\n{hidden}"),
    "HTTP/0.9 with one line end": Payload((400,), "GET {one}\r\n{hidden}"),
    "HTTP/1.0": Payload((200,), "GET {one} HTTP/1.0\r\n\r\n{hidden}"),
    "HTTP/1.0 that stays": Payload((200,), "GET {one} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{hidden}"),
    "HTTP/1.0 that stays, with a body": Payload(
        (400,), f"GET {{one}} HTTP/1.0\r\nConnection: keep-alive\r\n{_LENGTH}\r\n{{hidden}}"
    ),
    "HTTP/1.2": Payload((505,), f"GET {{one}} HTTP/1.2\r\n{_HOST}\r\n{{hidden}}"),
    "HTTP/1.10": Payload((400,), f"GET {{one}} HTTP/1.10\r\n{_HOST}\r\n{{hidden}}"),
    "HTTP/01.1": Payload((400,), f"GET {{one}} HTTP/01.1\r\n{_HOST}\r\n{{hidden}}"),
    "http/1.1": Payload((400,), f"GET {{one}} http/1.1\r\n{_HOST}\r\n{{hidden}}"),
    "HTTP/1.1 and a space": Payload((400,), f"GET {{one}} HTTP/1.1 \r\n{_HOST}\r\n{{hidden}}"),
    "HTTP/1.1 twice": Payload((400,), f"GET {{one}} HTTP/1.1 HTTP/1.1\r\n{_HOST}\r\n{{hidden}}"),
    "HTTP/2's preface": Payload((505,), _PREFACE + "{hidden}"),
    "HTTP/2's preface behind a request": Payload((200, 505), _GET + "\r\n" + _PREFACE + "{hidden}"),
    "an upgrade to h2c": Payload(
        (200, 505),
        _GET + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + _PREFACE,
    ),
    "an upgrade to h2c, and no HTTP/2": Payload(
        (200, 200), f"{_GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n{{hidden}}"
    ),
    "an upgrade to websocket": Payload(
        (200, 200), f"{_GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n{{hidden}}"
    ),
}

_TARGETS = {
    "absolute": ((400,), "GET http://cache{one} HTTP/1.1"),
    "absolute, of another host": ((400,), "GET http://evil{one} HTTP/1.1"),
    "absolute, with a name and password": ((400,), "GET http://a:b@cache{one} HTTP/1.1"),
    "an authority": ((400,), "GET cache:80 HTTP/1.1"),
    "a star": ((400,), "GET * HTTP/1.1"),
    "a star, asked for options": ((400,), "OPTIONS * HTTP/1.1"),
    "CONNECT to an authority": ((400,), "CONNECT cache:443 HTTP/1.1"),
    "CONNECT to a path": ((405, 200), "CONNECT {one} HTTP/1.1"),
    "no slash": ((400,), "GET v2{one} HTTP/1.1"),
    "two slashes": ((404, 200), "GET /{one} HTTP/1.1"),
    "backslashes": ((400,), "GET \\v2{one} HTTP/1.1"),
    "an encoded slash": ((404, 200), "GET /v2%2fone{one} HTTP/1.1"),
    "a way up": ((400, 200), "GET /v2/..{one} HTTP/1.1"),
    "an encoded way up": ((400, 200), "GET /v2/%2e%2e{one} HTTP/1.1"),
    "an encoded NUL": ((404, 200), "GET /%00{one} HTTP/1.1"),
    "an encoded line end": ((200, 200), "GET {one}&x=%0d%0aContent-Length:%205 HTTP/1.1"),
    "a fragment": ((400,), "GET {one}#x HTTP/1.1"),
    "a fragment before the path": ((400,), "GET #{one} HTTP/1.1"),
    "a space in it": ((400,), "GET {one}&x=a b HTTP/1.1"),
    "a high byte": ((400,), "GET {one}&x=\xff HTTP/1.1"),
    "a NUL": ((400,), "GET {one}\x00 HTTP/1.1"),
    "two spaces before it": ((400,), "GET  {one} HTTP/1.1"),
    "many spaces": ((400,), "GET     {one}     HTTP/1.1"),
    "tabs for spaces": ((400,), "GET\t{one}\tHTTP/1.1"),
    "CR for a space": ((400,), "GET {one}\rHTTP/1.1"),
    "LF for a space": ((400,), "GET {one}\nHTTP/1.1"),
    "a space before the line": ((400,), " GET {one} HTTP/1.1"),
    "an empty line before the line": ((400,), "\r\nGET {one} HTTP/1.1"),
    "a method in small letters": ((400,), "get {one} HTTP/1.1"),
    "a method with a longer name": ((405, 200), "GETX {one} HTTP/1.1"),
    "a method with signs in it": ((400,), "GET;X {one} HTTP/1.1"),
}
TARGETS = {
    f"target: {name}": Payload(answers, f"{line}\r\n{_HOST}\r\n{{hidden}}")
    for name, (answers, line) in _TARGETS.items()
}

_HEADERS = {
    "Connection names the length": ((405,), _POST, f"Connection: Content-Length\r\n{_LENGTH}"),
    "Connection names the coding": ((405,), _POST, f"Connection: close, Transfer-Encoding\r\n{_CHUNKED}"),
    "Connection names the coding, with both": ((400,), _POST, f"Connection: Transfer-Encoding\r\n{_LENGTH}{_CHUNKED}"),
    "Connection names the host": ((200, 200), _GET, "Connection: Host\r\n"),
    "Connection says to stay and to close": ((200,), _GET, "Connection: keep-alive, close\r\n"),
    "Expect with a body": ((405,), _POST, f"Expect: 100-continue\r\n{_LENGTH}"),
    "Expect with a body in chunks": ((405,), _POST, f"Expect: 100-continue\r\n{_CHUNKED}"),
    "Expect with a body to a GET": ((400,), _GET, f"Expect: 100-continue\r\n{_LENGTH}"),
    "Expect without a body": ((200, 200), _GET, "Expect: 100-continue\r\n"),
    "Expect what nobody knows": ((405,), _POST, f"Expect: y 100-continue\r\n{_LENGTH}"),
    "Expect, folded": ((400,), _POST, f"Expect:\r\n 100-continue\r\n{_LENGTH}"),
    "the host again": ((400,), _GET, f"{_HOST}"),
    "another host": ((400,), _GET, "Host: evil\r\n"),
    "another host in small letters, with a space": ((400,), _GET, "host : evil\r\n"),
    "a folded header": ((400,), _GET, "X: a\r\n b\r\n"),
    "a header folded into nothing": ((400,), _GET, "X: a\r\n \r\n"),
    "an empty name": ((400,), _GET, ": x\r\n"),
    "only a colon": ((400,), _GET, ":\r\n"),
    "no colon": ((400,), _GET, "X\r\n"),
    "a space in the name": ((400,), _GET, "X Y: z\r\n"),
    "a NUL in the value": ((400,), _GET, "X: a\x00b\r\n"),
    "a DEL in the value": ((400,), _GET, "X: a\x7fb\r\n"),
    "two LF in a value": ((400,), _GET, "X:\n\nGET {two} HTTP/1.1\nHost: cache\n\n\r\n"),
    "another method said in a header": ((405, 200), _POST, "X-HTTP-Method-Override: GET\r\n"),
    "another target said in a header": ((200, 200), _GET, "X-Original-URL: {two}\r\nX-Rewrite-URL: {two}\r\n"),
}
HEADERS = {
    f"header: {name}": Payload(answers, f"{head}{lines}\r\n{{hidden}}")
    for name, (answers, head, lines) in _HEADERS.items()
}

ENDS_AND_ROWS = {
    "no host": Payload((400,), "GET {one} HTTP/1.1\r\n\r\n{hidden}"),
    "a list of hosts": Payload((400,), "GET {one} HTTP/1.1\r\nHost: cache, evil\r\n\r\n{hidden}"),
    "a host with a path": Payload((400,), "GET {one} HTTP/1.1\r\nHost: cache/evil\r\n\r\n{hidden}"),
    "a host with a name before it": Payload((400,), "GET {one} HTTP/1.1\r\nHost: evil@cache\r\n\r\n{hidden}"),
    "an empty host": Payload((200, 200), "GET {one} HTTP/1.1\r\nHost:\r\n\r\n{hidden}"),
    "lines end by LF": Payload((400,), "GET {one} HTTP/1.1\nHost: cache\n\n{hidden}"),
    "lines end by CR": Payload((400,), "GET {one} HTTP/1.1\rHost: cache\r\r{hidden}"),
    "lines end by CR, and nothing follows": Payload((), "GET {one} HTTP/1.1\rHost: cache\r\r"),
    "the head ends by LF": Payload((400,), _GET + "\n{hidden}"),
    "the head ends by CR": Payload((400,), _GET + "\r{hidden}"),
    "the head ends by CR CR LF": Payload((400,), "GET {one} HTTP/1.1\r\nHost: cache\r\r\n\r\n{hidden}"),
    "the head does not end": Payload((), _GET),
    "two requests": Payload((200, 200), _GET + "\r\n{hidden}"),
    "three requests": Payload((200, 200, 200), f"{_GET}\r\nHEAD {{one}} HTTP/1.1\r\n{_HOST}\r\n{{hidden}}"),
    "a HEAD and a request": Payload((200, 200), f"HEAD {{one}} HTTP/1.1\r\n{_HOST}\r\n{{hidden}}"),
    "an empty line between two requests": Payload((200, 400), _GET + "\r\n\r\n{hidden}"),
    "a request, and half of one": Payload((200,), _GET + "\r\nGET {two} HTTP/1.1\r\nX: "),
    "a request that closes, and another": Payload((200,), _GET + "Connection: close\r\n\r\n{hidden}"),
    "a request, and one with a body": Payload((200, 405), _GET + "\r\n" + _POST + "Content-Length: 9\r\n\r\n{hidden}"),
}

TABLE: dict[str, Payload] = {
    **BOTH_FRAMINGS,
    **CODINGS,
    **CHUNKS,
    **LENGTHS,
    **VERSIONS,
    **TARGETS,
    **HEADERS,
    **ENDS_AND_ROWS,
}
