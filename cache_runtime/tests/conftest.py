"""For all rooms: a property's example may take as long as a busy machine makes it; only its truth is tested."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("runtime", deadline=None)
settings.load_profile("runtime")
