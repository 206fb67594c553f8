"""What the ends of runs of all tasks on records have in common: the facts of the training, and the report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from unrolled.formats import format_duration
from unrolled.reports.page import write_report
from unrolled.training.environment import environment
from unrolled.training.loop import Position
from unrolled.training.metrics import read_metrics


def facts_of_run(folder: Path, task: str, position: Position, reason: str, network: nn.Module) -> dict[str, Any]:
    """The part of a run's result that says how it went; scores come beside it."""
    return {
        "run": str(folder),
        "model": str(folder / "best"),
        "report": str(folder / "report.html"),
        "task": task,
        "reason": reason,
        "steps": position.step,
        "best_step": position.best_step,
        "seconds": position.elapsed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def report_run(
    folder: Path,
    headline: str,
    result: dict[str, Any],
    settings: dict[str, Any],
    summary: dict[str, Any],
    *,
    samples: Sequence[tuple[str, str]] = (),
    pictures: Sequence[tuple[str, str]] = (),
    loss: str = "Loss in nats per token",
    unit: str = "tokens",
) -> None:
    """Write report.html; `summary` are the scores, which the facts of the training follow; `unit` is what was learned
    from, below the axis of the learning curve."""
    write_report(
        folder / "report.html",
        title=f"{folder.name}: {headline}",
        metrics=read_metrics(folder / "metrics.jsonl"),
        settings={name: settings[name] for name in ("data", "model", "train")},
        environment=environment(),
        samples=samples,
        summary={
            **summary,
            "ended": result["reason"],
            "updates": f"{result['steps']:,}",
            "training time": format_duration(result["seconds"]),
            "parameters": f"{result['parameters']:,}",
        },
        pictures=pictures,
        loss=loss,
        unit=unit,
    )
