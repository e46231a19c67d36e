"""The controller dies in the middle of a deployment, after each of its results: the next deployment ends where an
undisturbed one would have."""

from __future__ import annotations

import itertools
import math
import zlib
from concurrent.futures import ThreadPoolExecutor

from ..campaign import Campaign, Found
from ..deployments.controller import controllers
from ..deployments.course import Course

_KILLED = -9
_STRIDE = 37


def boundary_of(seed: str, results: int) -> int:
    """After which result of `results` the controller dies: a base begins somewhere, and each has its turn once."""
    base, _, number = seed.rpartition(":")
    stride = next(one for one in itertools.count(_STRIDE) if math.gcd(one, results) == 1)
    return (zlib.crc32(base.encode()) + int(number) * stride) % results + 1


class KilledPlays(Campaign):
    """Side by side, a first deployment and a changed one die after the same number of results."""

    name = "killed plays"
    promise = (
        "A deployment that dies after any of its task results leaves nothing that the next one does not bring to the "
        "same end: the same files, the same words in DTR"
    )
    unit = "boundary between two tasks, of a first and of a changed deployment"
    ci, full = 0, 1  # how many boundaries there are is learned from whole deployments, which takes minutes
    teeth_in_ci = False
    turn_s = 900.0  # a beginning takes long

    def begin(self) -> None:
        self._courses: list[Course] = []
        for name in ("first", "changed"):
            self._courses.append(Course(self.place / name, anew=name == "first"))
        with ThreadPoolExecutor(len(self._courses)) as lanes:
            list(lanes.map(Course.learn, self._courses))
        self.full = max(course.results for course in self._courses)

    def cycle(self, seed: str) -> Found:
        found, nth = Found(), boundary_of(seed, self.full)
        dying = [course for course in self._courses if nth <= course.results]
        with ThreadPoolExecutor(len(dying)) as lanes:
            for one in lanes.map(lambda course: self._disturb(course, nth), dying):
                found.counts += one.counts
                found.broken += one.broken
        return found

    def _disturb(self, course: Course, nth: int) -> Found:
        found, case = Found(), f"{course.name}, dead after result {nth} of {course.results}"
        try:
            course.prepare()
            self._die(found, case, course, nth)
            if course.is_new():
                if not self.without:
                    course.deploy(found, case)
                course.look(found, case)
            else:
                found.count("of these, left just what another one had left")
        except AssertionError as shown:  # a traceback or a secret in the output of a run
            found.broken.append(f"{case}: {str(shown)[:1500]}")
            course.lose()
        return found

    def _die(self, found: Found, case: str, course: Course, nth: int) -> None:
        death = {"ANSIBLE_CALLBACKS_ENABLED": "record_events,die_after", "DIE_AFTER": str(nth)}
        with controllers(course.office, death) as ((controller,), listed):
            code = controller.code()
        found.expect(code == _KILLED, f"{case}: it did not die, but ended with {code}: {controller.words()[-700:]}")
        leaks = [*controller.leaks(), *listed]
        found.expect(not leaks, f"{case}: secrets are shown: {leaks}")
        found.count(f"deaths of {course.name}")

    def end(self) -> None:
        for course in self._courses:
            course.close()
