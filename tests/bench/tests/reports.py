"""Small reports, as collected.py makes them."""

from __future__ import annotations

from typing import Any

_PLAIN = (
    "peak_rss_mb", "upstream_bytes", "different", "variant", "blobs", "client_busy", "server_busy", "client_headroom",
)  # fmt: skip


def cell(server: str, kind: str = "hit", size: int = 1 << 20, clients: int = 16, **figures: Any) -> dict[str, Any]:
    """A number becomes a median with a spread of five in a hundred, unless it has none in a report."""
    scheme = figures.pop("scheme", "http")
    found: dict[str, Any] = {"kind": kind, "scheme": scheme, "size": size, "clients": clients, "server": server}
    for name, value in figures.items():
        found[name] = value if name in _PLAIN else spread(value)
    return found


def spread(value: float, by: float = 0.05) -> dict[str, float]:
    return {"median": value, "min": value * (1 - by), "max": value * (1 + by)}


def report(*cells: dict[str, Any], more: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    about = {"machine": {"cpu": "a processor"}, "plan": "quick", "command": "python -m bench", "duration_s": 120}
    return {**about, "cells": list(cells), "more": list(more)}
