"""Sweeps are told apart by the cache's own log; `said` stands for it."""

from bench.sweeps import Sweeps


class _Process:
    """Ends the sweep that a reload begins only when it is asked for the `looks`th time."""

    def __init__(self, looks: int) -> None:
        self._ended, self._looks, self._left = 1, looks, 0

    def said(self, words: str) -> list[str]:
        assert words == "volume swept"
        if self._left:
            self._left -= 1
            self._ended += not self._left
        return [words] * self._ended

    def reload(self) -> None:
        self._left = self._looks

    def cpu_s(self) -> float:
        return float(self._ended)


def _asked() -> dict:
    return {"seconds": 1.0, "body_bytes": 1, "server_cpu_s": 0.0, "whole_s": [0.002] * 100}


def test_a_sweep_alone_is_timed_to_its_end():
    found = Sweeps(_Process(looks=3)).alone()
    assert found["sweep_cpu_s"] == 1.0
    assert found["sweep_s"] > 0


def test_hits_during_a_sweep_count_where_it_outlasts_them():
    assert Sweeps(_Process(looks=3)).meanwhile(_asked) == {"sweep_p50_ms": 2.0, "sweep_p99_ms": 2.0}


def test_hits_that_outlast_the_sweep_say_nothing_of_it():
    assert Sweeps(_Process(looks=1)).meanwhile(_asked) == {}
