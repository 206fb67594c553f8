"""How good answers about records are, beside a naive baseline."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unrolled.data.feeds.examples import NO_TARGET
from unrolled.plural import rounded
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.names import metric_in_words


@dataclass
class RecordScores:
    """The scores of some records."""

    loss: float
    """nats per label (of a text: per record), or squared error in units of the target's standard deviation"""
    metrics: dict[str, Metric]
    main: str
    """the metric that matters most"""
    count: int
    """what was scored: records or steps"""
    unscored: int = 0
    """records or steps without a known label"""
    groups: int | None = None
    """how many groups of records the intervals are over; None where records are in none"""
    baseline: dict[str, Metric] = field(default_factory=dict)
    baseline_name: str = ""

    @property
    def criterion(self) -> float:
        """What the best model has least of: the error, and among equal ones the loss."""
        metric = self.metrics[self.main]
        if metric.value is None or not math.isfinite(metric.value):
            return 1e6 + self.loss
        return (-metric.value if metric.better == "higher" else metric.value) + 1e-4 * math.tanh(self.loss)

    def facts(self) -> dict[str, Any]:
        return {"loss": self.loss, **{name: metric.value for name, metric in self.metrics.items()}}

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        baseline = {name: metric.to_json() for name, metric in self.baseline.items()}
        return {
            "loss": self.loss,
            "count": self.count,
            "unscored": self.unscored,
            "groups": self.groups,
            "main": self.main,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "baseline": {"name": self.baseline_name, **baseline},
        }

    def words(self) -> str:
        metric = self.metrics[self.main]
        if metric.value is None:
            value = "undefined"
        else:
            value = f"{metric.value:.4f}" if abs(metric.value) < 1000 else rounded(metric.value)
        return f"loss {self.loss:.4f}, {metric_in_words(self.main)} {value}"


def step_loss(truth: list[np.ndarray], answers: list[np.ndarray]) -> tuple[float, int, int]:
    """The mean loss in nats per step of probabilities `[time, labels]` for labels `[time]`, how many steps that is, and
    how many have no known label."""
    labels, shares = np.concatenate(truth), np.concatenate(answers)
    known = labels != NO_TARGET
    right = shares[known, labels[known]]
    return float(-np.log(np.clip(right, 1e-12, 1.0)).mean()), int(known.sum()), int((~known).sum())
