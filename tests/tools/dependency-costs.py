#!/usr/bin/env python3
"""What each library of the cache costs: bytes on disk and in the image, and milliseconds of a start. Prints a table.

Owns: measuring, in this environment. The judgement is docs/decisions/0013. Rule: import times are the least of several
fresh interpreters; what asyncio and ssl cost is not counted, because the cache has them anyway."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MODULES = {
    "tornado": ["tornado.iostream", "tornado.netutil"],
    "pyyaml": ["yaml"],
    "prometheus-client": ["prometheus_client"],
    "cryptography": ["cryptography.x509", "cryptography.hazmat.primitives.asymmetric.ed25519"],
    "cffi": ["_cffi_backend"],
}
ROUNDS = 5


def main() -> int:
    text = (TOP / "requirements/runtime.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    print("| library | version | on disk, MB | compressed, MB | import, ms |\n| --- | --- | --- | --- | --- |")
    for name in names:
        try:
            found = distribution(name)
        except ModuleNotFoundError:
            continue  # for another platform or Python
        disk, packed = sizes(found)
        spent = import_ms(MODULES[name]) if name in MODULES else None
        told = "with its user" if spent is None else f"{spent:.0f}"
        print(f"| {name} | {found.version} | {disk / 1e6:.1f} | {packed / 1e6:.1f} | {told} |")
    return 0


def sizes(found: Distribution) -> tuple[int, int]:
    """Bytes of its files, without compiled ones, as they lie and as gzip makes them."""
    files = [Path(str(file.locate())) for file in found.files or [] if not str(file).endswith(".pyc")]
    files = [path for path in files if path.is_file() and "site-packages" in path.parts]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in files:
            archive.add(path)
    return sum(path.stat().st_size for path in files), packed.tell()


def import_ms(modules: list[str]) -> float:
    before = "import asyncio, ssl, json, logging, time; began = time.perf_counter()"
    code = f"{before}; import {', '.join(modules)}; print((time.perf_counter() - began) * 1000)"
    command = [sys.executable, "-c", code]
    spent = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(ROUNDS)]
    return min(map(float, spent))


if __name__ == "__main__":
    sys.exit(main())
