"""One payload: what is sent, what the cache answers to it alone, and the words that all of them are written in."""

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


HOST = "Host: cache\r\n"
GET = f"GET {{one}} HTTP/1.1\r\n{HOST}"
POST = f"POST {{one}} HTTP/1.1\r\n{HOST}"
CHUNKED = "Transfer-Encoding: chunked\r\n"
LENGTH = "Content-Length: {n}\r\n"
END = "0\r\n\r\n"
PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def digits(zero: int) -> str:
    """A zero of another script, as the bytes that UTF-8 has for it."""
    return chr(zero).encode().decode("latin-1")
