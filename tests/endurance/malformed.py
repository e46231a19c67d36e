"""Requests that a careful server refuses, one by one, and what it says to each: leniencies of others, and floods.

`{t}` stands for the right path and query, `{p}` for the path, `{q}` for the query. Rule for editors: a case carries the
right grant, so that whoever is lenient gives the blob away; what it is answered with stands beside it, because silence
proves nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """`status`: of the only answer, after which the connection ends unless `stays`. `may_be_cut`: more is sent than is
    read after the answer, and what is left then may cost the client the answer."""

    status: int
    sent: str
    stays: bool = False
    may_be_cut: bool = False


_GET = "GET {t} HTTP/1.1\r\nHost: cache\r\n"
_A_REQUEST = "GET /v2/ HTTP/1.1\r\nHost: cache\r\n\r\n"

# What bare Tornado 6.6.1 answers by 200, all of it. The last is answered by us as well: RFC 9112 (3.2) asks HTTP/1.1
# alone for a Host; raw_requests.py keeps it among what is right.
LENIENCIES_OF_TORNADO: dict[str, Case] = {
    "lines that end by LF": Case(400, "GET {t} HTTP/1.1\nHost: cache\n\n"),
    "a header hidden behind LF": Case(400, "GET {t} HTTP/1.1\r\nX: a\nHost: cache\r\n\r\n"),
    "the same length twice": Case(400, _GET + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    "a length as a list": Case(400, _GET + "Content-Length: 0, 0\r\n\r\n"),
    "chunks in the old version": Case(400, "GET {t} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "an absolute target": Case(400, "GET http://evil{t} HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "a target without its slash": Case(400, "GET v2{t} HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "a target of another host": Case(404, "GET //evil{t} HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "a raw byte of the other half": Case(400, "GET {t}&x=\xff HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "a fragment": Case(400, "GET {t}#x HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "an encoded NUL": Case(404, "GET {p}%00?{q} HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "an escape that is none": Case(404, "GET {p}%zz?{q} HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "a way up": Case(400, "GET /v2/../..{t} HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "an encoded way up": Case(400, "GET /v2/%2e%2e{t} HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "a version that nobody wrote": Case(505, "GET {t} HTTP/1.2\r\nHost: cache\r\n\r\n"),
    "a thousand headers": Case(431, _GET + "X: y\r\n" * 1000 + "\r\n"),
    "a name of 30,000 letters": Case(400, _GET + "X" * 30_000 + ": y\r\n\r\n"),
    "cookies by the thousand": Case(431, _GET + "Cookie: " + "a=b; " * 8000 + "\r\n\r\n"),
    "an empty line first": Case(400, "\r\n" + _GET + "\r\n"),
    "a GET with a body": Case(400, _GET + f"Content-Length: {len(_A_REQUEST)}\r\n\r\n" + _A_REQUEST),
    "a GET with a body in chunks": Case(400, _GET + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _A_REQUEST),
}
REFUSED_BY_OTHERS_TOO: dict[str, Case] = {
    "no host": Case(400, "GET {t} HTTP/1.1\r\n\r\n"),
    "two hosts": Case(400, _GET + "Host: evil\r\n\r\n"),
    "a folded header": Case(400, _GET + "X: a\r\n b\r\n\r\n"),
    "a space before the colon": Case(400, "GET {t} HTTP/1.1\r\nHost : cache\r\n\r\n"),
    "a tab for a space": Case(400, "GET\t{t}\tHTTP/1.1\r\nHost: cache\r\n\r\n"),
    "another method in its place": Case(
        405, "PUT {t} HTTP/1.1\r\nHost: cache\r\nX-HTTP-Method-Override: GET\r\n\r\n", stays=True
    ),
}
FLOODS: dict[str, Case] = {
    "a header of 64 KiB": Case(431, _GET + "X: " + "y" * 65_536 + "\r\n\r\n"),
    "a target of 64 KiB": Case(431, "GET {t}&x=" + "y" * 65_536 + " HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "four thousand parameters": Case(400, "GET {t}" + "&x=y" * 4000 + " HTTP/1.1\r\nHost: cache\r\n\r\n"),
    "two thousand grants": Case(403, "GET {t}" + "&grant" * 2600 + " HTTP/1.1\r\nHost: cache\r\n\r\n", stays=True),
    "a head of a megabyte": Case(431, _GET + "X: y\r\n" * 170_000, may_be_cut=True),
    "nothing but line ends": Case(400, "\r\n" * 100_000),
    "TLS where none is spoken": Case(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 500),
    "HTTP/2": Case(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00" * 100),
    "a body in chunks of one byte": Case(
        405,
        "POST {t} HTTP/1.1\r\nHost: cache\r\nTransfer-Encoding: chunked\r\n\r\n" + "1\r\nx\r\n" * 20_000 + "0\r\n\r\n",
    ),
}
