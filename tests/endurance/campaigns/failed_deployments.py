"""A deployment fails at a named point, on a host without a cache and on one whose cache runs: nobody loses what he had,
DTR is told nothing that is not so, the operator is told what to do, and the next deployment ends where it should."""

from __future__ import annotations

import contextlib
import re
import zlib
from pathlib import Path
from typing import Any

from ..campaign import Found
from ..deployments.disturbing import Disturbing
from ..deployments.failure import Failure
from ..deployments.in_dtr import IN_DTR
from ..deployments.in_the_files import IN_THE_FILES
from ..deployments.office import HOST, REGION, DisturbedOffice, differing, without_digits
from ..deployments.on_the_host import ON_THE_HOST

FAILURES: tuple[Failure, ...] = (*IN_THE_FILES, *ON_THE_HOST, *IN_DTR)
_TOOTH = next(one for one in FAILURES if one.name == "the process dies at its start")
_STRIDE = 7  # has no divisor in common with their number
_PATIENCE_S = 6


def case_of(seed: str) -> tuple[Failure, bool]:
    """A failure, and whether it meets a host without a cache. A base begins somewhere, and all pairs come round."""
    base, _, number = seed.rpartition(":")
    at = zlib.crc32(base.encode()) + int(number)
    return FAILURES[at * _STRIDE % len(FAILURES)], (at + at // len(FAILURES)) % 2 == 0


class FailedDeployments(Disturbing[DisturbedOffice]):
    """Two offices, one where nothing was deployed yet and one whose cache runs; each is put back after its cycle."""

    name = "failed deployments"
    promise = (
        "Whatever fails while a cache is deployed: what ran before still serves, DTR and accounts name only healthy "
        "caches, the message says what to do, and the next deployment ends as if nothing had been"
    )
    unit = "deployment with a failure"
    ci, full = 0, 2 * len(FAILURES)  # a cycle takes a minute; the tests of playbooks fail deployments, too

    def cycle(self, seed: str) -> Found:
        failure, fresh = (_TOOTH, False) if self.without else case_of(seed)
        return self.go(Found(), failure.name, failure, fresh, int(seed.rpartition(":")[2]))

    def made(self, folder: Path, *, fresh: bool) -> DisturbedOffice:
        office = DisturbedOffice(folder)
        if not fresh:
            office.world.play("deploy-caches.yml").succeeded()
            office.pull()
        return office

    def is_root(self, place: DisturbedOffice) -> bool:
        return place.is_root

    def disturb(
        self, found: Found, case: str, office: DisturbedOffice, failure: Failure, fresh: bool, ttl: str
    ) -> None:
        office.world.set(REGION, cache_host_blob_ttl=ttl)
        before = office.snapshot()
        with failure.cause(office) as variables, self._crippled(office):
            known = office.registrations()
            run = office.world.play("deploy-caches.yml", cache_host_healthy_within=_PATIENCE_S, **variables)
            knows = office.registrations()  # the cause undone may hide what DTR was told
        found.count("failures")
        self._told(found, case, run, failure, fresh)
        self._standing(found, case, office, failure, fresh)
        self._known(found, case, office, known, knows)
        if failure.harmless:
            self._serves(found, case, office, kept=False)
        elif not fresh and not failure.ends_the_cache:
            self._serves(found, case, office, kept=True)
        untouched = office.snapshot() == before
        found.expect(untouched or not failure.early, f"{case}: it was found when something had changed already")
        if untouched:
            found.count("after which everything was as before")
        else:
            self._deploy_again(found, case, office, ttl)

    def _crippled(self, office: DisturbedOffice) -> contextlib.AbstractContextManager[None]:
        """Without the way back: what the host had is not there any more when it is needed."""
        forget = f"rm -rf {office.folder}/releases/* {office.folder}/healthy"
        return office.at("Go back to what was there", forget) if self.without else contextlib.nullcontext()

    def _told(self, found: Found, case: str, run: Any, failure: Failure, fresh: bool) -> None:
        words = "\n".join(str(one["msg"]) for one in run.events if one["kind"] in ("failed", "unreachable"))
        if failure.harmless:
            found.expect(run.code == 0, f"{case}: the deployment failed: {words[-900:]}")
            return
        found.expect(run.code != 0, f"{case}: the deployment says that it succeeded")
        found.expect(HOST in words or f"fatal: [{HOST}" in run.output, f"{case}: no host is named: {words[-900:]}")
        says = failure.says if fresh or not failure.ends_the_cache else (*failure.says, "no cache answers")
        for wanted in says:
            said = re.search(wanted, words) is not None
            found.expect(said, f"{case}: nothing like {wanted!r} is said, but: {words[-900:]}")

    def _standing(self, found: Found, case: str, office: DisturbedOffice, failure: Failure, fresh: bool) -> None:
        """A host that had a cache has one that answers; one that had none has no process that does not."""
        registered, uses = office.world.registered(), office.world.uses()
        astray = {account: cache for account, cache in uses.items() if cache not in registered}
        found.expect(not astray, f"{case}: accounts are pointed at nothing: {astray}")
        answers = office.answers()
        found.expect(answers or not office.runs(), f"{case}: a process was left that does not answer")
        if fresh:
            found.expect(answers or not registered, f"{case}: DTR knows a cache that does not answer")
        elif failure.ends_the_cache:
            found.count("a stranger held the port of the cache that ran")
        else:
            found.expect(answers, f"{case}: the host is left without the cache that it had")

    def _known(
        self, found: Found, case: str, office: DisturbedOffice, known: list[list[str]], knows: list[list[str]]
    ) -> None:
        """DTR knows what it knew, at the same addresses; besides, at most this cache, if it answers there."""
        new = [one for one in knows if one not in known]
        found.expect(all(one in knows for one in known), f"{case}: DTR has lost a cache: {known}, then {knows}")
        found.expect(new in ([], [[REGION, office.url]]), f"{case}: DTR learned something wrong: {new}")
        found.expect(len(knows) == len(known) + len(new), f"{case}: DTR knows a cache twice: {knows}")
        found.expect(not new or office.answers(), f"{case}: DTR was told of a cache that does not answer")
        found.count("registrations compared at once")

    def _serves(self, found: Found, case: str, office: DisturbedOffice, *, kept: bool) -> None:
        """A pull works, and by `kept` all of it is what the cache had before."""
        try:
            totals = office.pull()
        except Exception as failure:
            found.broken.append(f"{case}: the cache does not serve: {failure}")
            return
        found.count("pulls from what it had" if kept else "pulls through it")
        found.expect(not kept or totals["hits"] == totals["blobs"], f"{case}: the cache lost what it had: {totals}")

    def _deploy_again(self, found: Found, case: str, office: DisturbedOffice, ttl: str) -> None:
        run = office.world.play("deploy-caches.yml")
        found.count("next deployments")
        found.expect(run.code == 0, f"{case}: the next deployment failed: {run.end[-1200:]}")
        state = office.state()
        files = sorted({without_digits(name) for name, (mode, *_) in state["files"].items() if mode[0] != "d"})
        stands = {
            "files": (files, _FILES),
            "registered": (state["dtr"]["caches"], [[REGION, office.url]]),
            "uses": (state["dtr"]["settings"], dict.fromkeys(office.accounts(), REGION)),
            "running": (state["running"], True),
        }
        for name, (has, wanted) in stands.items():
            found.expect(has == wanted, f"{case}, then a good one: {name}: {differing(wanted, has)}")
        found.expect(ttl in office.configuration(), f"{case}, then a good one: another configuration is in force")
        self._serves(found, f"{case}, then a good one", office, kept=False)


_FILES = [
    "cache.pid",
    "current",
    "healthy",
    "releases/#-#/certs/cache-key.pem",
    "releases/#-#/certs/cache.pem",
    "releases/#-#/certs/upstream-ca-1.pem",
    "releases/#-#/config.yml",
    "releases/#-#/service",
]
