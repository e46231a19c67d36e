"""Small reports, as collected.py makes them."""

from __future__ import annotations

from typing import Any


def cell(server: str, kind: str = "hit", size: int = 1 << 20, clients: int = 16, **figures: Any) -> dict[str, Any]:
    """A number becomes a median with a spread of five in a hundred; `peak_rss_mb` and `upstream_bytes` stay numbers."""
    found: dict[str, Any] = {"kind": kind, "scheme": "http", "size": size, "clients": clients, "server": server}
    for name, value in figures.items():
        plain = name in ("peak_rss_mb", "upstream_bytes", "variant", "blobs", "client_busy", "server_busy")
        found[name] = value if plain else spread(value)
    return found


def spread(value: float, by: float = 0.05) -> dict[str, float]:
    return {"median": value, "min": value * (1 - by), "max": value * (1 + by)}


def report(*cells: dict[str, Any], more: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"machine": {"cpu": "a processor"}, "plan": "quick", "cells": list(cells), "more": list(more)}
