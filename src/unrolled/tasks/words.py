"""What the verbs of all tasks say."""

from typing import Any

from unrolled.plural import rounded
from unrolled.scoring.names import metric_in_words

PARTS = {"train": "training", "valid": "validation", "test": "test"}
"""How parts are called where people read."""


def scores_line(scores: dict[str, Any]) -> str:
    """The metrics of a part, each beside that of the naive baseline."""
    metrics = []
    for name, metric in scores["metrics"].items():
        if metric["value"] is None:
            continue
        spread = "" if metric["low"] is None else f" ({rounded(metric['low'], 3)} to {rounded(metric['high'], 3)})"
        naive = scores["baseline"].get(name)
        beside = "" if not naive else f", baseline {rounded(naive['value'], 3)}"
        metrics.append(
            f"{metric_in_words(name)} {rounded(metric['value'])}{spread if name == scores['main'] else ''}{beside}"
        )
    return "; ".join(metrics)
