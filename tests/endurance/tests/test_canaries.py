"""A secret that leaks is seen: in a text, in the process list of this world, not in that of others."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from endurance.deployments.office import CHECKOUT

sys.path.append(str(CHECKOUT / "tests/playbooks"))

from canaries import process_list_watched, shown

_GRANT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0"


def test_a_grant_is_known_by_its_form() -> None:
    assert shown(["secret"], f"GET /v2/?grant={_GRANT} HTTP/1.1") == [_GRANT]
    assert shown(["secret"], "eyJ is how such things begin, a secret is no form") == ["secret"]


def _with(*words: str) -> subprocess.Popen[bytes]:
    """A process with these words in its command line, until its input ends."""
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", *words], stdin=subprocess.PIPE)


def test_a_secret_in_the_process_list_is_seen_and_is_not_that_of_others_on_the_machine(tmp_path: Path) -> None:
    with (
        process_list_watched(tmp_path, ["a-canary"]) as caught,
        _with("a-canary"),
        _with(str(tmp_path)),
        _with("a-canary", str(tmp_path)),
    ):
        until_s = time.monotonic() + 60
        while not caught and time.monotonic() < until_s:
            time.sleep(0.01)

    assert [line.split()[-2:] for line in caught] == [["a-canary", str(tmp_path)]]
