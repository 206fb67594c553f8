"""The pictures are well-formed, show what they were given, and survive odd input."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from unrolled.reports.alignment import alignment_chart
from unrolled.reports.confusion import confusion_matrix, score_bars
from unrolled.reports.drawing import line, scale, shorten, thinned
from unrolled.reports.forecast import forecast_chart
from unrolled.reports.signals import events_chart, tagged_signal
from unrolled.reports.style import STYLE
from unrolled.reports.tagged import tag_hues, tagged_text
from unrolled.scoring.classification import confusion_counts, per_class_scores

NAMES = ["O", "B-PER", "I-PER", "B-LOC"]


def parsed(picture):
    assert "<script" not in picture
    assert "nan" not in picture.replace("&nbsp;", "")
    return ElementTree.fromstring(picture.replace("&nbsp;", " "))


def texts(tree):
    return [element.text for element in tree.iter("text")]


def test_confusion_shows_counts_and_shades_by_row():
    tree = parsed(confusion_matrix(np.array([[8, 2], [0, 5]]), ["<cat>", "dog"]))
    assert {"8", "2", "5", "<cat>", "dog"} <= set(texts(tree))
    assert "0" not in texts(tree)
    cells = [element for element in tree.iter("rect") if element.get("class") == "shade"]
    assert [float(cell.get("fill-opacity")) for cell in cells] == [0.8, 0.2, 0.0, 1.0]
    assert cells[1].find("title").text == "<cat> taken for dog: 2 of 10"


def test_of_many_classes_the_most_confused_pairs_are_shown():
    counts = np.diag(np.full(50, 100))
    counts[40, 3] = counts[7, 45] = 9
    tree = parsed(confusion_matrix(counts, [f"class{i}" for i in range(50)]))
    assert {"class40", "class3", "class7", "class45", "9"} <= set(texts(tree))
    assert len(list(tree.iter("rect"))) == 400
    assert "the 20 of 50 classes that are confused most" in texts(tree)


def test_confusion_of_a_class_without_records():
    parsed(confusion_matrix(np.zeros((3, 3), dtype=np.int64), ["a", "b", "c"]))
    assert confusion_counts(np.array([0]), np.array([1]), 2).tolist() == [[0, 1], [0, 0]]


def test_bars_end_where_the_score_says():
    truth, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    tree = parsed(score_bars(per_class_scores(truth, predicted, ["a", "b", "c", "never"])))
    widths = [float(bar.get("width")) for bar in tree.iter("rect") if bar.get("class") == "bar"]
    assert widths[0] / widths[1] == pytest.approx(0.5 / 0.8, abs=0.01)
    assert widths[2] == 0.0
    assert "neither in the truth nor predicted" in texts(tree)
    few = parsed(score_bars(per_class_scores(truth, predicted, ["a", "b", "c", "never"]), most=2))
    assert "the 2 of 4 classes with the lowest F1" in texts(few)


def path(tree, style):
    return next(element for element in tree.iter("path") if element.get("class") == style).get("d")


def test_forecast_with_gap_and_interval():
    history = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    forecast = np.array([5.0, 6.0, 7.0])
    tree = parsed(
        forecast_chart(history, forecast + 1, forecast, forecast - 1, forecast + 1, title="a & b", interval="80 %")
    )
    past = path(tree, "past")
    assert past.count("M") == 2  # broken once
    assert {"a & b", "80 %", "what came", "forecast"} <= set(texts(tree))
    assert path(tree, "interval").endswith("Z")
    without = parsed(forecast_chart(history, forecast, forecast, title="t"))
    assert not [e for e in without.iter("path") if e.get("class") == "interval"]


@pytest.mark.parametrize("values", [np.full(4, np.nan), np.full(4, 3.0), np.zeros(4), np.array([1e9, -1e9, np.inf, 0])])
def test_forecasts_of_odd_values(values):
    parsed(forecast_chart(values, values, values, values, values, title="t"))
    parsed(forecast_chart(values[:0], values[:1], values[:1], title="t"))


def test_tagged_text_frames_errors_and_keeps_colours():
    tree = parsed(
        tagged_text(["<b>", "Ann", "in", "Rome"], ["O", "B-PER", "O", ""], ["O", "B-LOC", "B-PER", "O"], NAMES)
    )
    tags = [(tag.get("class"), tag.text) for tag in tree.iter("i")][2:]
    assert tags[2:4] == [("tag", "B-PER"), ("tag wrong", "B-LOC")]
    assert tags[5] == ("tag wrong", "B-PER")
    assert tags[7] == ("none", "O")  # an unknown truth is not compared
    assert [b.text for b in tree.iter("b")][1] == "<b>"
    hues = tag_hues(NAMES)
    assert hues["B-PER"] == hues["I-PER"] != hues["B-LOC"]
    assert "O" not in hues
    assert set(tag_hues(["walk", "rest"])) == {"walk", "rest"}


def test_events_without_a_partner_are_hollow():
    signal = np.sin(np.arange(1000.0) / 10)[:, None]
    truth, predicted = np.array([100, 500, 900]), np.array([102, 700, 905])
    tree = parsed(events_chart(signal, 100.0, truth, predicted, 5, title="record"))
    marks = [element.get("class") for element in tree.iter("path") if element.get("class").startswith("mark")]
    assert marks == [
        "mark truth",
        "mark truth alone",
        "mark truth",
        "mark predicted",
        "mark predicted alone",
        "mark predicted",
    ]
    assert "3 true events, 1 missed, 1 invented (hollow)" in texts(tree)
    tips = [element.text for element in tree.iter("title")]
    assert "true event at 5.000 s, without a partner" in tips


@pytest.mark.parametrize("rate", [None, 64.0])
def test_tagged_signal_draws_each_run_once(rate):
    truth = np.repeat([0, 1, -1], 50)
    predicted = np.repeat([0, 1, 1], 50)
    predicted[40:50] = 1
    signal = np.random.default_rng(0).normal(size=(150, 5))
    tree = parsed(tagged_signal(signal, rate, truth, predicted, ["walk", "freeze"]))
    bands = [
        e.find("title").text for e in tree.iter("rect") if e.get("class") == "band" and e.find("title") is not None
    ]
    assert bands == ["true: walk", "true: freeze", "predicted: walk", "predicted: freeze"]
    wrong = [e for e in tree.iter("rect") if e.get("class") == "wrong"]
    assert len(wrong) == 1
    assert float(wrong[0].get("width")) == pytest.approx(680 * 10 / 150, abs=0.2)
    assert "3 of 5 ch." in texts(tree)


def test_signals_without_steps_events_or_values():
    none = np.zeros(0, dtype=np.int64)
    parsed(events_chart(np.zeros((0, 1)), 10.0, none, none, 1))
    parsed(events_chart(np.full((10, 2), np.nan), None, none, np.array([3]), 1))
    parsed(tagged_signal(np.zeros((0, 1)), None, none, none, ["a"]))


def test_alignment_has_a_cell_for_each_pair_and_its_share():
    tree = parsed(alignment_chart(["a<", "b"], ["x", "y", "z"], np.array([[1.0, 0.0], [0.25, 0.75], [np.nan, 2.0]])))
    cells = [float(e.get("fill-opacity")) for e in tree.iter("rect") if e.get("class") == "shade"]
    assert cells == [1.0, 0.0, 0.25, 0.75, 0.0, 1.0]
    assert "y looks at b: 75%" in [e.text for e in tree.iter("title")]
    parsed(alignment_chart([], [], np.zeros((0, 0))))


def test_thinning_keeps_spikes():
    values = np.zeros(100_000)
    values[[777, 55_555]] = 5.0, -5.0
    kept = thinned(values)
    assert {777, 55_555} <= set(kept.tolist())
    assert len(kept) <= 1500


def test_small_parts():
    assert shorten("gesture number 12", 12) == "gestur…er 12"
    assert shorten("abc", 3) == "abc"
    assert scale(0.0, 10.0, 100.0, 200.0)(5.0) == 150.0
    assert scale(1.0, 1.0, 0.0, 8.0)(1.0) == 4.0
    assert line([0, 1], [np.nan, np.nan], float, float, "s") == ""


def test_the_style_has_a_dark_side_and_names_every_class():
    assert "prefers-color-scheme: dark" in STYLE
    for name in ("shade", "band", "whisker", "tagged", "wrong", "interval", "mark"):
        assert f".{name}" in STYLE
