"""The pages made from the code tell all of it, and what they are made with says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import reference_configuration
import reference_messages
import reference_metrics
import sequence
from blocks import blocks_of
from dtr_content_cache.settings.schema import DOWNSTREAM_OPTIONS


def test_every_option_of_the_middleware_is_on_the_page_of_configuration():
    page = reference_configuration.page()
    missing = [name for name in DOWNSTREAM_OPTIONS.keys if f"| `{name}" not in page]
    assert missing == []


def test_every_honoured_key_has_a_meaning():
    words = reference_configuration.explained(reference_configuration.EXAMPLE.read_text(encoding="utf-8"))
    assert words["http.draintimeout"].startswith("how long transfers may go on")
    assert words["middleware.registry[].options.maxsize"]


def test_every_alert_stands_beside_the_metric_that_it_watches():
    page = reference_metrics.page()
    assert "`dtr_cache_quarantined_blobs_total`" in page
    assert "ContentCacheHasNoUpstream" in page


def test_a_message_without_a_cure_is_named():
    with pytest.raises(ValueError, match=r"without a cure: \['a new message'\]"):
        reference_messages._agree("log", ["a new message"], {})


def test_a_cure_without_a_message_is_named():
    with pytest.raises(ValueError, match=r"without a message: \['an old message'\]"):
        reference_messages._agree("log", [], {"an old message": {}})


def test_a_drawing_that_names_a_stranger_is_refused_by_its_line():
    with pytest.raises(ValueError, match="found 'docker -> nobody: hello'"):
        sequence.read("title: t\nactors: docker, cache\ndocker -> nobody: hello")


def test_what_a_drawing_says_cannot_break_out_of_it():
    drawn = sequence.draw(sequence.read("title: t\nactors: a, b\na -> b: <script>"))
    assert "<script>" not in drawn


@pytest.mark.parametrize("text", ["    ls\n", "```bash\nls\n```\n", "1. First\n\n   ```\n   ls\n   ```\n"])
def test_a_block_is_found_in_whatever_form_it_stands(tmp_path: Path, text: str):
    (tmp_path / "page.md").write_text(f"# A page\n\n{text}", encoding="utf-8")
    assert [(block.text, block.kind) for block in blocks_of(tmp_path / "page.md")] == [("ls\n", "")]


def test_a_proof_is_for_the_next_block_alone(tmp_path: Path):
    (tmp_path / "page.md").write_text("<!-- proof: run -->\n```\na\n```\n\n```\nb\n```\n", encoding="utf-8")
    assert [block.kind for block in blocks_of(tmp_path / "page.md")] == ["run", ""]
