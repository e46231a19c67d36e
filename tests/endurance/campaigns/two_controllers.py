"""Two controllers deploy the same office at the same time: one cache stands and is known once, and the next deployment
ends where an undisturbed one would have."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from ..campaign import Campaign, Found
from ..deployments.controller import Controller, controllers
from ..deployments.course import Course
from ..deployments.office import CHECKOUT, REGION

_WHERE_TWINS_END = "for surplus in twins[1:]:"
# Who comes first waits for the other; then DTR stands still for a while, so that both ask it before either has told it
# anything. A controller that fails before it comes here keeps nobody waiting for long.
_MEET = """
if mkdir {meeting}/first 2>/dev/null; then
    left=300
    while [ ! -e {meeting}/second ] && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
else
    kill -STOP {dtr}
    mkdir {meeting}/second
    (sleep 3; kill -CONT {dtr}) >/dev/null 2>&1 &
fi
"""


class TwoControllers(Campaign):
    """In turns where there is no cache, and where one runs. They meet when DTR is told of the cache."""

    name = "two controllers"
    promise = (
        "Two deployments of one office at the same time make one cache, known to DTR once, which answers; one of them "
        "may say that it lost; the next deployment ends as if nothing had been"
    )
    unit = "deployment by two controllers at once, and the next one"
    ci, full = 0, 40
    teeth_in_ci = False

    def begin(self) -> None:
        self._courses: dict[bool, Course] = {}

    def cycle(self, seed: str) -> Found:
        found, anew = Found(), self.without != "" or int(seed.rpartition(":")[2]) % 2 == 0
        course = self._course(anew)
        case = f"{course.name} by two controllers at once"
        try:
            course.prepare()
            self._both(found, case, course)
            course.deploy(found, case)
            course.look(found, case)
        except AssertionError as shown:  # a traceback or a secret in the output of a run
            found.broken.append(f"{case}: {str(shown)[:1500]}")
            course.lose()
        return found

    def _course(self, anew: bool) -> Course:
        if anew not in self._courses:
            course = self._courses[anew] = Course(self.place / f"anew-{anew}", anew=anew)
            course.learn()
            if self.without:
                course.office.world.environment["ANSIBLE_COLLECTIONS_PATH"] = str(_crippled(self.place))
        return self._courses[anew]

    def _both(self, found: Found, case: str, course: Course) -> None:
        office = course.office
        meeting, dtr = office.home / "meeting", office.world.dtr.process.pid
        shutil.rmtree(meeting, ignore_errors=True)
        meeting.mkdir()
        with office.at("Register the cache with DTR", _MEET.format(meeting=meeting, dtr=dtr)):
            with controllers(office, {}, {}) as (both, listed):
                codes = [one.code() for one in both]
            os.kill(dtr, signal.SIGCONT)
        said = " and ".join(one.words()[-700:] for one in both)
        found.count("deployments by two controllers at once")
        found.count("both met in DTR", (meeting / "second").exists())
        found.count("one of them lost", codes.count(0) == 1)
        found.expect(0 in codes, f"{case}: both failed: {said}")
        found.expect(not _tracebacks(both), f"{case}: a traceback: {said}")
        leaks = [*(leak for one in both for leak in one.leaks()), *listed]
        found.expect(not leaks, f"{case}: secrets are shown: {leaks}")
        known, wanted = office.registrations(), [[REGION, office.url]]
        found.expect(known == wanted, f"{case}: DTR knows {known}, wanted {wanted}")
        found.expect(office.answers(), f"{case}: no cache answers: {said}")

    def end(self) -> None:
        for course in self._courses.values():
            course.close()


def _tracebacks(both: list[Controller]) -> list[Controller]:
    return [one for one in both if "Traceback" in one.words()]


def _crippled(place: Path) -> Path:
    """A folder of collections, of which ours lets a twin that another controller registered at the same time be."""
    collections = place / "collections"
    ours = collections / "ansible_collections/dtr/caches"
    if not ours.exists():
        for part in ("plugins", "roles", "playbooks", "meta"):
            shutil.copytree(CHECKOUT / part, ours / part)
        shutil.copy(CHECKOUT / "galaxy.yml", ours)
        for other in ("community", "kubernetes"):
            there = CHECKOUT / ".ansible/collections/ansible_collections" / other
            (collections / "ansible_collections" / other).symlink_to(there)
        path = ours / "plugins/module_utils/content_caches.py"
        text = path.read_text(encoding="utf-8")
        if _WHERE_TWINS_END not in text:
            raise LookupError(f"{path.name}: found no {_WHERE_TWINS_END!r}; where do twins end now?")
        path.write_text(text.replace(_WHERE_TWINS_END, "for surplus in ():"), encoding="utf-8")
    return collections
