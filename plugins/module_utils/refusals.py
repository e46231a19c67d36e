# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""From a status that a call cannot use to one sentence that says what to do.

Owns the wording of DTR's answers. Pure: text in, error out.
Rule: DTR's own words are shortened to a few and cleared of anything that looks like a token.
"""

from __future__ import annotations

import json
import re

from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, NotFound, Refusal
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import origin_of

LONGEST_WORDS = 160
MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
SIGNED_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")
GRANT = re.compile(r"(grant|token|signature)=[^\s&\"']+", re.IGNORECASE)


def first_words(text):
    """What a person can read of an answer's body, in one line."""
    words = " ".join(MARKUP.sub(" ", text[:20000]).split())
    words = GRANT.sub(r"\1=(hidden)", SIGNED_TOKEN.sub("(hidden)", words))
    words = "".join(letter for letter in words if letter.isprintable())
    return words if len(words) <= LONGEST_WORDS else words[: LONGEST_WORDS - 1] + "…"


def error_code(text):
    """(code, message) of ``{"errors": [{"code", "message"}]}``, or two empty strings. Never required to be there."""
    try:
        first = json.loads(text)["errors"][0]
        return str(first.get("code") or ""), str(first.get("message") or "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""


def said(status, text):
    """'403 NOT_AUTHORIZED: The client is not authorized.' or '502: Bad Gateway'."""
    code, message = error_code(text)
    if code or message:
        return f"{status} {code}: {first_words(message)}".replace(" :", ":").rstrip(": ")
    words = first_words(text)
    return f"{status}: {words}" if words else f"{status}, no words"


def refusal(purpose, answer, connection):
    """The error for an Answer of DTR to a call that was made to ``purpose`` ('list the content caches')."""
    status, url = answer.status, connection.url
    code = error_code(answer.text)[0]
    who = f"account {connection.username}" if connection.username else "a caller without an account"
    heard = said(status, answer.text)
    start = f"DTR at {url} refused to {purpose} for {who} ({heard})"
    if 300 <= status < 400:
        return Refusal(
            f"DTR at {url} answered {status}, a redirect to {_place(answer.location)}; set dtr_url to its own address.",
            status,
        )
    if status == 401:
        return Denied(
            f"DTR at {url} does not accept the credentials of {who} ({heard}); check dtr_username and dtr_password or"
            " dtr_token.",
            status,
            code,
        )
    if status == 403:
        return Denied(f"{start}; use the account of a system admin.", status, code)
    if status == 404:
        return NotFound(f"{start}; check the names, and that dtr_url is DTR itself.", status, code)
    return Refusal(f"{start}; {_advice(status)}", status, code)


def _advice(status):
    if status == 405:
        return "this DTR has no such call, or a proxy in between forbids the method."
    if status in (406, 415):
        return "a proxy in between may change the Accept or Content-Type header."
    if status == 429:
        return "it is asked too often: run fewer tasks at once and try again."
    if status >= 500:
        return "DTR itself is in trouble: see its /_ping page and its logs, then run this again."
    return "the values that were sent do not suit it."


def _place(location):
    try:
        return origin_of(location).url
    except ValueError:
        return "another path of itself"
