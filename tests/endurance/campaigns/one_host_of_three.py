"""A deployment fails on one host of a region of three, the first, the middle or the last: the hosts before it have what
is new, it and those after it what they had, and DTR is told nothing."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..campaign import Found
from ..deployments.disturbing import Disturbing
from ..deployments.failure import Failure, Variables
from ..deployments.in_the_files import IN_THE_FILES
from ..deployments.office import ACCOUNT, REGION
from ..deployments.on_the_host import ON_THE_HOST
from ..deployments.region import HOSTS, DisturbedRegion

_KINDS = (
    "the process dies at its start",
    "the cache finds itself unhealthy",
    "the cache refuses the configuration",
    "the volume cannot be written",
)
FAILURES = tuple(one for one in (*ON_THE_HOST, *IN_THE_FILES) if one.name in _KINDS)
_PATIENCE_S = 6
_STRIDE = 7  # has no divisor in common with the number of cases


def case_of(seed: str) -> tuple[Failure, str, bool]:
    """A failure, the host that has it, and whether no host has a cache. All of them come round."""
    base, _, number = seed.rpartition(":")
    at = (zlib.crc32(base.encode()) + int(number) * _STRIDE) % OneHostOfThree.full
    return FAILURES[at % len(FAILURES)], HOSTS[at // len(FAILURES) % len(HOSTS)], at // len(FAILURES) // len(HOSTS) == 0


class OneHostOfThree(Disturbing[DisturbedRegion]):
    """Two regions, one where nothing was deployed yet and one whose caches run; each is put back after its cycle."""

    name = "one host of three"
    promise = (
        "Where a deployment fails on one host of a region, no host is left down, DTR and accounts keep what they knew, "
        "and the next deployment brings all hosts to the same end"
    )
    unit = "deployment that fails on one host"
    ci, full = 0, 2 * len(HOSTS) * len(FAILURES)

    def cycle(self, seed: str) -> Found:
        failure, self._host, fresh = case_of(seed)
        if self.without:
            failure, fresh = next(one for one in FAILURES if one.name == _KINDS[0]), False
        return self.go(Found(), f"{failure.name} on {self._host}", failure, fresh, int(seed.rpartition(":")[2]))

    def made(self, folder: Path, *, fresh: bool) -> DisturbedRegion:
        region = DisturbedRegion(folder)
        if not fresh:
            region.world.play("deploy-caches.yml").succeeded()
        return region

    def is_root(self, place: DisturbedRegion) -> bool:
        return place.office.is_root

    def disturb(
        self, found: Found, case: str, region: DisturbedRegion, failure: Failure, fresh: bool, ttl: str
    ) -> None:
        host = self._host
        region.world.set(REGION, cache_host_blob_ttl=ttl)
        had, known = {one: region.configuration(one) for one in HOSTS}, region.office.state()["dtr"]
        with failure.cause(region.office) as variables, self._crippled(region, host), _on(region, host, variables):
            run = region.world.play("deploy-caches.yml", cache_host_healthy_within=_PATIENCE_S)
        found.count(f"failures on the {('first', 'middle', 'last')[HOSTS.index(host)]} host")
        self._told(found, case, run, failure, host)
        knows = region.office.state()["dtr"]
        found.expect(knows == known, f"{case}: DTR knows {knows}, wanted still {known}")
        for one in HOSTS:
            is_new = HOSTS.index(one) < HOSTS.index(host)
            self._stands(found, f"{case}: {one}", region, one, None if is_new else had[one], ttl)
        self._deploy_again(found, f"{case}, then a good one", region, ttl)

    def _crippled(self, region: DisturbedRegion, host: str) -> contextlib.AbstractContextManager[None]:
        """Without the way back: what the host had is not there any more when it is needed."""
        folder = region.world.home / host
        forget = f"rm -rf {folder}/releases/* {folder}/healthy"
        return region.office.at("Go back to what was there", forget) if self.without else contextlib.nullcontext()

    def _told(self, found: Found, case: str, run: Any, failure: Failure, host: str) -> None:
        words = "\n".join(str(one["msg"]) for one in run.events if one["kind"] == "failed" and one["host"] == host)
        found.expect(run.code != 0, f"{case}: the deployment says that it succeeded")
        for wanted in failure.says:
            said = re.search(wanted, words) is not None
            found.expect(said, f"{case}: nothing like {wanted!r} is said of it, but: {words[-900:]}")

    def _stands(self, found: Found, case: str, region: DisturbedRegion, host: str, kept: str | None, ttl: str) -> None:
        """The host's cache answers, with the configuration that it kept, or by None the new one; or it had none."""
        has, answers = region.configuration(host), region.answers(host)
        if kept is None:
            found.expect(ttl in has, f"{case} came before the failure, and has not what is new")
        else:
            found.expect(has == kept, f"{case} has not what it had")
        wanted = kept != ""
        found.expect(answers == wanted, f"{case} {'answers' if answers else 'does not answer'}")
        found.expect(region.runs(host) == wanted, f"{case} {'runs no cache' if wanted else 'runs one'}")
        found.count("hosts looked at")

    def _deploy_again(self, found: Found, case: str, region: DisturbedRegion, ttl: str) -> None:
        run = region.world.play("deploy-caches.yml")
        found.expect(run.code == 0, f"{case}: it failed: {run.end[-1200:]}")
        for one in HOSTS:
            self._stands(found, f"{case}: {one}", region, one, None, ttl)
        knows = region.office.state()["dtr"]
        wanted = {"caches": [[REGION, region.office.url]], "settings": {ACCOUNT: REGION}}
        found.expect(knows == knows | wanted, f"{case}: DTR knows {knows}, wanted {wanted}")
        found.count("next deployments")


@contextlib.contextmanager
def _on(region: DisturbedRegion, host: str, variables: Variables) -> Iterator[None]:
    """Within this context the variables are those of one host."""
    hosts = region.world.hosts(REGION)
    region.world.set_hosts(REGION, **hosts | {host: hosts[host] | variables})
    try:
        yield
    finally:
        region.world.set_hosts(REGION, **hosts)
