"""How good a model of records is on some part or file, beside a naive answer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled.data.feeds.examples import Examples
from unrolled.data.feeds.record_feed import is_labelled
from unrolled.errors import UserError
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive


def require_labels(model: RecordModel, part: Examples, name: str) -> None:
    """Raises `UserError` if there is nothing to compare answers with."""
    if not any(is_labelled(part[number]) for number in range(len(part))):
        target = model.encoding.target
        more = ", ..." if len(target.labels) > 8 else ""
        known = f" (it knows {', '.join(target.labels[:8])}{more})" if target.labels else ""
        raise UserError(f"{name} has no record whose {target.field} the model knows{known}; there is nothing to judge")


def judge(
    model: RecordModel,
    part: Examples,
    naive: Naive | None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RecordScores, list[np.ndarray]]:
    """Scores beside those of a naive answer, and the answers."""
    answers = model.answers(part, progress)
    return model.encoding.target.judge(part, answers, naive), answers


def scores_as_json(scores: RecordScores) -> dict[str, Any]:
    """Scores as JSON values."""
    return {
        "loss": scores.loss,
        "count": scores.count,
        "unscored": scores.unscored,
        "groups": scores.groups,
        "main": scores.main,
        "metrics": {name: metric.to_json() for name, metric in scores.metrics.items()},
        "baseline": {
            "name": scores.baseline_name,
            **{name: metric.to_json() for name, metric in scores.baseline.items()},
        },
    }
