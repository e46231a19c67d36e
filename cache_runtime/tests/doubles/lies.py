"""What an upstream may do instead of sending a blob: a catalogue of faults, each at a position and in a framing.

`BODY_LIES` and `HEAD_LIES` give wrong answers; `ODD_TRUTHS` give right ones in ways that a lenient or a hasty reader
gets wrong. A fault answers the first request of a blob and every later one the same way, with `Range` or without.
"""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable

from .upstream import Answering, Fault

FRAMINGS = ("length", "chunked", "until-close")
Lie = Callable[[Answering, bytes, int, str], None]  # answering, the asked bytes, position in them, framing


def send(
    answering: Answering,
    data: bytes,
    framing: str,
    *,
    cut: int | None = None,
    claim: int | None = None,
    status: str = "",
    **headers: object,
) -> None:
    """`data` in its framing, as an answer to what was asked, or with another `status`; `cut`: only so many bytes, then
    the end of the connection. `claim`: another length than `data` has."""
    extra = dict(headers)
    if not status and "range" in answering.asked.headers:
        start, total = answering.asked.start, len(answering.blob)
        status = "206 Partial Content"
        extra.setdefault("Content_Range", f"bytes {start}-{start + len(data) - 1}/{total}")
    if framing == "length":
        extra["Content_Length"] = len(data) if claim is None else claim
    elif framing == "chunked":
        extra["Transfer_Encoding"] = "chunked"
    else:
        extra["Connection"] = "close"
    answering.head(status or "200 OK", **extra)
    sent = data if cut is None else data[:cut]
    if framing == "chunked":
        for at in range(0, len(sent), 50_000):
            piece = sent[at : at + 50_000]
            answering.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        if cut is None:
            answering.sock.sendall(b"0\r\n\r\n")
    else:
        answering.body(sent)
    if cut is not None or framing == "until-close":
        end(answering)


def end(answering: Answering) -> None:
    answering.sock.shutdown(socket.SHUT_RDWR)


def _changed(change: Callable[[bytes, int], bytes]) -> Lie:
    return lambda answering, data, at, framing: send(answering, change(data, at), framing)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _begin(answering: Answering, data: bytes, at: int, framing: str) -> None:
    """A right head, and what is right before the position, in its framing."""
    send_head(answering, framing, len(data))
    answering.body(b"%x\r\n%s" % (len(data), data[:at]) if framing == "chunked" else data[:at])


def _reset(answering: Answering, data: bytes, at: int, framing: str) -> None:
    _begin(answering, data, at, framing)
    answering.reset()


def _stall(answering: Answering, data: bytes, at: int, framing: str) -> None:
    _begin(answering, data, at, framing)
    answering.upstream.release.wait(20)


def _dripping(drops: int, every_s: float) -> Lie:
    """So many bytes from the position on, one at a time; then all the rest at once."""

    def lie(answering: Answering, data: bytes, at: int, framing: str) -> None:
        _begin(answering, data, at, framing)
        slow = data[at : at + drops]
        for byte in slow:
            time.sleep(every_s)
            answering.body(bytes([byte]))
        answering.body(data[at + len(slow) :])
        if framing == "chunked":
            answering.body(b"\r\n0\r\n\r\n")
        if framing == "until-close":
            end(answering)

    return lie


