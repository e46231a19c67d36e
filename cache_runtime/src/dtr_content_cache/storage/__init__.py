"""The volume: where a digest lies, writing beside and renaming, when each blob was last pulled.

This room owns every file operation on the volume and the layout on it, which is the registry's own, so that a volume of
the vendor's cache is adopted as it is. It does not know HTTP, upstreams, or who may read. Rule for editors: every
system call goes through `Files`, so that a test can make any one of them fail; bytes get their final name only in
`placing.py`.
"""

from .files import Files
from .identity import Identity, identity_of, same_bytes
from .listing import StoredBlob
from .notes import Notes
from .store import OpenBlob, Space, Store
from .unfinished import UnfinishedBlob

__all__ = [
    "Files", "Identity", "Notes", "OpenBlob", "Space", "Store", "StoredBlob", "UnfinishedBlob", "identity_of",
    "same_bytes",
]  # fmt: skip
