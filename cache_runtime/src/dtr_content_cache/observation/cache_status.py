"""The `Cache-Status` field (RFC 9211) of an answer.

Rule for editors: the value is sent with the head, so it tells what is meant to happen ("stored"), not what came of it;
the log and the counters tell that.
"""

from __future__ import annotations

import re
from typing import Literal

CACHE_NAME = "dtr-content-cache"
Kind = Literal["hit", "miss", "collapsed", "bypass", "pass"]
_DETAIL = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")  # an sf-token of RFC 8941

_MEANING: dict[str, str] = {
    "hit": "hit",
    "miss": "fwd=uri-miss; stored",
    "collapsed": "fwd=uri-miss; stored; collapsed",
    "bypass": "fwd=uri-miss",
    "pass": "fwd=bypass",
}


def cache_status(kind: Kind, *, partial: bool = False, detail: str = "") -> str:
    """The field's value.

    `hit`: from disk. `miss`: this request started the fill. `collapsed`: it joined one. `bypass`: fetched and not
    stored. `pass`: never stored here, such as a manifest. `partial`: part of the blob was on disk already. `detail` is
    one word for the operator, such as "no-space".
    """
    meaning = _MEANING[kind]
    if partial:
        meaning = meaning.replace("fwd=uri-miss", "fwd=partial")
    if detail:
        if not _DETAIL.fullmatch(detail):
            raise ValueError(f"a Cache-Status detail is one word, found {detail!r}")
        meaning = f"{meaning}; detail={detail}"
    return f"{CACHE_NAME}; {meaning}"
