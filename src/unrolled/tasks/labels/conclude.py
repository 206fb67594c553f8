"""The end of a run on records: the best model judged on validation and test parts, beside a naive baseline."""

from pathlib import Path
from typing import Any

import torch

from unrolled.plural import counted, rounded
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.end_of_run import facts_of_run, report_run
from unrolled.tasks.labels.dataset import Dataset
from unrolled.tasks.labels.evaluate import judge, scores_as_json
from unrolled.tasks.labels.load import load_records
from unrolled.training.loop import Position
from unrolled.training.progress import Progress


def conclude_records(
    folder: Path,
    dataset: Dataset,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Evaluate the best model, write report.html, and return the result of the run."""
    loaded = load_records(folder / "best")
    model = loaded.model
    model.network.to(device)
    progress.message(f"{reason}; evaluating the model of step {position.best_step:,}")
    parts = {name: part for name, part in (("valid", dataset.valid), ("test", dataset.test)) if part is not None}
    result = facts_of_run(folder, dataset.schema.task, position, reason, model.network)
    summary: dict[str, Any] = {}
    pictures: list[tuple[str, str]] = []
    for name, part in parts.items():
        scores, answers = judge(model, part, loaded.naive)
        result[name] = scores_as_json(scores)
        shown = {"valid": "validation", "test": "test"}[name]
        for metric in scores.metrics.values():
            naive = scores.baseline.get(metric.name)
            beside = "" if naive is None else f", baseline {rounded(naive.value)}"
            summary[f"{shown} {metric_in_words(metric.name)}"] = f"{metric}{beside}"
        if scores.groups is not None:
            summary[f"{shown} intervals"] = f"over {counted(scores.groups, 'group')}"
        if scores.baseline_name:
            summary[f"{shown} baseline"] = scores.baseline_name
        if name == list(parts)[-1]:
            pictures = model.encoding.target.pictures(part, answers, model.encoding)
    report_run(
        folder,
        dataset.summary,
        result,
        settings,
        summary,
        pictures=pictures,
        loss=model.encoding.target.loss_in_words,
        unit="labels" if model.encoding.target.per_step else "records",
    )
    return result
