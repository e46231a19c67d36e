"""What a sentence of the log may show where nobody has signed in: no secret, no path, no whole digest, no one client.

The status page asks for no password, so everything on it that somebody else worded goes through here. Rule for
editors: when in doubt it is left out; the log has it.
"""

from __future__ import annotations

import ipaddress
import re

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_QUERY = re.compile(r"\?\S*")
_SIGNED = re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*")
_AUTHORIZATION = re.compile(r"\b(basic|bearer|grant|token|password|secret)([ =:]+)\S+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/:;,'\"()]+/)*([^\s/:;,'\"()]+)")
_DIGEST = re.compile(r"\b(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}\b")


def discreet(text: str) -> str:
    """`text` without credentials, queries and tokens; of a path its last part is left, of a digest 12 digits."""
    text = _CREDENTIALS.sub("", text)
    text = _QUERY.sub("", text)
    text = _AUTHORIZATION.sub(r"\1\2…", text)
    text = _SIGNED.sub("…", text)
    text = _DIGEST.sub(r"\1…", text)
    return _PATH.sub(r"…/\1", text)


def short_digest(hex_digits: str) -> str:
    """Enough to find the blob in the log, too little to ask for it."""
    return hex_digits.removeprefix("sha256:")[:12]


def network_of(client: str) -> str:
    """Of a client's address what tells the office and not the person: `10.1.2.0/24`; "" for none, as of a socket."""
    try:
        address = ipaddress.ip_address(client.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    bits = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
