"""Numbers per record, and numbers per step."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Field, Record
from unrolled.reports.scatter import scatter
from unrolled.scoring import baselines
from unrolled.scoring.regression import regression_metrics
from unrolled.tasks.labels.live_answers import Told
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive, Target, Values
from unrolled.tasks.predictions import Kind, Row, plain

SHOWN = 4
"""Numbers of which there is a picture."""


@dataclass(frozen=True)
class NumberTarget(Target):
    """Numbers per record, scaled for training; an answer is their values `[targets]` in their own units."""

    field: str
    names: tuple[str, ...]
    scaler: Scaler

    labels = ()
    loss_in_nats = False
    loss_in_words = "Loss (squared error in units of the target's variance)"
    _column: ClassVar[Kind] = "number"

    def __post_init__(self) -> None:
        """Raises `ValueError` if the scaler is for other targets."""
        if len(self.names) != len(self.scaler.centre):
            raise ValueError(f"{self.field} has {len(self.names)} numbers and a scaler for {len(self.scaler.centre)}")

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "NumberTarget":
        return cls(field.name, field.channels or (field.name,), Scaler.fit(_rows(values()), "standard"))

    def encode(self, value: Any) -> np.ndarray:
        """float32 `[targets]` or `[time, targets]`; NaN where not known."""
        if value is None:
            return np.full(len(self.names), np.nan, dtype=np.float32)
        values = np.asarray(value, dtype=np.float64)
        return self.scaler.scale(values.reshape(-1, len(self.names))).reshape(values.shape)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "number"} | asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "NumberTarget":
        return cls(data["field"], tuple(data["names"]), Scaler.from_json(data["scaler"]))

    @property
    def outputs(self) -> int:
        return len(self.names)

    def loss(self, outputs: Any, batch: Any, *, weights: Any = None, label_smoothing: float = 0.0) -> Any:
        from unrolled.objectives.records import value_loss

        return value_loss(outputs, batch.targets, item_weights=batch.weights)

    def meaning(self, outputs: Any) -> np.ndarray:
        """The mean of the values of the members."""
        return self.scaler.unscale(outputs.mean(0).cpu().numpy())

    def value(self, record: Record, answer: np.ndarray) -> np.ndarray:
        """float32 `[...]` of a single number, `[..., targets]` of several."""
        return answer[..., 0] if len(self.names) == 1 else answer

    def live_words(self, answer: np.ndarray) -> Told:
        numbers = dict(zip(self.names, map(plain, answer), strict=True))
        return {"prediction": numbers if len(numbers) > 1 else plain(answer[0])}

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        """Of several numbers those count of which all are known."""
        targets = examples.targets()
        truth, predicted = _rows(targets), _rows(answers)
        known = np.isfinite(truth).all(axis=1)
        groups = examples.group_numbers()
        if groups is not None:
            groups = np.repeat(groups, [len(np.atleast_2d(target)) for target in targets])[known]
        metrics = regression_metrics(self.scaler.unscale(truth[known]), predicted[known], groups=groups)
        loss = float(np.mean((self.scaler.scale(predicted[known]) - truth[known]) ** 2))
        return RecordScores(loss, metrics, "mse", int(known.sum()), int((~known).sum()))

    def naive(self, training: Examples, encoding: Encoding) -> Naive:
        values = _rows(self.scaler.unscale(target) for target in training.targets())
        mean = baselines.mean_value(values[np.isfinite(values).all(axis=1)], 1)[0]
        return Naive("mean of the training part", mean.tolist())

    def columns(self, words: str | None) -> dict[str, Kind]:
        return dict.fromkeys(self._columns(), self._column)

    def _columns(self) -> list[str]:
        return [f"prediction_{name}" for name in self.names] if len(self.names) > 1 else ["prediction"]

    def rows(self, record: Record, answer: np.ndarray, words: str | None) -> list[Row]:
        columns = [plain(value) if answer.ndim == 1 else list(map(plain, value)) for value in answer.T]
        return [dict(zip(self._columns(), columns, strict=True))]

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        truth = self.scaler.unscale(_rows(examples.targets())).astype(np.float32)
        predicted = _rows(answers).astype(np.float32)
        charts = [
            scatter(truth[:, column], predicted[:, column], title=name)
            for column, name in enumerate(self.names[:SHOWN])
        ]
        return [("Predicted against true values", "".join(charts))]


class StepNumberTarget(NumberTarget):
    """Numbers per step; an answer is their values `[time, targets]` in their own units."""

    pooled = False
    per_step = True
    reads: ClassVar[dict[str, Any]] = {"spelling": True}
    _column = "numbers"

    def nothing_known(self, steps: int) -> np.ndarray:
        return np.full((steps, len(self.names)), np.nan, dtype=np.float32)


def _rows(values: Iterable[np.ndarray | None]) -> np.ndarray:
    """The known ones, one row for each record or step: `[rows, targets]`."""
    return np.concatenate([np.atleast_2d(value) for value in values if value is not None])
