"""What a kind of target says of itself: how it is encoded, learned, answered, scored, shown and told in words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.feeds.examples import NO_TARGET, Examples
from unrolled.data.feeds.long_records import Records
from unrolled.data.feeds.record_feed import is_labelled
from unrolled.data.records import Field, Record
from unrolled.errors import UserError
from unrolled.scoring.bootstrap import Metric
from unrolled.tasks.labels.live_answers import AnswerSoFar, LiveAnswers, Told, shares
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.predictions import Kind, Row, plain

Values = Callable[[], Iterable[Any]]
"""Gives the values of a field in the training part, None where one is not known, anew each time."""


class Naive(NamedTuple):
    """An answer that looks at no record, or at single words of it: the least a model has to beat."""

    name: str
    answer: list[float] | float | str | list[int]
    """for every record and step the same `[labels]` probabilities or `[targets]` values; for events the steps from
    one to the next; for transcripts the text; for tags of words the tag of each word of the vocabulary"""
    by_word: bool = False


class Target(ABC):
    """One kind of target, fitted on the training part and kept as JSON beside the model.

    An *answer* is what the outputs of a network mean for one record, an array; see `meaning`. There is no torch at the
    top of the modules of targets: worker processes encode, and need none.
    """

    field: str
    """what is learned, by its name in the data"""
    labels: tuple[str, ...]
    """what there is to tell apart; empty for numbers and texts"""

    pooled: ClassVar[bool] = True
    """whether there is one answer for a whole record"""
    per_step: ClassVar[bool] = False
    """whether there is a target for every step; what is neither pooled nor per step is a sequence of its own"""
    multilabel: ClassVar[bool] = False
    """whether several labels hold at once"""
    probabilities: ClassVar[bool] = False
    """whether an answer has one probability for each of `labels`, `[..., labels]`"""
    loss_in_nats: ClassVar[bool] = True
    loss_in_words: ClassVar[str] = "Loss (nats per label)"

    reads: ClassVar[dict[str, Any]] = {}
    """what suits it of the settings of `fit_inputs`"""

    @classmethod
    @abstractmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "Target":
        """The target of a field, from the training part. Raises `UserError` for values that teach nothing."""

    @abstractmethod
    def encode(self, value: Any) -> np.ndarray:
        """A value of the field, or None where it is not known."""

    def of_record(self, record: Record, steps: int) -> np.ndarray:
        """The target of a record that has so many steps. Raises `UserError` where it does not fit them."""
        value = record.values.get(self.field)
        if not self.per_step:
            return self.encode(value)
        if value is None:
            return self.nothing_known(steps)
        target = self.encode(value)
        if len(target) != steps:
            raise UserError(
                f"{record.origin} has {steps:,} steps and {len(target):,} values of {self.field}; "
                "there must be one for each step"
            )
        return target

    def nothing_known(self, steps: int) -> np.ndarray:
        """The target per step of a record in which none is known."""
        return np.full(steps, NO_TARGET, dtype=np.int64)

    def unseen(self, value: Any, part: str) -> tuple[str, int]:
        """A note on what training did not see of a value of a part of the data, and how often it is there."""
        return "", 0

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """With its `kind`, see `RecordEncoding.from_text`."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any]) -> "Target":
        """The inverse of `to_json`. Raises `ValueError` or `KeyError` for anything else."""

    @property
    def outputs(self) -> int:
        """Outputs of the head of a network."""
        return len(self.labels)

    @property
    def in_words(self) -> str:
        """What is learned, for the line that says what was found."""
        return f"{len(self.labels)} classes" if self.labels else self.field

    def loss(self, outputs: Any, batch: Any, *, weights: Any = None, label_smoothing: float = 0.0) -> Any:
        """The loss `[]` of the outputs `[members, ...]` for a batch of examples (tensors), summed over what is scored,
        each as often as its record counts.

        By default that of one label of several; `weights` and `label_smoothing` are for no other.
        """
        from unrolled.objectives.records import class_loss

        return class_loss(
            outputs,
            batch.targets,
            weights=weights,
            item_weights=batch.weights,
            label_smoothing=label_smoothing,
        )

    def class_weights(self, training: Records, wanted: str) -> np.ndarray | None:
        """What a record of each label counts in the loss, float32 `[labels]`; None where all count alike."""
        return None

    def meaning(self, outputs: Any) -> np.ndarray:
        """The outputs `[members, ...]` of the members of a network as one answer `[...]`: by default the mean of their
        probabilities for one label of several."""
        return outputs.softmax(-1).mean(0).cpu().numpy()

    @abstractmethod
    def value(self, record: Record, answer: np.ndarray) -> Any:
        """What an answer about a record says, as it is in the data."""

    def require_known(self, examples: Examples, name: str) -> None:
        """Raises `UserError` if there is nothing to compare answers with; `name` says what the examples are."""
        if not any(is_labelled(examples[number]) for number in range(len(examples))):
            more = ", ..." if len(self.labels) > 8 else ""
            known = f" (it knows {', '.join(self.labels[:8])}{more})" if self.labels else ""
            raise UserError(
                f"{name} has no record whose {self.field} the model knows{known}; there is nothing to judge"
            )

    def judge(self, examples: Examples, answers: list[np.ndarray], naive: Naive | None = None) -> RecordScores:
        """How good answers are, beside a naive one. Records without a known target are left out and counted.

        Where the examples have groups, the intervals are over groups (cluster bootstrap, see `scoring.bootstrap`).
        """
        scores = self.score(examples, answers)
        scores.groups = None if examples.groups is None else len(set(examples.groups))
        if naive is not None:
            scores.baseline, scores.baseline_name = self.score_naive(naive, examples), naive.name
        return scores

    def live(self) -> LiveAnswers:
        """The step form of the answers: what is told while a record comes."""
        return AnswerSoFar(self.live_words, self.outputs, pooled=self.pooled)

    def live_words(self, answer: np.ndarray) -> Told:
        """An answer `[outputs]` to a step, or to the record so far, as values for JSON."""
        return {"prediction": self.value(Record({}, ""), answer), "probabilities": shares(self.labels, answer)}

    @abstractmethod
    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        """How good answers are, for `judge`."""

    @abstractmethod
    def naive(self, training: Examples, encoding: Encoding) -> Naive | None:
        """What the training part says without a look at more than single words of a record; None if that is nothing."""

    def score_naive(self, naive: Naive, examples: Examples) -> dict[str, Metric]:
        """The metrics of a naive answer."""
        answer = np.array(naive.answer, dtype=np.float32)
        answers = [np.tile(answer, (steps, 1)) if self.per_step else answer for steps in examples.lengths]
        return self.score(examples, answers).metrics

    def columns(self, words: str | None) -> dict[str, Kind]:
        """The columns of `rows`, by default `prediction` and `p_LABEL` for each label.

        `words` is the name of the field with the words of a record, if there is one.
        """
        return {
            "prediction": "labels" if self.multilabel else "text",
            **{f"p_{label}": "number" for label in self.labels},
        }

    def rows(self, record: Record, answer: np.ndarray, words: str | None) -> list[Row]:
        """An answer as rows of a table, without the column that names the record."""
        shares = {f"p_{label}": plain(share) for label, share in zip(self.labels, answer, strict=True)}
        return [{"prediction": self.value(record, answer)} | shares]

    @abstractmethod
    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        """The pictures that people expect, for the report: titles with HTML."""


def require_several(labels: tuple[str, ...], field: str) -> tuple[str, ...]:
    """The labels. Raises `UserError` if there are not at least two of them."""
    if len(labels) < 2:
        seen = f"only the label {labels[0]!r}" if labels else "no label"
        raise UserError(f"the training part has {seen} in {field}; there must be at least two to tell apart")
    return labels