def _flip_and_cut(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send(answering, _flip(data, at), framing, cut=min(at + 1000, len(data) - 1))


BODY_LIES: dict[str, Lie] = {
    "a flipped bit": _changed(_flip),
    "a byte too few": _changed(lambda data, at: data[:at] + data[at + 1 :]),
    "a byte too many": _changed(lambda data, at: data[:at] + b"!" + data[at:]),
    "zeros to the end": _changed(lambda data, at: data[:at] + bytes(len(data) - at)),
    "bytes exchanged": _changed(lambda data, at: data[at:] + data[:at]),
    "garbage behind the end": _changed(lambda data, at: data + b"garbage" * 20),
    "a page behind a portal": _changed(lambda data, at: b"<html>please log in</html>" * (1 + at % 7)),
    "nothing at all": _changed(lambda data, at: b""),
    "only the beginning": _changed(lambda data, at: data[:at]),
    "a break": lambda answering, data, at, framing: send(answering, data, framing, cut=at),
    "a flipped bit, then a break": _flip_and_cut,
    "a reset": _reset,
}
"""Each wrong at a position."""

_CUT = "\r\n\r\n"


def _raw(text: str, with_body: bool = True) -> Lie:
    """A head as it stands; `{n}` is the number of the asked bytes, which follow. Then the end of the connection."""

    def lie(answering: Answering, data: bytes, at: int, framing: str) -> None:
        answering.sock.sendall(
            text.replace("{n}", str(len(data))).replace("{half}", str(len(data) // 2)).encode("latin-1")
        )
        if with_body:
            answering.body(data)
        end(answering)

    return lie


def _status(line: str, *headers: str, body: str = "no") -> Lie:
    extra = "".join(f"{header}\r\n" for header in headers)
    text = f"HTTP/1.1 {line}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    return lambda answering, data, at, framing: answering.sock.sendall(text.encode())


def _coded(name: str, encode: Callable[[bytes], bytes] = lambda data: data) -> Lie:
    return lambda answering, data, at, framing: send(answering, encode(data), framing, Content_Encoding=name)


def _partial(content_range: str | None, **headers: str) -> Lie:
    def lie(answering: Answering, data: bytes, at: int, framing: str) -> None:
        extra: dict[str, object] = dict(headers)
        if content_range is not None:
            first, total = answering.asked.start, len(answering.blob)
            extra["Content_Range"] = content_range.format(first=first, next=first + 1, last=total - 1, total=total)
        send(answering, data, framing, status="206 Partial Content", **extra)

    return lie


_OK = "HTTP/1.1 200 OK\r\n"
FRAMED_HEAD_LIES: dict[str, Lie] = {
    "an encoded body": _coded("gzip", gzip.compress),
    "a body that says it is encoded": _coded("br"),
    "a body encoded twice by name": _coded("identity, gzip"),
    "a part that begins elsewhere": _partial("bytes {next}-{last}/{total}"),
    "a part of unknown length": _partial("bytes {first}-{last}/*"),
    "a part without a place": _partial(None),
    "a part of another unit": _partial("items {first}-{last}/{total}"),
    "several parts": _partial(None, Content_Type="multipart/byteranges; boundary=x"),
}
"""Wrong before the body, whatever its framing."""

HEAD_LIES: dict[str, Lie] = {
    **FRAMED_HEAD_LIES,
    "a negative length": _raw(f"{_OK}Content-Length: -{{n}}{_CUT}"),
    "a length with a sign": _raw(f"{_OK}Content-Length: +{{n}}{_CUT}"),
    "a length in other digits": _raw(f"{_OK}Content-Length: \xb2{{n}}{_CUT}"),
    "two lengths": _raw(f"{_OK}Content-Length: {{half}}\r\nContent-Length: {{n}}{_CUT}"),
    "a length twice in one": _raw(f"{_OK}Content-Length: {{half}}, {{half}}{_CUT}"),
    "half the length": _raw(f"{_OK}Content-Length: {{half}}{_CUT}"),
    "an endless length": _raw(f"{_OK}Content-Length: 99999999999999999999{_CUT}"),
    "a length that no volume has": _raw(f"{_OK}Content-Length: 999999999999999{_CUT}"),
    "length and chunks": _raw(f"{_OK}Content-Length: {{half}}\r\nTransfer-Encoding: chunked{_CUT}"),
    "an unknown coding": _raw(f"{_OK}Transfer-Encoding: gzip, chunked{_CUT}"),
    "chunks in the old version": _raw(f"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked{_CUT}"),
    "a chunk without a size": _raw(f"{_OK}Transfer-Encoding: chunked{_CUT}xyz\r\n"),
    "a chunk of negative size": _raw(f"{_OK}Transfer-Encoding: chunked{_CUT}-5\r\n"),
    "a chunk that is longer than it says": _raw(f"{_OK}Transfer-Encoding: chunked{_CUT}10\r\n"),
    "an endless chunk header": _raw(f"{_OK}Transfer-Encoding: chunked{_CUT}" + "1" * 30_000),
    "another version": _raw(f"HTTP/2.0 200 OK\r\nContent-Length: {{n}}{_CUT}"),
    "another protocol": _raw("SSH-2.0-OpenSSH_9.2p1 Debian\r\n", with_body=False),
    "no head at all": _raw("", with_body=True),
    "half a head": _raw("HTTP/1.1 200 OK\r\nContent-Le", with_body=False),
    "an endless head": _raw(_OK + "".join(f"X-{number}: {'y' * 900}\r\n" for number in range(90)), with_body=False),
    "a header without a name": _raw(f"{_OK}: {{n}}{_CUT}"),
    "a space before the colon": _raw(f"{_OK}Content-Length : {{n}}{_CUT}"),
    "a folded header": _raw(f"{_OK}X: a\r\n b\r\nContent-Length: {{n}}{_CUT}"),
    "a NUL in a header": _raw(f"{_OK}X: a\x00b\r\nContent-Length: {{n}}{_CUT}"),
    "lines that end by LF": _raw("HTTP/1.1 200 OK\nContent-Length: {n}\n\n"),
    "promises without end": _raw("HTTP/1.1 100 Continue\r\n\r\n" * 50, with_body=False),
    "another protocol offered": _raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
    "no content": _raw("HTTP/1.1 204 No Content\r\n\r\n"),
    "nothing new": _raw("HTTP/1.1 304 Not Modified\r\n\r\n"),
    "a redirect to itself": _status("307 Temporary Redirect", "Location: /v2/"),
    "a redirect elsewhere": _status("302 Found", "Location: http://169.254.169.254/latest/meta-data/"),
    "a redirect to nowhere": _status("307 Temporary Redirect"),
    "a status of its own": _status("299 Whatever"),
    "it is asked wrongly": _status("400 Bad Request"),
    "no such range": _status("416 Range Not Satisfiable"),
    "too many requests": _status("429 Too Many Requests"),
    "an internal error": _status("500 Internal Server Error", body="<html>oops</html>"),
    "a bad gateway": _status("502 Bad Gateway"),
    "out of service": _status("503 Service Unavailable"),
    "a gateway that waited": _status("504 Gateway Timeout"),
}
"""Wrong before the body."""


def _single_byte_chunks(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send_head(answering, "chunked", len(data))
    for begin in range(0, len(data), 4096):
        piece = data[begin : begin + 4096]
        answering.sock.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in piece))
    answering.sock.sendall(b"0\r\n\r\n")


def send_head(answering: Answering, framing: str, length: int) -> None:
    """Of a right answer to what was asked, whose body has `length` bytes."""
    extra: dict[str, object] = {
        "length": {"Content_Length": length},
        "chunked": {"Transfer_Encoding": "chunked"},
        "until-close": {"Connection": "close"},
    }[framing]
    if "range" in answering.asked.headers:
        start, total = answering.asked.start, len(answering.blob)
        content_range = f"bytes {start}-{start + length - 1}/{total}"
        answering.head("206 Partial Content", Content_Range=content_range, **extra)
    else:
        answering.head("200 OK", **extra)


def _promise_first(answering: Answering, data: bytes, at: int, framing: str) -> None:
    answering.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    send(answering, data, framing)


def _odd_chunks(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send_head(answering, "chunked", len(data))
    for piece in (data[:at], data[at:]):
        if piece:
            answering.sock.sendall(b'00%X ;note="a;b"\r\n%s\r\n' % (len(piece), piece))
    answering.sock.sendall(b"000\r\nExpires: never\r\nX: y\r\n\r\n")


def _in_drops(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send_head(answering, "length", len(data))
    for piece in (data[:1], data[1:at], data[at : at + 1], data[at + 1 :]):
        answering.body(piece)


def _more_behind(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send(answering, data, framing)
    answering.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")


def _whole_for_a_part(answering: Answering, data: bytes, at: int, framing: str) -> None:
    send(answering, answering.blob, framing, status="200 OK")


ODD_TRUTHS: dict[str, Lie] = {
    "chunks of one byte": _single_byte_chunks,
    "promises before the answer": _promise_first,
    "chunks with extensions and trailers": _odd_chunks,
    "drops": _in_drops,
    "an answer nobody asked for behind it": _more_behind,
    "the whole where a part was asked": _whole_for_a_part,
    "chunks without an end": lambda answering, data, at, framing: send(answering, data, "chunked", cut=len(data)),
}
"""Right, if read with care."""

FRAMINGS_OF = {
    **dict.fromkeys(
        ("chunks of one byte", "chunks with extensions and trailers", "chunks without an end"), ("chunked",)
    ),
    "drops": ("length",),
    "an answer nobody asked for behind it": ("length", "chunked"),
}
"""Of the odd truths that are none in another framing."""

SHOWN_BY_THE_HASH = frozenset(BODY_LIES) - {"nothing at all", "a break", "a reset"} | {"half the length"}
"""Lies that may not show before the last byte: what a client got of them by then cannot be taken back."""


def to_who_goes_on(lie: Lie) -> Lie:
    """Right up to the position, then a break; `lie` to whoever goes on there."""

    def answer(answering: Answering, data: bytes, at: int, framing: str) -> None:
        if at > 0:
            send(answering, data, framing, cut=at)
        else:
            lie(answering, data, at, framing)

    return answer


def fault(lie: Lie, at: int, framing: str = "length") -> Fault:
    """`lie` as a fault; `at` is a position in the blob, or from its end if negative."""

    def answer(answering: Answering) -> None:
        start = answering.asked.start
        data = answering.blob[start : answering.asked.end(len(answering.blob))]
        position = (at if at >= 0 else len(answering.blob) + at) - start
        lie(answering, data, min(max(position, 0), max(len(data) - 1, 0)), framing)

    return answer


STALL = _stall
TOO_SLOW = _dripping(3, 1.0)
SLOW = _dripping(15, 0.1)
