"""A headless Chromium, driven over its own debugging protocol: what a person with a browser sees.

Everything it does is bounded by time; it talks to loopback only, in a profile of its own that goes with it.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

from doubles.running_cache import eventually

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ANSWER_WITHIN_S = 20.0


class Browser:
    """One page. `loop` runs only while a question is open, so the tests stay ordinary functions."""

    def __init__(self, loop: IOLoop, socket: WebSocketClientConnection) -> None:
        self._loop, self._socket, self._number = loop, socket, 0
        self.said: list[str] = []  # what the page and the browser complained about
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = json.dumps({"id": self._number, "method": method, "params": params})
        return self._loop.run_sync(lambda: self._exchange(message, self._number), timeout=_ANSWER_WITHIN_S)

    async def _exchange(self, message: str, number: int) -> dict[str, Any]:
        await self._socket.write_message(message)
        while True:
            heard = json.loads(await self._socket.read_message() or "{}")
            if heard.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.said.append(json.dumps(heard["params"]))
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def window(self, width: int, height: int, *, dark: bool = False) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.ask("Emulation.setScrollbarsHidden", hidden=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def text(self) -> str:
        return str(self.evaluate("document.body.innerText"))

    def until(self, expression: str, within_s: float = 15.0) -> Any:
        """The first true value of an expression in the page."""
        return eventually(lambda: self.evaluate(expression), within_s)

    def picture(self, path: Path) -> None:
        """The whole page, however long."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    profile = tempfile.mkdtemp(prefix="browser-")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
               "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={profile}",
               "about:blank"]  # fmt: skip
    process = subprocess.Popen([str(PROGRAM), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    loop = IOLoop(make_current=False)
    try:
        port_file = Path(profile) / "DevToolsActivePort"
        port = eventually(lambda: port_file.exists() and port_file.read_text().split("\n")[0], 30)
        session = requests.Session()
        session.trust_env = False
        pages = eventually(lambda: session.get(f"http://127.0.0.1:{port}/json", timeout=5).json())
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        socket = loop.run_sync(lambda: websocket_connect(address, max_message_size=64 << 20), timeout=_ANSWER_WITHIN_S)
        yield Browser(loop, socket)
    finally:
        process.terminate()
        process.wait(20)
        loop.close()
        for _ in range(20):  # its children may still be writing
            shutil.rmtree(profile, ignore_errors=True)
            if not Path(profile).exists():
                break
            time.sleep(0.1)
