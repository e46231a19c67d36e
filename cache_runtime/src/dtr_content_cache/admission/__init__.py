"""May this request read this blob? Address + grant + keys + now → yes, or a reason.

This room owns grants (compact JWS), the keys that verify them and the discovery document that brings the keys. It opens
no sockets and no files, and never asks the time itself. Rule for editors: what is not exactly the written form is
refused, never repaired; no message carries any part of a token.
"""

from .admission import Admission
from .discovery_document import DISCOVERY_PATH, DOCUMENT_LIMIT_BYTES, Discovery, parse_discovery
from .grant import REASONS, Grant, admit, read_token
from .keys import KeySet, VerifyingKey

__all__ = [
    "DISCOVERY_PATH",
    "DOCUMENT_LIMIT_BYTES",
    "REASONS",
    "Admission",
    "Discovery",
    "Grant",
    "KeySet",
    "VerifyingKey",
    "admit",
    "parse_discovery",
    "read_token",
]
