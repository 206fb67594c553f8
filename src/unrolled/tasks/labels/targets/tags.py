"""A label per step."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.feeds.examples import NO_TARGET, Examples
from unrolled.data.records import Field, Record
from unrolled.reports.confusion import score_bars
from unrolled.reports.signals import tagged_signal
from unrolled.reports.tagged import tagged_text
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.spans import has_spans
from unrolled.scoring.tagging import per_tag_scores, tagging_metrics
from unrolled.tasks.labels.live_answers import BestTags, LiveAnswers, Told, tag_in_words
from unrolled.tasks.labels.scores import RecordScores, step_loss
from unrolled.tasks.labels.tag_decoding import Rules, decode_tags, rules_of
from unrolled.tasks.labels.target import Naive, Target, Values, require_several
from unrolled.tasks.predictions import Kind, Row, plain

SHOWN = 10
"""Examples of a part that are shown."""
STRETCH = 800
"""Steps of a long record that are shown."""


@dataclass(frozen=True)
class TagTarget(Target):
    """A label per step; an answer is their probabilities `[time, labels]`."""

    field: str
    labels: tuple[str, ...]
    pairs: tuple[tuple[int, int, int], ...] | None = None
    """which label followed which in training, and how often; the number of labels stands for the beginning and the end
    of a record. None where that was not counted"""

    pooled = False
    per_step = True
    probabilities = True
    reads: ClassVar[dict[str, Any]] = {"spelling": True}

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "TagTarget":
        """Pairs are counted if there is a label `O`, as tags of spans have it."""
        labels = tuple(sorted({label for value in values() if value is not None for label in value}))
        require_several(labels, field.name)
        return cls(field.name, labels, count_pairs(labels, values()) if "O" in labels else None)

    def encode(self, value: Sequence[str]) -> np.ndarray:
        """int64 `[time]`."""
        number = {label: index for index, label in enumerate(self.labels)}
        return np.array([number.get(label, NO_TARGET) for label in value], dtype=np.int64)

    def unseen(self, value: Sequence[str], part: str) -> tuple[str, int]:
        missing = sum(label not in self.labels for label in value)
        return f"steps in {part} with a tag that training did not see, left out of the scores", missing

    def to_json(self) -> dict[str, Any]:
        pairs = {} if self.pairs is None else {"pairs": list(map(list, self.pairs))}
        return {"kind": "step", "field": self.field, "labels": list(self.labels)} | pairs

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TagTarget":
        """Raises `ValueError` for pairs of labels that are not there."""
        labels, pairs = tuple(data["labels"]), data.get("pairs")
        if pairs is None:
            return cls(data["field"], labels)
        if not all(len(pair) == 3 and min(pair) >= 0 and max(pair[:2]) <= len(labels) for pair in pairs):
            raise ValueError("pairs of tags that do not fit the tags")
        return cls(data["field"], labels, tuple((int(a), int(b), int(times)) for a, b, times in pairs))

    @property
    def in_words(self) -> str:
        return f"{len(self.labels)} tags"

    def tags(self, answer: np.ndarray) -> np.ndarray:
        """The numbers of the tags, int64 `[time]`: of the BIO family in the best order that is allowed (`decode_tags`),
        of others the most probable of each step."""
        return answer.argmax(axis=1) if self._rules is None else decode_tags(answer, self._rules)

    @cached_property
    def _rules(self) -> Rules | None:
        """Which tags may stand where, if they are of the BIO family."""
        return rules_of(self.labels, self.pairs) if has_spans(self.labels) else None

    def live(self) -> LiveAnswers:
        return super().live() if self._rules is None else BestTags(self.labels, self._rules)

    def live_words(self, answer: np.ndarray) -> Told:
        return tag_in_words(self.labels, answer, int(answer.argmax()))

    def value(self, record: Record, answer: np.ndarray) -> list[str]:
        return [self.labels[tag] for tag in self.tags(answer)]

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        truth = examples.targets()
        tags = [self.tags(answer) for answer in answers]
        metrics = tagging_metrics(truth, tags, self.labels, groups=examples.group_numbers())
        loss, count, missing = step_loss(truth, answers)
        return RecordScores(loss, metrics, "span_f1" if "span_f1" in metrics else "accuracy", count, missing)

    def naive(self, training: Examples, encoding: Encoding) -> Naive:
        """The usual tag of each word; where there are no words, that of all steps."""
        tags = np.concatenate(training.targets())
        if encoding.tables:
            words = np.concatenate([_words(training, number) for number in range(len(training))])
            usual = baselines.frequent_tags(words, tags, encoding.tables[0])
            return Naive("the most frequent tag of each word", usual.tolist(), by_word=True)
        known = tags[tags != NO_TARGET]
        shares = np.bincount(known, minlength=len(self.labels)) / max(1, len(known))
        return Naive("most frequent tag", shares.tolist())

    def score_naive(self, naive: Naive, examples: Examples) -> dict[str, Metric]:
        if not naive.by_word:
            return super().score_naive(naive, examples)
        usual, sure = np.array(naive.answer), np.eye(len(self.labels), dtype=np.float32)
        return self.score(examples, [sure[usual[_words(examples, number)]] for number in range(len(examples))]).metrics

    def columns(self, words: str | None) -> dict[str, Kind]:
        tokens: dict[str, Kind] = {} if words is None else {"token": "texts"}
        return tokens | {"tag": "texts", "probability": "numbers"}

    def rows(self, record: Record, answer: np.ndarray, words: str | None) -> list[Row]:
        tags = self.tags(answer)
        row: Row = {} if words is None else {"token": record.values[words]}
        row["tag"] = [self.labels[tag] for tag in tags]
        row["probability"] = [plain(share) for share in answer[np.arange(len(tags)), tags]]
        return [row]

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        names, truth = list(self.labels), examples.targets()
        tags = [answer.argmax(axis=1) for answer in answers]
        scores = per_tag_scores(truth, tags, names, groups=examples.group_numbers())
        bars = ("Each tag", score_bars(scores, counted="spans" if has_spans(names) else "steps"))
        if not encoding.tables or encoding.channels:
            return [bars, ("A stretch with its tags", _tagged_stretch(examples, truth[0], tags[0], names))]
        # Sentences in which something is to be found or was found say more than those without.
        common = int(np.bincount(np.concatenate([tag[tag >= 0] for tag in truth]), minlength=len(names)).argmax())
        telling = [n for n in range(len(examples)) if ((truth[n] != common) | (tags[n] != common)).any()]
        shown = []
        for number in telling[:: max(1, len(telling) // SHOWN)][:SHOWN]:
            tokens = examples[number].tokens
            assert tokens is not None
            words = [encoding.shown_word(row) for row in tokens]
            true = [names[tag] if tag >= 0 else "" for tag in truth[number].tolist()]
            shown.append(tagged_text(words, true, [names[tag] for tag in tags[number].tolist()], names))
        return [("Tagged examples", "".join(shown)), bars]


def count_pairs(labels: Sequence[str], values: Iterable[Sequence[str] | None]) -> tuple[tuple[int, int, int], ...]:
    """Which label followed which, and how often; see `TagTarget.pairs`."""
    number, border = {label: index for index, label in enumerate(labels)}, len(labels)
    counts = Counter[tuple[int, int]]()
    for value in values:
        counts.update(itertools.pairwise([border, *(number[label] for label in value or ()), border]))
    return tuple(sorted((*pair, times) for pair, times in counts.items()))


def _words(examples: Examples, number: int) -> np.ndarray:
    """int64 `[time]`: the first column of tokens of a record."""
    tokens = examples[number].tokens
    assert tokens is not None
    return tokens[:, 0]


def _tagged_stretch(examples: Examples, truth: np.ndarray, tags: np.ndarray, names: list[str]) -> str:
    """The stretch of the first record in which most happens."""
    change = np.flatnonzero(np.diff(truth) != 0)
    start = max(0, min(int(change[len(change) // 2]) - STRETCH // 2 if len(change) else 0, len(truth) - STRETCH))
    cut = slice(start, start + STRETCH)
    numbers = examples[0].numbers
    signal = np.zeros((len(truth[cut]), 1), dtype=np.float32) if numbers is None else numbers[cut]
    return tagged_signal(signal, None, truth[cut].astype(np.int64), tags[cut].astype(np.int64), names)
