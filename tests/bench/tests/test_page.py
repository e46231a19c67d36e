import xml.etree.ElementTree as ElementTree

import pytest

from bench.chart import Row, chart
from bench.matrix import BESIDE, FULL, QUICK
from bench.page import page
from bench.pictures import pictures

from .reports import cell, report


def test_the_page_shows_every_figure_with_its_spread_and_the_ratio_to_each_peer():
    text = page(report(cell("ours", mb_per_s=300), cell("nginx", mb_per_s=200)), ["hits.svg"], None)
    assert "| 1 MiB × 16 | ours | 300 (285–315) |" in text
    assert "| 1 MiB × 16 | 1.5 × |" in text
    assert "![hits.svg](performance/hits.svg)" in text


def test_upstream_bytes_are_told_as_multiples_of_the_blob():
    text = page(report(cell("ours", "herd", size=100, wall_s=1, upstream_bytes=3300)), [], None)
    assert "| 33.00 |" in text


def test_the_goal_of_one_transfer_is_told_as_one():
    herd = cell("ours", "herd", size=256 << 20, clients=32, wall_s=1, upstream_bytes=256 << 20)
    assert "| upstream × | absolute | ≤ 1 | 256 MiB × 32 | 1 |  | met |" in page(report(herd), [], None)


def test_the_page_says_what_got_slower_only_where_there_was_something_to_compare_with():
    assert "Against the report before" not in page(report(), [], None)
    assert "Nothing got slower." in page(report(), [], [])
    assert "- hit: 2 ×" in page(report(), [], ["hit: 2 ×"])


def test_what_stands_in_the_way_is_told_of_goals_that_are_not_met_and_of_no_other():
    def told(ours: float) -> str:
        cells = cell("ours", mb_per_s=ours, cpu_s_per_gb=0.2), cell("nginx", mb_per_s=200, cpu_s_per_gb=0.2)
        return page(report(*cells), [], None)

    slow, fast = told(100), told(300)
    assert "- hit ≥ 1 MiB, HTTP, MB/s against nginx: CPU µs a request of 1 MiB × 16: ours 210, nginx 210;" in slow
    assert "What stands in the way" not in fast


def test_samples_that_the_client_limited_are_named():
    text = page(report(cell("limit", mb_per_s=9, client_headroom=0.04, server_busy=1.0)), [], None)
    assert "- hit http 1 MiB × 16, limit: client idle 4.0%, server 1.00 processors" in text
    assert "or more in every cell" in page(report(cell("limit", mb_per_s=9, client_headroom=0.06)), [], None)


def test_grant_variants_have_a_table_of_their_own():
    new = cell("ours", size=4096, variant="new grants", req_per_s=5)
    text = page(report(cell("nginx", size=4096, req_per_s=20), more=(new,)), [], None)
    assert "| ours, new grants | 4 KiB × 16 | 5 (4.75–5.25) |  | 0.25 × |" in text
    assert "| nginx, links | 4 KiB × 16 | 20 (19–21) |  | 1 × |" in text


def test_what_made_the_page_is_told_as_it_was_typed():
    assert "Made by `cd tests && python -m bench` in 2 minutes (plan quick)" in page(report(), [], None)


def test_a_row_of_small_misses_is_told_as_multiples_of_all_its_blobs():
    row = cell("ours", "miss", size=4096, wall_s=1, upstream_bytes=4096 * 256, different=256)
    assert "| 1.00 |" in page(report(row), [], None)


def test_stores_are_told_by_their_size_the_smaller_ones_first():
    small = cell("ours", "start", size=64, clients=1, blobs=10_000, variant="smaller store", start_ms=50)
    large = cell("ours", "start", size=64, clients=1, blobs=1_000_000, start_ms=900)
    text = page(report(large, more=(small,)), [], None)
    assert 0 < text.index("| 10,000 blobs | ours | 50") < text.rindex("| 1,000,000 blobs | ours | 900")


def test_all_processors_have_a_table_of_their_own():
    both = [cell(server, scheme="https", variant="all processors", mb_per_s=7) for server in ("ours", "nginx")]
    assert "| 1 MiB × 16 | nginx | 7 (6.65–7.35) |" in page(report(more=tuple(both)), [], None)


def test_charts_are_well_formed_and_hold_a_dot_for_each_server_and_row():
    drawn = pictures(
        report(cell("ours", mb_per_s=300), cell("nginx", mb_per_s=20), cell("ours", size=4096, mb_per_s=7))
    )
    assert list(drawn) == ["hits-http.svg"]
    root = ElementTree.fromstring(drawn["hits-http.svg"])  # noqa: S314 - our own text
    dots = [one for one in root.iter("{http://www.w3.org/2000/svg}circle") if float(one.get("cy", 0)) > 64]
    assert len(dots) == 3


def test_a_chart_grows_to_the_right_and_stays_within_its_frame():
    svg = chart("t", "u", [Row("r", {"ours": (10.0, 1.0, 100.0), "nginx": (100.0, 100.0, 100.0)})])
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own text
    at = {one.get("fill"): float(one.get("cx", 0)) for one in root.iter("{http://www.w3.org/2000/svg}circle")
          if float(one.get("cy", 0)) > 64}  # fmt: skip
    assert 210 < at["#d55e00"] < at["#0072b2"] <= 836


def test_labels_are_escaped():
    assert "<b>" not in chart("<b>", "u", [Row("<b>", {"ours": (1.0, 1.0, 1.0)})])


@pytest.mark.parametrize("plan", [QUICK, FULL])
def test_no_two_cells_of_a_report_share_an_address(plan):
    reported = [(one.kind, one.scheme, one.size, one.clients) for one in plan.cells if one.variant not in BESIDE]
    assert len(set(reported)) == len(reported)


def test_nginx_as_it_comes_stands_beside_the_tuned_one_and_in_no_other_table():
    about = {"kind": "miss", "size": 64 << 20, "clients": 1, "cpu_s_per_gb": 1}
    ours, tuned = cell("ours", wall_s=3, **about), cell("nginx-proxy-cache", wall_s=1, **about)
    as_it_comes = cell("nginx-proxy-cache", wall_s=2, variant="own buffers", **about)
    text = page(report(ours, tuned, more=(as_it_comes,)), [], None)
    rows = [line for line in text.splitlines() if line.startswith("| 64 MiB × 1 |")]
    assert "| 64 MiB × 1 | nginx, tuned | 1 (0.95–1.05) | 1 (0.95–1.05) |" in rows
    assert "| 64 MiB × 1 | nginx, its own buffers | 2 (1.9–2.1) | 1 (0.95–1.05) |" in rows
    assert sum("2 (1.9–2.1)" in row for row in rows) == 1
