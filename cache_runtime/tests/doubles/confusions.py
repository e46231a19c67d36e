"""Grants that are nearly right, as tables: what is changed, and mostly the reason word of the refusal.

Rule for editors: a case is wrong in this one thing only. Who asks a whole cache makes them for its own time and keys.
"""

from __future__ import annotations

import json
from typing import Any

from .signing import Signer, b64

QUERIES = [
    ("", "missing"),
    ("ns=x", "missing"),
    ("grant=", "missing"),
    ("grant", "missing"),
    ("sig={t}", "missing"),
    ("grant={t}&grant={t}", "repeated"),
    ("grant={t}&grant=", "repeated"),
    ("grant&grant={t}", "repeated"),
    ("grant=x&ns=1&grant={t}", "repeated"),
    ("Grant={t}", "malformed"),
    ("GRANT={t}", "malformed"),
    ("%67rant={t}", "malformed"),
    ("grant={t}&%67rant={t}", "malformed"),
    ("grant={t}&GRANT=x", "malformed"),
    ("grant={t}&grant[]=x", "malformed"),
    ("grant={t}&+grant=x", "malformed"),
    ("grant={t}&grant%20=x", "malformed"),
    ("grant={t}&grant%00=x", "malformed"),
    ("a&b&c&d&e&f&g&h&grant={t}", "malformed"),
    ("&&&&&&&&grant={t}", "malformed"),
    ("grant={t};ns=x", "malformed"),
    ("grant={t}#", "malformed"),
    ("grant={t}=", "malformed"),
    ("grant={t}%3D", "malformed"),
    ("grant={t}%0A", "malformed"),
    ("grant={t}\n", "malformed"),
    ("grant= {t}", "malformed"),
    ("grant=+{t}", "malformed"),
    ("grant=%20{t}", "malformed"),
    ("grant=Bearer {t}", "malformed"),
    ('grant="{t}"', "malformed"),
    ("grant={t}?grant={t}", "malformed"),
    ("grant={t}\u0660", "malformed"),
    ("grant=" + "a" * 4097, "too-long"),
    ("grant=" + "%2E" * 2000, "too-long"),
]

SHAPES = [
    lambda h, c, s: f"{h}.{c}",
    lambda h, c, s: f"{h}.{c}.",
    lambda h, c, s: f".{c}.{s}",
    lambda h, c, s: f"{h}..{s}",
    lambda h, c, s: "..",
    lambda h, c, s: f"{h}.{c}.{s}.",
    lambda h, c, s: f"{h}.{c}.{s}.{s}",
    lambda h, c, s: f"{h}.{c}.{s}.{s}.{s}",
    lambda h, c, s: f"{h}%2E{c}%2E{s}",
    lambda h, c, s: f"{h}={c}={s}",
    lambda h, c, s: f"{h}.{c}.{s}=",
    lambda h, c, s: f"{h}.{c}.{s}==",
    lambda h, c, s: f"{h}.{c}.{s[:-1]}+",
    lambda h, c, s: f"{h}.{c}.{s[:-1]}/",
    lambda h, c, s: f"{h}.{c}.{s}A",
    lambda h, c, s: f"{h}.{c}.{s}AAA",
    lambda h, c, s: f"{h}A.{c}.{s}",
    lambda h, c, s: json.dumps({"protected": h, "payload": c, "signature": s}),
    lambda h, c, s: b64(f"{h}.{c}.{s}".encode()),
]


Cases = list[tuple[dict[str, Any], str]]


