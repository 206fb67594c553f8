import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from unrolled.errors import UserError
from unrolled.reports.page import write_report

VOID = {"meta", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects text and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.tags, self.links = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "xlink:href")]
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_axis_says_what_was_learned_from(tmp_path):
    for unit in ("tokens", "records"):
        write_report(
            tmp_path / "report.html",
            title="run",
            metrics=metrics(30),
            settings={},
            environment={},
            samples=[],
            summary={"test accuracy": "0.5 (0.4 to 0.6), baseline 0.25", "baseline": "the mean of the training part"},
            unit=unit,
        )
        text = (tmp_path / "report.html").read_text()
        rows = set(re.findall(r'<text[^>]* class="row">(.*?)</text>', text))
        assert rows == {"step", unit, "time"}
    assert "<dd>0.5<small>0.4 to 0.6</small><small>baseline 0.25</small></dd>" in text
    assert '<dd class="words">the mean of the training part</dd>' in text
    # No label of a row stands on its title.
    titles = re.findall(r'<text x="0.0" y="([\d.]+)"[^>]* class="row">records', text)
    assert titles
    for row in titles:
        ticks = re.findall(rf'<text x="([\d.]+)" y="{row}" text-anchor="middle">(.*?)</text>', text)
        assert ticks
        assert all(float(x) - 3.6 * len(label) > 7 * len("records") for x, label in ticks)


def metrics(steps):
    records = []
    for step in range(1, steps + 1):
        records.append(
            {
                "kind": "train",
                "step": step,
                "tokens": step * 768,
                "seconds": step * 0.5,
                "loss": 4 / step + 1,
                "gradient_norm": 1 / step,
                "learning_rate": 1e-3,
                "tokens_per_second": 1000.0,
            }
        )
        if step % 10 == 0:
            records.append({"kind": "validation", "step": step, "loss": 4 / step + 1.1, "perplexity": 3.0})
    return records


def report(path, records, **changed):
    parts = {
        "title": "poems.txt: lstm",
        "settings": {
            "model": {"family": "lstm", "window": None},
            "train": {"learning_rate": 0.002, "files": ["a", "b"]},
        },
        "environment": {"torch": "2.13.0", "gpu": []},
        "samples": [("Once ", "upon a time")],
        "summary": {"validation loss": 1.2345678, "parameters": 1234567, "time": "1m 20s"},
    }
    write_report(path, metrics=records, **parts | changed)
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("steps", [0, 1, 2, 12, 3000])
def test_any_number_of_points(tmp_path, steps):
    page = report(tmp_path / "report.html", metrics(steps))
    assert page.tags.count("svg") >= 4
    text = " ".join(page.text)
    assert ("nothing was measured" in text) == (steps == 0)
    assert ("nan" in text) is False


def test_says_what_it_was_given(tmp_path):
    page = report(tmp_path / "report.html", metrics(100))
    text = " ".join(page.text)
    for expected in (
        "poems.txt: lstm",
        "1.235",
        "1,234,567",
        "1m 20s",
        "model.family",
        "lstm",
        "0.002",
        "a, b",
        "2.13.0",
    ):
        assert expected in text, expected
    assert "Once  upon a time" in text
    # tokens and time at the last step of the axis
    assert "76.8k" in page.text
    assert "50s" in page.text


def test_reads_offline_and_runs_nothing(tmp_path):
    page = report(tmp_path / "report.html", metrics(100))
    raw = (tmp_path / "report.html").read_text()
    assert page.links == []
    assert "script" not in page.tags
    assert not re.search(r"https?:|//|url\(|@import", raw.replace("<!doctype html>", ""))
    assert "prefers-color-scheme: dark" in raw
    assert 'name="viewport"' in raw


def test_everything_is_escaped(tmp_path):
    evil = "<script>alert('x')</script>&amp;\"<b>"
    page = report(
        tmp_path / "report.html",
        metrics(20),
        title=evil,
        samples=[(evil, evil)],
        settings={evil: evil},
        environment={evil: [evil]},
        summary={evil: evil},
    )
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert page.text.count(evil) == 10


def test_missing_and_odd_fields(tmp_path):
    records = [
        {"kind": "train", "step": 1},
        {"kind": "train", "step": 2, "loss": None},
        {"kind": "train", "step": 3, "loss": math.nan, "gradient_norm": math.inf},
        {"kind": "train", "step": 4, "loss": 2.0, "gradient_norm": 0.0, "learning_rate": 0.0},
        {"kind": "other", "step": 4},
    ]
    page = report(tmp_path / "report.html", records, samples=[], settings={}, environment={}, summary={})
    assert "Samples" not in page.text
    assert "Settings" not in page.text


def test_written_whole_or_not_at_all(tmp_path, monkeypatch):
    report(tmp_path / "report.html", metrics(5))
    before = (tmp_path / "report.html").read_bytes()

    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"report\.html could not be written: No space left"):
        report(tmp_path / "report.html", metrics(50))
    assert (tmp_path / "report.html").read_bytes() == before
    assert os.listdir(tmp_path) == ["report.html"]


def test_needs_neither_torch_nor_matplotlib():
    code = "import sys, unrolled.reports.page; print({'torch', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_score_stands_above_its_interval_and_baseline_and_the_title_above_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(
        path,
        title="run: classify <a>; 80 train; 20 test",
        metrics=[],
        settings={},
        environment={},
        samples=[],
        summary={"accuracy": "0.9 (0.8 to 1), baseline 0.25", "loss": "0.3 (0.2 to 0.4)"},
    )
    page = path.read_text()
    assert "<h1>run: classify &lt;a&gt;</h1><p>80 train; 20 test</p>" in page
    assert "<dd>0.9<small>0.8 to 1</small><small>baseline 0.25</small></dd>" in page
    assert "<dd>0.3<small>0.2 to 0.4</small></dd>" in page
