"""Is this cache well, and is it ready for clients?

Owns the schedule of the named checks and what their answers add up to. *Well* is what the registry's configuration
checks; *ready* is that, and not draining, with keys to verify grants by, and a volume to serve from; *fresh* is ready,
and an upstream answered lately: a deployment insists on it, a restart during an outage cannot. Rule for editors: an
answer is always at hand: nobody who asks about health waits for a check. Event loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from ..settings import model
from .checks import Question, file_question, http_question, storage_question, tcp_question

Condition = Callable[[], str | None]
STORAGE_CHECK = "storagedriver_filesystem"  # the registry's name for it


class Check:
    """One named question, asked every `interval_s`; it counts as failing after `threshold` bad answers in a row."""

    def __init__(self, name: str, ask: Question, interval_s: float, threshold: int = 1) -> None:
        self.name = name
        self.interval_s = interval_s
        self._ask = ask
        self._threshold = max(1, threshold)
        self._bad_answers = 0
        self._reason: str | None = None

    async def run(self) -> None:
        try:
            reason = await self._ask()
        except Exception as error:
            # A question that breaks is no proof of health.
            reason = f"the check itself failed: {type(error).__name__}"
        self._bad_answers = 0 if reason is None else self._bad_answers + 1
        self._reason = reason

    @property
    def failure(self) -> str | None:
        return self._reason if self._bad_answers >= self._threshold else None


class Health:
    """`storage_probe` raises where the volume is not well and may block; `conditions` are the further things that
    readiness needs, by name, each None or the reason why not; `freshness` what being fresh needs besides."""

    def __init__(
        self,
        settings: model.Health,
        storage_probe: Callable[[], None],
        conditions: Mapping[str, Condition],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        freshness: Mapping[str, Condition] | None = None,
    ) -> None:
        self._switches = [Check(str(file.path), file_question(file.path), file.interval_s) for file in settings.files]
        self._checks = [*self._switches, *_probes(settings, storage_probe)]
        self._conditions = conditions
        self._freshness = freshness or {}
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Ask each check now and then at its interval, until `stop`."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep_asking(check)) for check in self._checks]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def ask_once(self) -> None:
        """Ask every check now, at once."""
        await asyncio.gather(*(check.run() for check in self._checks))

    def failures(self) -> dict[str, str]:
        """The failing checks, by name, and why. Empty: well."""
        return {check.name: check.failure for check in self._checks if check.failure}

    def ready(self) -> dict[str, str]:
        """Why clients should not be sent here. Empty: ready."""
        return self.failures() | _unmet(self._conditions)

    def fresh(self) -> dict[str, str]:
        """Why this cache is not ready, or is so by memory only. Empty: fresh."""
        return _unmet(self._freshness) | self.ready()

    def questions(self) -> dict[str, str | None]:
        """Everything that being fresh needs, by name: None where it is well, else the reason."""
        names = [check.name for check in self._checks] + [*self._conditions, *self._freshness]
        failing = self.fresh()
        return {name: failing.get(name) for name in dict.fromkeys(names)}

    def out_of_service(self) -> bool:
        """Did the operator take this cache out of service, by a file of `health.file`?"""
        return bool(self._switches) and any(check.failure for check in self._switches)

    async def _keep_asking(self, check: Check) -> None:
        while True:
            await check.run()
            await self._pause(check.interval_s)


def _unmet(conditions: Mapping[str, Condition]) -> dict[str, str]:
    return {name: reason for name, condition in conditions.items() if (reason := condition())}


def _probes(settings: model.Health, storage_probe: Callable[[], None]) -> list[Check]:
    checks = []
    if settings.storage_interval_s is not None:
        ask = storage_question(storage_probe)
        checks.append(Check(STORAGE_CHECK, ask, settings.storage_interval_s, settings.storage_threshold))
    checks += [Check(http.url, http_question(http), http.interval_s, http.threshold) for http in settings.https]
    checks += [Check(tcp.address, tcp_question(tcp), tcp.interval_s, tcp.threshold) for tcp in settings.tcps]
    return checks
