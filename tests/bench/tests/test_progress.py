import pytest

from bench.matrix import FULL, QUICK
from bench.progress import Progress, planned_s, seconds


def test_the_time_left_follows_the_pace_so_far(capsys):
    moment = [0.0]
    progress = Progress(QUICK, lambda: moment[0])
    first, second = QUICK.hits[:2]
    progress.step("one", first)
    assert "left" not in capsys.readouterr().err
    moment[0] += 2 * seconds(first, QUICK)
    progress.step("two", second)
    assert progress.left_s == pytest.approx(2 * (planned_s(QUICK) - seconds(first, QUICK)))
    assert "left  two" in capsys.readouterr().err


def test_the_quick_plan_fits_into_its_four_minutes():
    assert planned_s(QUICK) < 240 < planned_s(FULL)
