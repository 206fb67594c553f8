"""The end of a run: the best model judged on what was held out, and the report."""

from pathlib import Path
from typing import Any

import torch

from unrolled.data.records import Notes
from unrolled.formats import format_duration
from unrolled.reports.page import write_report
from unrolled.tasks.task import Assembly, Judgement, Part, Prepared, Task
from unrolled.tasks.words import PARTS
from unrolled.training.environment import environment
from unrolled.training.loop import Position
from unrolled.training.metrics import read_metrics
from unrolled.training.progress import Progress


def end_run(
    folder: Path,
    task: Task,
    prepared: Prepared,
    assembly: Assembly,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Judge the best model on the parts held out, write report.html, and return the result of the run."""
    trained = task.load(folder / "best")
    trained.network.to(device)
    progress.message(f"{reason}; evaluating the model of step {position.best_step:,}")
    result: dict[str, Any] = {
        "run": str(folder),
        "model": str(folder / "best"),
        "report": str(folder / "report.html"),
        "task": prepared.task,
        "reason": reason,
        "steps": position.step,
        "best_step": position.best_step,
        "seconds": position.elapsed,
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        **prepared.facts(position),
    }
    judged: list[tuple[Part, Judgement]] = []
    summary: dict[str, Any] = {}
    delay = task.delay(trained)
    if delay is not None:
        result["delay"] = delay._asdict()
    for part in prepared.held_out():
        judgement = trained.score(part, Notes(), progress, **part.options)
        judged.append((part, judgement))
        result = task.as_result(part.name, judgement.scores) | result
        summary |= {f"{PARTS[part.name]} {name}": value for name, value in judgement.tiles.items()}
    samples, pictures = trained.show(prepared, judged, settings["train"]["seed"])
    write_report(
        folder / "report.html",
        title=f"{folder.name}: {prepared.summary}",
        metrics=read_metrics(folder / "metrics.jsonl"),
        settings={name: settings[name] for name in ("data", "model", "train")},
        environment=environment(),
        samples=samples,
        summary={
            **summary,
            **({} if delay is None else {"delay of a live stream": str(delay)}),
            "ended": reason,
            "updates": f"{position.step:,}",
            "training time": format_duration(position.elapsed),
            "parameters": f"{result['parameters']:,}",
        },
        pictures=pictures,
        loss=assembly.loss,
        unit=assembly.unit,
    )
    return result
