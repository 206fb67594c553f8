"""The learning curve of a run as columns of numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from unrolled.training.metrics import read_metrics


def history_of(run: Path) -> dict[str, np.ndarray]:
    """Everything measured while a run went on: arrays of one length, a place for each step at which something was.

    `step` counts updates. What was measured on the training data is called as in `metrics.jsonl` (`loss`,
    `learning_rate`, `gradient_norm`, ...), what was on the data held out has `valid_` before its name (`valid_loss`,
    `valid_accuracy`, ...). NaN stands where a measure was not taken.
    """
    rows: dict[int, dict[str, float]] = {}
    for record in read_metrics(run / "metrics.jsonl"):
        prefix = "valid_" if record["kind"] == "validation" else ""
        row = rows.setdefault(record["step"], {})
        for name in record.keys() - {"kind", "step"}:
            row[_name(name, prefix)] = _number(record[name])
    steps = sorted(rows)
    names = ["loss", "valid_loss", *sorted({name for row in rows.values() for name in row} - {"loss", "valid_loss"})]
    columns = {name: np.array([rows[step].get(name, np.nan) for step in steps]) for name in names}
    return {"step": np.array(steps, dtype=np.int64), **columns}


def _name(name: str, prefix: str) -> str:
    return name if name == "seconds" else f"{prefix}{name}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