def headers_beside(kid: str) -> Cases:
    """Members that a header may not have, beside the key of this name, an Ed25519 one, and the reasons."""
    return [
        ({"alg": "none"}, "wrong-algorithm"),
        ({"alg": "None"}, "wrong-algorithm"),
        ({"alg": ""}, "wrong-algorithm"),
        ({"alg": None}, "wrong-algorithm"),
        ({"alg": 1}, "wrong-algorithm"),
        ({"alg": ["EdDSA"]}, "wrong-algorithm"),
        ({"alg": "eddsa"}, "wrong-algorithm"),
        ({"alg": "EdDSA "}, "wrong-algorithm"),
        ({"alg": "Ed25519"}, "wrong-algorithm"),
        ({"alg": "HS256"}, "wrong-algorithm"),
        ({"alg": "RS256"}, "wrong-algorithm"),
        ({"alg": "ES256"}, "wrong-algorithm"),
        ({"kid": None}, "malformed"),
        ({"kid": 1}, "malformed"),
        ({"kid": [kid]}, "malformed"),
        ({"kid": {}}, "malformed"),
        ({"kid": ""}, "unknown-key"),
        ({"kid": kid.swapcase()}, "unknown-key"),
        ({"kid": f"{kid} "}, "unknown-key"),
        ({"kid": f"{kid}\u0000"}, "unknown-key"),
        ({"kid": "../../dev/null"}, "unknown-key"),
        ({"kid": "' OR '1'='1"}, "unknown-key"),
        ({"typ": 1}, "malformed"),
        ({"crit": ["exp"]}, "malformed"),
        ({"crit": []}, "malformed"),
        ({"b64": False}, "malformed"),
        ({"zip": "DEF"}, "malformed"),
        ({"cty": "JWT"}, "malformed"),
        ({"jwk": Signer("EdDSA").jwk()}, "malformed"),
        ({"jku": "https://attacker.example/keys"}, "malformed"),
        ({"x5u": "https://attacker.example/cert"}, "malformed"),
        ({"x5c": ["MII="]}, "malformed"),
    ]


RAW_OBJECTS = [
    b"",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"{",
    b"{}x",
    b"{} {}",
    b"{'alg': 'EdDSA'}",
    b'\xef\xbb\xbf{"alg": "EdDSA", "kid": "key-1"}',
    '{"alg": "EdDSA", "kid": "key-1"}'.encode("utf-16"),
    b'{"alg": "EdDSA", "kid": "key-1", "kid": "key-1"}',
    b'{"alg": "none", "kid": "key-1", "alg": "EdDSA"}',
    b'{"alg": "EdDSA", "kid": "key-1", "typ": NaN}',
    b'{"alg": "EdDSA", "kid": "key-1", "typ": -Infinity}',
    b'{"alg": "EdDSA", "kid": "\xff"}',
    b'{"alg": "EdDSA", "kid": "key-1",}',
    b"[" * 1400,
    b'{"a":' * 400,
    b'{"alg": ' + b"9" * 1500 + b"}",
]


def numbers_for_int(now_s: int) -> list[dict[str, Any]]:
    """Times that are right for a reader who makes a number of anything by Python's int()."""
    return [
        {name: value}
        for name, right in (("iat", now_s - 10), ("exp", now_s + 290))
        for value in (
            *(str(right), f"{right:_}", f"+{right}", f" {right}\n", f"0{right}", f"\u3000{right}"),
            *(str(right).translate(digits) for digits in _OTHER_DIGITS),
            *(float(right), right + 0.5),
        )
    ]


_OTHER_DIGITS = [{48 + value: first + value for value in range(10)} for first in (0x0660, 0x0966, 0xFF10)]


