"""Two requests in one, made up by chance: a request A with something odd about where it ends, and a request B where its
body would be. What the named techniques (bodies.py, heads.py) leave out, chance may find.
"""

from __future__ import annotations

import random
import re

_LENGTHS = (
    "Content-Length: {n}",
    "content-length:{n}",
    "Content-Length:\t{n}",
    "Content-Length : {n}",
    " Content-Length: {n}",
    "Content-Length: +{n}",
    "Content-Length: -{n}",
    "Content-Length: 0x{n:x}",
    "Content-Length: {n}_0",
    "Content-Length: {n}, {n}",
    "Content-Length: 0, {n}",
    "Content-Length: {n}\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: {n}",
    "Content-Length: {n}\r\nContent-Length: {n}",
    "Content-Length: {n}\x00",
    "Content-Length: {n}\x0b",
    "Content-Length: {n};x",
    "Content-Length: \r\n {n}",
    "X: y\nContent-Length: {n}",
    "X: y\rContent-Length: {n}",
    "X:\r\n\tContent-Length: {n}",
    "Content-Length\x00: {n}",
    "Content-Length\t: {n}",
)
_CODINGS = (
    "Transfer-Encoding: chunked",
    "transfer-encoding:CHUNKED",
    "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: chunked\x0b",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding:\r\n chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding\x00: chunked",
    "Transfer-Encoding: ch\xfcnked",
)
_LINES = (
    "GET {a} HTTP/1.1",
    "POST {a} HTTP/1.1",
    "HEAD {a} HTTP/1.1",
    "GET {a} HTTP/1.0",
    "PUT {a} HTTP/1.1",
    "GET http://cache{a} HTTP/1.1",
    "GET /{a} HTTP/1.1",
    "GET {a}?x#y HTTP/1.1",
    "GET\t{a}\tHTTP/1.1",
    "GET  {a} HTTP/1.1",
    "GET {a} HTTP/1.2",
)

# A head that says in the one lawful way that no body follows: what comes then is a request of its own, as always.
_PLAINLY_NO_BODY = re.compile(
    rb"[A-Z]+ //?v2/[^\s#]+ HTTP/1\.1\r\n(?:(?:Host|Connection|Expect): [\w -]+\r\n)*"
    rb"content-length:[ \t]*0+\r\n(?:(?:Host|Connection|Expect): [\w -]+\r\n)*\r\n",
    re.IGNORECASE,
)


def answers_due(data: bytes) -> int:
    """How many answers a payload of this grammar gets, alone: every head that is odd is the last on its connection."""
    return 2 if _PLAINLY_NO_BODY.match(data) else 1


def gives_both(data: bytes) -> bool:
    """Is B a request of its own?"""
    plain = _PLAINLY_NO_BODY.match(data)
    return plain is not None and data.startswith(b"GET ", plain.end())


def payload(chance: random.Random, one: str, two: str) -> bytes:
    """A and B for these targets; B begins where a lenient or a strict reader may see A's end."""
    second = f"GET {two} HTTP/1.1\r\nHost: cache\r\n\r\n"
    body = chance.choice(
        (
            second,
            f"0\r\n\r\n{second}",
            f"{len(second):x}\r\n{second}\r\n0\r\n\r\n",
            f"0\r\nX: y\r\n\r\n{second}",
            f"0;a=b\r\n\r\n{second}",
            f"1\r\nZ\r\n0\r\n\r\n{second}",
            f"00000000000000000\r\n\r\n{second}",
            f"0_0\r\n\r\n{second}",
            f"-0\r\n\r\n{second}",
            f"0\n\n{second}",
            f"1\r\nZZ\r\n0\r\n\r\n{second}",
        )
    )
    lengths = (0, len(body), len(body) - len(second), 5)
    length = chance.choice(_LENGTHS).format(n=abs(chance.choice(lengths)))
    coding = chance.choice(_CODINGS)
    framing = chance.choice(([length], [coding], [length, coding], [coding, length]))
    headers = ["Host: cache", *framing]
    if chance.random() < 0.3:
        headers.append(
            chance.choice(("Connection: keep-alive", "Connection: Transfer-Encoding", "Expect: 100-continue"))
        )
    chance.shuffle(headers)
    line = chance.choice(_LINES if chance.random() < 0.4 else _LINES[:2]).format(a=one)
    end = "\n" if chance.random() < 0.05 else "\r\n"
    return (end.join([line, *headers]) + end * 2 + body).encode("latin-1")
