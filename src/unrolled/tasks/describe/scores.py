"""How well a model expects the sequences of some records, beside how often each token comes at all."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from unrolled.data.feeds.text_feeds import NO_TARGET
from unrolled.models.evaluating import evaluating
from unrolled.models.on_device import on_device
from unrolled.scoring.baselines import unigram_cross_entropy
from unrolled.scoring.bootstrap import Measure, measure
from unrolled.tasks.describe.network import DescriptionNetwork
from unrolled.tasks.describe.sequences import Descriptions

BATCH_STEPS = 16_384
"""About so many steps are computed at once."""


@torch.inference_mode()
def record_losses(network: DescriptionNetwork, part: Descriptions) -> np.ndarray:
    """The loss of each record in nats, summed over its tokens and its end: float64 `[records]`."""
    device = next(network.parameters()).device
    lengths = part.lengths
    order = np.argsort(lengths, kind="stable")
    size = max(1, min(256, BATCH_STEPS // int(lengths.max())))
    totals = np.zeros(len(part))
    with evaluating(network):
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch: Any = on_device(part.batch(chosen), device)
            logits, _ = network(network.at_every_step(batch.inputs, network.condition(batch.numbers, batch.categories)))
            losses = functional.cross_entropy(
                logits.float().transpose(1, 2), batch.targets, ignore_index=NO_TARGET, reduction="none"
            )
            totals[chosen] = losses.sum(1).double().cpu().numpy()
    return totals


def judge_descriptions(network: DescriptionNetwork, part: Descriptions, counts: np.ndarray) -> dict[str, Any]:
    """Loss (nats per token) and perplexity, beside those of the frequencies of tokens in training, as JSON values."""
    tokens = part.lengths.astype(float)
    training = np.repeat(np.arange(len(counts)), counts)
    naive = np.array(
        [unigram_cross_entropy(training, part.targets(number), len(counts)).sum() for number in range(len(part))]
    )
    measures = [
        Measure("loss", "lower", lambda sums: sums[..., 0] / sums[..., 1]),
        Measure("perplexity", "lower", lambda sums: np.exp(np.minimum(sums[..., 0] / sums[..., 1], 700.0))),
    ]
    metrics, beside = (
        measure(np.stack([losses, tokens], axis=1), measures) for losses in (record_losses(network, part), naive)
    )
    return {
        "count": len(part),
        "unscored": 0,
        "main": "loss",
        "metrics": {name: metric.to_json() for name, metric in metrics.items()},
        "baseline": {"name": "frequency of each token", **{n: metric.to_json() for n, metric in beside.items()}},
    }
