"""Answers before the end: how good a model that reads forwards is while a record comes."""

from html import escape
from typing import Any, cast

import numpy as np
import torch

from unrolled.data.feeds.examples import Examples, collate
from unrolled.data.feeds.record_feed import ordered_batches
from unrolled.models.evaluating import evaluating
from unrolled.models.on_device import on_device
from unrolled.models.records import RecordInputs
from unrolled.plural import rounded
from unrolled.reports.charts import Curve, TickRow, line_chart
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.labels.answers import BATCH_STEPS, RecordModel

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Of the steps of a record, after which an answer is judged."""
LEAST = 10
"""Steps of a typical record, so that a tenth is one."""


def answers_early(model: RecordModel, examples: Examples, shares: tuple[float, ...]) -> list[list[np.ndarray]]:
    """For each share of the steps of a record the answers `[outputs]` after so many of them, at least one, rounded up:
    what a live stream says there."""
    network = model.network
    device = next(network.parameters()).device
    size = max(1, BATCH_STEPS // max(examples.lengths, default=1))
    early: list[list[Any]] = [[None] * len(examples) for _ in shares]
    with torch.inference_mode(), evaluating(network):
        for numbers in ordered_batches(examples, min(size, 256)):
            chosen = [examples[int(number)]._replace(target=None) for number in numbers]
            values, tokens, mask, *_ = cast(tuple[Any, ...], on_device(collate(chosen, per_step=False), device))
            outputs, _ = network(RecordInputs(values, tokens), mask=mask)
            last = [[max(0, int(np.ceil(share * example.time)) - 1) for share in shares] for example in chosen]
            rows = torch.arange(len(chosen), device=device)[:, None]
            then = outputs[rows, torch.tensor(last, device=device)].float()
            answers = model.encoding.target.meaning(then.permute(2, 0, 1, 3))
            for number, answer in zip(numbers, answers, strict=True):
                for part in range(len(shares)):
                    early[part][int(number)] = answer[part]
    return early


def early_scores(model: RecordModel, examples: Examples, answers: list[np.ndarray]) -> dict[str, Any] | None:
    """The main metric after parts of each record, as JSON values; `answers` are those after the whole.

    None for models without one answer for a record, those that read it from both ends, and very short records.
    """
    target = model.encoding.target
    if not (target.pooled and model.network.supports_step) or np.median(examples.lengths) < LEAST:
        return None
    early = [*answers_early(model, examples, SHARES[:-1]), answers]
    judged = [target.score(examples, some) for some in early]
    main = judged[-1].main
    after = [{"share": share, **scores.metrics[main].to_json()} for share, scores in zip(SHARES, judged, strict=True)]
    return {"metric": main, "after": after}


def early_words(early: dict[str, Any]) -> str:
    """In a line."""
    known = [value for value in early["after"] if value["value"] is not None]
    parts = ", ".join(f"{rounded(value['value'], 3)} after {100 * value['share']:g} %" for value in known)
    return f"while a record comes: {metric_in_words(early['metric'])} {parts} of its steps"


def early_chart(early: dict[str, Any]) -> str:
    """A picture, with the interval of each value."""
    name = metric_in_words(early["metric"])
    known = [value for value in early["after"] if value["value"] is not None]
    shares = [100 * value["share"] for value in known]
    curves = [Curve(name, shares, [value["value"] for value in known], "valid", dots=True)]
    for bound in ("low", "high"):
        pairs = [(100 * value["share"], value[bound]) for value in known if value[bound] is not None]
        curves.append(Curve(f"{name}, {bound} end", [x for x, _ in pairs], [y for _, y in pairs], "raw"))
    keys = f'<span class="key valid">{escape(name)}</span>'
    if any(len(curve.x) for curve in curves[1:]):
        keys += '<span class="key raw">its 95 % interval</span>'
    rows = [TickRow("% seen", lambda share: f"{share:g}")]
    chart = line_chart(curves, title=f"{name} after parts of each record", rows=rows, height=280)
    return f"<p>{keys}</p>{chart}"
