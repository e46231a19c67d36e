"""Somebody sits between the operator and DTR, with a CA of his own: the module that fetches DTR's CA writes nothing."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..campaign import Campaign, CannotRun, Found

_CHECKOUT = Path(__file__).parents[3]
_MODULE = "ansible_collections.dtr.caches.plugins.modules.ca_certificate"
_NAMES = ("DTR root CA", "dtr.example.com", "Docker Trusted Registry", "DTR root CA ", "dtr root ca")


class Impostors(Campaign):
    name = "impostors"
    promise = (
        "Whatever CA somebody in the middle shows in DTR's place, nothing of it is written, and what was there stays"
    )
    unit = "impostor"
    ci, full = 100, 2_000

    def begin(self) -> None:
        collections = _CHECKOUT / ".ansible/collections"
        if not (collections / "ansible_collections/dtr/caches").exists():
            raise CannotRun("the collection is not set up here (make setup)")
        sys.path[:0] = [str(_CHECKOUT / "tests/unit"), str(collections)]
        self._made = importlib.import_module("certificates_made").Made
        self._servers = importlib.import_module("scripted_server")
        self._patched = importlib.import_module("module_arguments").patch_module_args
        self._module = importlib.import_module(_MODULE)
        self._real = self._made(_NAMES[0])
        self._past = self._made(_NAMES[0], start=-400, end=-1)
        self._server_files = self._made(_NAMES[0], address="127.0.0.1").files(self.place)

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        folder = self.place / seed.replace(":", "-")
        etc, scratch = folder / "etc", folder / "tmp"  # where the module writes, and where it may keep things meanwhile
        for one in (etc, scratch):
            one.mkdir(parents=True)
        dest = etc / "dtr-ca.pem"
        if chance.random() < 0.5:
            dest.write_text(self._real.pem, encoding="ascii")
        before = _all(etc)
        his = self._made(chance.choice(_NAMES), start=chance.choice((-1, -400)), end=chance.choice((1, 30, 4000)))
        kind = chance.choice(list(_SHOWN))
        shown = _SHOWN[kind](his, self._real, self._past, chance)
        pin = his.sha256 if self.without else self._real.sha256
        told = self._fetch(shown, {"dest": str(dest), "sha256": pin, "_ansible_remote_tmp": str(scratch)})
        found.count(f"shown: {kind}")
        found.expect(bool(told.get("failed")), f"{kind}: it was not refused: {told}")
        after = _all(etc)
        found.expect(after == before, f"{kind}: what was there has changed: {sorted(before)}, {sorted(after)}")
        kept = [name for name, content in _all(scratch).items() if content]
        found.expect(not kept, f"{kind}: something was written: {kept}")
        shutil.rmtree(folder)
        return found

    def _fetch(self, shown: str, options: dict[str, Any]) -> dict[str, Any]:
        """What the module says when a server with a certificate of its own shows this at /ca."""
        says = self._servers.Says(body=shown)
        middle = self._servers.ScriptedServer(lambda asked: says, tls=self._server_files)
        arguments = options | {"dtr_url": middle.url}
        printed = io.StringIO()
        try:
            with self._patched(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
                self._module.main()
        finally:
            middle.close()
            atexit.unregister(shutil.rmtree)  # a module tidies when its program ends; ours does so after each cycle
        answer: dict[str, Any] = json.loads(printed.getvalue())
        return answer

    def end(self) -> None: ...


def _all(folder: Path) -> dict[str, bytes]:
    """Whatever lies below the folder: the content of files by name, of folders none."""
    return {
        str(path.relative_to(folder)): b"" if path.is_dir() else path.read_bytes() for path in sorted(folder.rglob("*"))
    }


def _other_bytes(pem: str, chance: random.Random) -> str:
    """The real certificate with one letter of its text exchanged."""
    lines = pem.splitlines()
    at = chance.randrange(1, len(lines) - 2)  # the last line of data may end in bits that say nothing
    letter = chance.randrange(len(lines[at]))
    lines[at] = lines[at][:letter] + ("B" if lines[at][letter] == "A" else "A") + lines[at][letter + 1 :]
    return "\n".join(lines) + "\n"


_SHOWN: dict[str, Callable[[Any, Any, Any, random.Random], str]] = {
    "his own CA": lambda his, real, past, chance: his.pem,
    "his own, then the real one": lambda his, real, past, chance: his.pem + real.pem,
    "the real one, then his own": lambda his, real, past, chance: real.pem + his.pem,
    "his own, with the real one's words around it": lambda his, real, past, chance: f"SHA256 {real.sha256}\n{his.pem}",
    "the real one with another letter": lambda his, real, past, chance: _other_bytes(real.pem, chance),
    "half of the real one": lambda his, real, past, chance: real.pem[: len(real.pem) // 2],
    "his own with its key": lambda his, real, past, chance: his.pem + his.key_pem,
    "one that has expired": lambda his, real, past, chance: past.pem,
    "his own, with an expired one in the middle": lambda his, real, past, chance: his.pem + past.pem + real.pem,
    "the real one, with an expired one in the middle": lambda his, real, past, chance: real.pem + past.pem + his.pem,
    "nothing": lambda his, real, past, chance: "",
    "a page": lambda his, real, past, chance: f"<html>{real.sha256}</html>",
}
