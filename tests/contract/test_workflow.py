"""The workflow runs what `make test` runs: a target that is added to a lane is added to a job, too."""

from __future__ import annotations

import re

import yaml
from role_files import ROOT


def targets_of_make_test() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {target for lane in re.findall(r"(?m)^TESTS_OF_\w+ := (.*)$", makefile) for target in lane.split()}


def targets_of_the_workflow() -> set[str]:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    return {word for run in runs for word in run.partition("make ")[2].split() if "=" not in word}


def test_no_target_of_make_test_is_left_out() -> None:
    assert len(targets_of_make_test()) > 10
    assert targets_of_make_test() - targets_of_the_workflow() == set()


def test_the_image_and_the_scenarios_have_jobs_of_their_own() -> None:
    assert {"image", "test-image", "molecule"} <= targets_of_the_workflow()


def test_what_the_workflow_runs_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"(?m)^([a-z][a-z-]*):", makefile))

    assert {word for word in targets_of_the_workflow() if re.fullmatch("[a-z-]+", word)} - known == set()
