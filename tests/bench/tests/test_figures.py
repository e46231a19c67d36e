import pytest

from bench.figures import percentile, ratio, sample, spread, summary


def test_a_spread_has_the_median_and_the_extremes_and_four_digits():
    assert spread([3.0, 1.0, 2.00049]) == {"median": 2.0, "min": 1.0, "max": 3.0}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share, expected):
    assert percentile(range(100, 0, -1), share) == expected


def test_a_sample_tells_rates_cost_and_waiting_in_the_units_of_their_names():
    found = sample(
        {
            "seconds": 2.0, "body_bytes": 4_000_000_000, "server_cpu_s": 1.0, "client_cpu_s": 0.5, "requests": 400,
            "first_byte_s": [0.001, 0.003, 0.002], "whole_s": [0.01] * 396 + [0.5] * 4,
        }
    )  # fmt: skip
    assert found["mb_per_s"] == 2000
    assert found["req_per_s"] == 200
    assert found["cpu_s_per_gb"] == 0.25
    assert found["ttfb_ms"] == pytest.approx(2)
    assert found["p99_ms"] == pytest.approx(10)
    assert (found["server_busy"], found["client_busy"]) == (0.5, 0.25)


def test_what_makes_no_sense_is_absent():
    found = sample({"seconds": 1.0, "body_bytes": 0, "server_cpu_s": 0.1, "requests": 3, "whole_s": [0.1] * 3})
    assert not {"cpu_s_per_gb", "req_per_s", "ttfb_ms", "p50_ms", "p99_ms"} & found.keys()


def test_large_answers_count_by_their_share_or_a_rate_would_come_in_steps():
    found = sample({"seconds": 2.0, "body_bytes": 5000, "server_cpu_s": 0.1, "requests": 4, "answer_bytes": 1000})
    assert found["req_per_s"] == 2.5


def test_a_client_that_spins_has_left_what_it_waited_and_one_that_sleeps_what_it_slept():
    both = {"seconds": 2.0, "body_bytes": 1, "server_cpu_s": 0.1}
    assert sample(both | {"client_cpu_s": 2.0, "client_idle_s": 0.5})["client_headroom"] == 0.25
    assert sample(both | {"client_cpu_s": 0.5})["client_headroom"] == 0.75


def test_too_few_answers_of_each_round_make_a_percentile_together():
    rounds = [
        sample({"seconds": 1.0, "body_bytes": 1, "server_cpu_s": 0.1, "whole_s": [ms / 1e3] * 50}) for ms in (1, 3)
    ]
    assert "p99_ms" not in rounds[0]
    found = summary(rounds)
    assert found["p99_ms"] == {"median": 3.0, "min": 3.0, "max": 3.0}
    assert found["p50_ms"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert "few_whole_s" not in found


def test_a_summary_spreads_rates_and_takes_the_most_of_memory_and_upstream_bytes():
    found = summary([
        {"mb_per_s": 10.0, "peak_rss_mb": 30.0, "upstream_bytes": 5.0},
        {"mb_per_s": 20.0, "peak_rss_mb": 20.0, "upstream_bytes": 7.0},
    ])  # fmt: skip
    assert found == {
        "mb_per_s": {"median": 15.0, "min": 10.0, "max": 20.0}, "peak_rss_mb": 30.0, "upstream_bytes": 7
    }  # fmt: skip


def test_a_ratio_needs_both_sides():
    assert ratio({"mb_per_s": {"median": 3}}, {"mb_per_s": {"median": 2}}, "mb_per_s") == 1.5
    assert ratio({"peak_rss_mb": 10}, {"peak_rss_mb": 40}, "peak_rss_mb") == 0.25
    assert ratio({"mb_per_s": {"median": 3}}, {}, "mb_per_s") is None
    assert ratio({}, {"mb_per_s": {"median": 3}}, "mb_per_s") is None
