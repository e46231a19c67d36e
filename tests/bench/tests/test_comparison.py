import pytest

from bench.comparison import slower

from .reports import cell, report, spread


def _run(ours: float, nginx: float, figure: str = "mb_per_s") -> dict:
    return report(cell("ours", **{figure: ours}), cell("nginx", **{figure: nginx}))


def test_a_ratio_to_the_peer_that_fell_is_told():
    assert slower(_run(60, 100), _run(100, 100)) == [
        "hit http 1 MiB × 16: mb_per_s is 0.60 × nginx's, was 1.00 ×"
    ]  # fmt: skip


def test_a_slower_machine_is_not_our_fault():
    assert slower(_run(50, 50), _run(100, 100)) == []


def test_for_a_cost_more_is_worse_and_less_is_no_news():
    assert len(slower(_run(2, 1, "cpu_s_per_gb"), _run(1, 1, "cpu_s_per_gb"))) == 1
    assert slower(_run(1, 1, "cpu_s_per_gb"), _run(2, 1, "cpu_s_per_gb")) == []


def test_noise_is_not_told():
    assert slower(_run(90, 100), _run(100, 100)) == []


def test_rounds_that_overlap_prove_nothing():
    now, before = _run(60, 100), _run(100, 100)
    now["cells"][0]["mb_per_s"] = spread(60, by=0.8)
    assert slower(now, before) == []


def test_memory_has_no_spread_and_is_compared_all_the_same():
    def run(ours: float) -> dict:
        return report(cell("ours", "slow", peak_rss_mb=ours), cell("nginx", "slow", peak_rss_mb=10.0))

    assert len(slower(run(60.0), run(30.0))) == 1


def test_a_new_cell_a_lost_peer_and_a_store_of_another_size_compare_with_nothing():
    assert slower(_run(1, 100), report()) == []
    assert slower(report(cell("ours", mb_per_s=1)), _run(100, 100)) == []
    small = report(cell("ours", "start", start_ms=10, blobs=10), cell("nginx", "start", start_ms=10, blobs=10))
    large = report(cell("ours", "start", start_ms=90, blobs=99), cell("nginx", "start", start_ms=10, blobs=99))
    assert slower(large, small) == []


@pytest.mark.parametrize(("kind", "figure"), [("hit", "p99_ms"), ("miss", "ttfb_ms"), ("herd", "cpu_s_per_gb")])
def test_waiting_and_cost_are_compared_too(kind, figure):
    def run(ours: float) -> dict:
        return report(cell("ours", kind, **{figure: ours}), cell("nginx", kind, **{figure: 1.0}))

    assert len(slower(run(2.0), run(1.0))) == 1
