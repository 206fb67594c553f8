"""What is said of scores in one line."""

from typing import Any

from unrolled.tasks.words import scores_line


def value(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def test_each_metric_stands_beside_that_of_the_baseline_and_the_main_one_with_its_interval() -> None:
    scores = {
        "main": "accuracy",
        "metrics": {
            "accuracy": value(0.91234, 0.8512, 0.95),
            "log_loss": value(0.25, 0.2, 0.3),
            "roc_auc": value(None),
            "macro_f1": value(0.5),
        },
        "baseline": {"name": "class shares", "accuracy": value(0.4), "log_loss": value(0.69314)},
    }
    assert scores_line(scores) == (
        "accuracy 0.9123 (0.851 to 0.95), baseline 0.4; log loss 0.25, baseline 0.693; macro F1 0.5"
    )
