"""Making what others wrote safe for a line of log.

Rule for editors: every text that came from outside this program (client, upstream, file) passes `printable` or `quoted`
on its way into a line, and `without_secrets` before. The rooms put no secrets into events; this is the net below.
"""

from __future__ import annotations

import re

TEXT_LIMIT_CHARACTERS = 1024
_USUAL = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# A compact JWS or JWT (its header begins with {"), a grant by its parameter, and credentials by their scheme.
_SECRET = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}"
    r"|(?<![A-Za-z0-9_-])(?P<key>(?i:grant|token|password|secret|signature|authorization))=[^&\s\"]+"
    r"|\b(?P<scheme>(?i:bearer|basic)) +[A-Za-z0-9._~+/=-]{8,}"
)


def printable(text: str, limit_characters: int = TEXT_LIMIT_CHARACTERS) -> str:
    r"""`text` on one line, in visible characters: a line feed becomes `\n`, other characters `\x1b` or `\u202e`."""
    text = clipped(text, limit_characters)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def quoted(text: str, limit_characters: int = TEXT_LIMIT_CHARACTERS) -> str:
    r"""`printable` between double quotes, in which quotes and backslashes are escaped."""
    escaped = clipped(text, limit_characters).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + printable(escaped, 2 * limit_characters) + '"'


def clipped(text: str, limit_characters: int = TEXT_LIMIT_CHARACTERS) -> str:
    return text if len(text) <= limit_characters else text[:limit_characters] + "…"


def without_secrets(text: str) -> str:
    """`text` with every grant, token and credential in it replaced by `[hidden]`."""
    if "eyJ" not in text and "=" not in text:
        # Nearly every line ends here; the search itself costs as much as the rest of a line.
        lowered = text.lower()
        if "bearer " not in lowered and "basic " not in lowered:
            return text
    return _SECRET.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    if match["key"]:
        return f"{match['key']}=[hidden]"
    return f"{match['scheme']} [hidden]" if match["scheme"] else "[hidden]"


def _escaped(character: str) -> str:
    if character in _USUAL:
        return _USUAL[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