def claims_beside(now_s: int, origin: str, digest: str) -> Cases:
    """What is wrong beside the claims of a good grant of this origin for this digest of org/app, issued ten seconds ago
    for five minutes; the reasons."""
    value = digest.removeprefix("sha256:")
    scheme, _, host = origin.partition("://")
    return [
        *(({name: None}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
        *(({name: 7}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "jti")),
        *(({name: ["org/app"]}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "jti")),
        *(({name: {"a": 1}}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
        *(({name: True}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
        *(({"ver": value}, "wrong-version") for value in (None, 0, 2, -1, 1.0, True, "1", [1], {})),
        *(
            ({name: value}, "wrong-claims")
            for name in ("iat", "exp")
            for value in (1e10, now_s * 1000, -1, False, "٣", "", "now", [])
        ),
        *((numbers, "wrong-claims") for numbers in numbers_for_int(now_s)),
        ({"iat": False, "exp": True}, "wrong-claims"),
        ({"exp": now_s - 10}, "wrong-claims"),
        ({"exp": now_s - 11}, "wrong-claims"),
        ({"exp": now_s - 10 + 3601}, "wrong-claims"),
        ({"exp": 2**53}, "wrong-claims"),
        ({"iat": 0}, "wrong-claims"),
        ({"aud": "cache.example.com"}, "wrong-claims"),
        ({"nbf": now_s - 10}, "wrong-claims"),
        ({"sub": ""}, "wrong-claims"),
        ({"sub": "a" * 256}, "wrong-claims"),
        ({"sub": "alice\nlevel=error"}, "wrong-claims"),
        ({"sub": "alice\u0000"}, "wrong-claims"),
        ({"sub": "alice\u202e"}, "wrong-claims"),
        ({"sub": "\ud800"}, "wrong-claims"),
        ({"jti": ""}, "wrong-claims"),
        ({"jti": "\x1b[2J"}, "wrong-claims"),
        ({"jti": "j" * 256}, "wrong-claims"),
        ({"act": "push"}, "wrong-action"),
        ({"act": "Pull"}, "wrong-action"),
        ({"act": "pull,push"}, "wrong-action"),
        ({"act": "*"}, "wrong-action"),
        ({"iss": "https://dtr.example.org"}, "wrong-issuer"),
        ({"iss": f"{'http' if scheme == 'https' else 'https'}://{host}"}, "wrong-issuer"),
        ({"iss": f"{origin}/"}, "wrong-issuer"),
        ({"iss": f"{origin}:443"}, "wrong-issuer"),
        ({"iss": origin.upper()}, "wrong-issuer"),
        ({"iss": f"{origin}?"}, "wrong-issuer"),
        ({"iss": f"{scheme}://dtr@{host}"}, "wrong-issuer"),
        ({"iss": host}, "wrong-issuer"),
        ({"iss": ""}, "wrong-issuer"),
        ({"repo": "org/other"}, "wrong-repository"),
        ({"repo": "org"}, "wrong-repository"),
        ({"repo": "org/app2"}, "wrong-repository"),
        ({"repo": "app"}, "wrong-repository"),
        ({"repo": "org/app/"}, "wrong-claims"),
        ({"repo": "/org/app"}, "wrong-claims"),
        ({"repo": "org//app"}, "wrong-claims"),
        ({"repo": "org/./app"}, "wrong-claims"),
        ({"repo": "org/x/../app"}, "wrong-claims"),
        ({"repo": "org%2Fapp"}, "wrong-claims"),
        ({"repo": "ORG/app"}, "wrong-claims"),
        ({"repo": "org/app\n"}, "wrong-claims"),
        ({"repo": "org/\u0430pp"}, "wrong-claims"),  # a Cyrillic a
        ({"repo": "*"}, "wrong-claims"),
        ({"repo": ""}, "wrong-claims"),
        ({"digest": "sha256:" + "5b" * 32}, "wrong-digest"),
        ({"digest": digest.upper()}, "wrong-claims"),
        ({"digest": f"sha256:{value.upper()}"}, "wrong-claims"),
        ({"digest": value}, "wrong-claims"),
        ({"digest": f"sha512:{value * 2}"}, "wrong-claims"),
        ({"digest": f"sha512:{value}"}, "wrong-claims"),
        ({"digest": digest + "00"}, "wrong-claims"),
        ({"digest": digest + "\n"}, "wrong-claims"),
        ({"digest": digest[:-1] + "\u0661"}, "wrong-claims"),
        ({"digest": "*"}, "wrong-claims"),
    ]
