"""The pictures people expect of a task, for the report."""

from html import escape
from typing import Any

import numpy as np

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import (
    NO_TARGET,
    ClassTarget,
    EventTarget,
    NumberTarget,
    StepTarget,
    TextTarget,
    event_centres,
)
from unrolled.data.feeds.examples import Examples
from unrolled.reports.confusion import confusion_matrix, score_bars
from unrolled.reports.scatter import scatter
from unrolled.reports.signals import events_chart, tagged_signal
from unrolled.reports.svg import shorten
from unrolled.reports.tagged import tagged_text
from unrolled.scoring.bootstrap import add_up, record_units
from unrolled.scoring.classification import confusion_counts, per_class_scores, scores_from_counts
from unrolled.scoring.spans import has_spans
from unrolled.scoring.tagging import per_tag_scores
from unrolled.scoring.text import edit_distances
from unrolled.tasks.labels.answers import events_of, text_of
from unrolled.tasks.labels.scores import EVENT_TOLERANCE, group_numbers

SHOWN = 10
"""Examples of a part that are shown."""
STRETCH = 800
"""Steps of a long record that are shown."""


def pictures_of(encoding: Encoding, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    """Titles with HTML."""
    target = encoding.target
    if isinstance(target, ClassTarget):
        return _labels(target, part, answers) if target.many else _classes(target, part, answers)
    if isinstance(target, NumberTarget):
        return _values(target, part, answers)
    if isinstance(target, EventTarget):
        return [("Events", _events(target, part, answers, number)) for number in range(min(len(part), 2))]
    if isinstance(target, StepTarget):
        return _tags(encoding, target, part, answers)
    if isinstance(target, TextTarget):
        return [("Transcripts", _transcripts(target, part, answers))]
    return []


def _transcripts(target: TextTarget, part: Examples, answers: list[Any]) -> str:
    """Some texts with what was said, and how many letters one would have to change."""
    known = [number for number in range(len(part)) if len(_target(part, number))]
    numbers = known[:: max(1, len(known) // SHOWN)][:SHOWN]
    truth = [target.decode(_target(part, number)) for number in numbers]
    said = [text_of(answers[number], target) for number in numbers]
    rows = "".join(
        f"<tr><td>{escape(true)}</td><td>{escape(found) or '<small>(nothing)</small>'}</td><td>{edits:,}</td></tr>"
        for true, found, edits in zip(truth, said, edit_distances(truth, said).tolist(), strict=True)
    )
    return f"<table><tr><th>true</th><th>transcript</th><th>letters wrong</th></tr>{rows}</table>"


def _target(part: Examples, number: int) -> np.ndarray:
    target = part[number].target
    assert target is not None
    return target


def _classes(target: ClassTarget, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    truth = np.array([int(_target(part, number)) for number in range(len(part))], dtype=np.int64)
    known = truth != NO_TARGET
    if not known.any():
        return []
    said = np.stack(answers).argmax(axis=1)
    counts = confusion_counts(truth[known], said[known], len(target.labels))
    groups = group_numbers(part, known)
    scores = per_class_scores(truth[known], said[known], list(target.labels), groups=groups)
    return [("Confusion matrix", confusion_matrix(counts, list(target.labels))), ("Each class", score_bars(scores))]


def _labels(target: ClassTarget, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    """Of several labels at once: how well each is found."""
    truth = np.stack([_target(part, number) for number in range(len(part))])
    known = np.isfinite(truth).all(axis=1)
    if not known.any():
        return []
    wanted, said = truth[known] > 0.5, np.stack(answers)[known] >= 0.5
    unit = record_units(len(wanted), group_numbers(part, known))
    counts = add_up(unit, np.concatenate([wanted & said, said, wanted], axis=1).astype(float))
    return [("Each label", score_bars(scores_from_counts(counts, list(target.labels))))]


def _values(target: NumberTarget, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    truth = np.concatenate([np.atleast_2d(_target(part, number)) for number in range(len(part))])
    truth = target.scaler.unscale(truth)
    said = np.concatenate([np.atleast_2d(answer) for answer in answers])
    charts = [
        scatter(truth[:, column].astype(np.float32), said[:, column].astype(np.float32), title=name)
        for column, name in enumerate(target.names[:4])
    ]
    return [("Predicted against true values", "".join(charts))]


def _tags(encoding: Encoding, target: StepTarget, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    names = list(target.labels)
    truth = [_target(part, number) for number in range(len(part))]
    said = [answer.argmax(axis=1) for answer in answers]
    scores = per_tag_scores(truth, said, names, groups=group_numbers(part))
    bars = ("Each tag", score_bars(scores, counted="spans" if has_spans(names) else "steps"))
    if not encoding.tables or encoding.channels:
        return [bars, ("A stretch with its tags", _tagged_stretch(part, truth[0], said[0], names))]
    # Sentences in which something is to be found or was found say more than those without.
    common = int(np.bincount(np.concatenate([one[one >= 0] for one in truth]), minlength=len(names)).argmax())
    telling = [n for n in range(len(part)) if ((truth[n] != common) | (said[n] != common)).any()]
    shown = []
    for number in telling[:: max(1, len(telling) // SHOWN)][:SHOWN]:
        tokens = part[number].tokens
        assert tokens is not None
        words = [encoding.shown_word(row) for row in tokens]
        true = [names[tag] if tag >= 0 else "" for tag in truth[number].tolist()]
        shown.append(tagged_text(words, true, [names[tag] for tag in said[number].tolist()], names))
    return [("Tagged examples", "".join(shown)), bars]


def _tagged_stretch(part: Examples, truth: np.ndarray, said: np.ndarray, names: list[str]) -> str:
    """The stretch of the first record in which most happens."""
    change = np.flatnonzero(np.diff(truth) != 0)
    start = max(0, min(int(change[len(change) // 2]) - STRETCH // 2 if len(change) else 0, len(truth) - STRETCH))
    cut = slice(start, start + STRETCH)
    numbers = part[0].numbers
    signal = np.zeros((len(truth[cut]), 1), dtype=np.float32) if numbers is None else numbers[cut]
    return tagged_signal(signal, None, truth[cut].astype(np.int64), said[cut].astype(np.int64), names)


def _events(target: EventTarget, part: Examples, answers: list[Any], number: int) -> str:
    """The beginning of a record, with its events."""
    signal = part[number].numbers
    assert signal is not None
    true = event_centres(_target(part, number), target.reach)
    found = events_of(answers[number], target)[0]
    signal = signal[: 2 * STRETCH]
    return events_chart(
        signal,
        float(target.rate),
        true[true < len(signal)],
        found[found < len(signal)].astype(np.int64),
        EVENT_TOLERANCE * target.rate,
        title=f"{shorten(part.origins[number], 60)} (scaled)" if part.origins[number] else "Signal (scaled)",
    )
