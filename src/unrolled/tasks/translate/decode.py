"""Translation: read each source in parallel, then say the target one step at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from unrolled.data.encoders.codec import Vocabulary
from unrolled.tasks.translate.beam import Hypothesis, beam_search
from unrolled.tasks.translate.network import TranslationNetwork
from unrolled.tasks.translate.pairs import encode


def translate_tokens(
    network: TranslationNetwork,
    sources: Sequence[np.ndarray],
    *,
    beams: int = 4,
    alpha: float = 0.6,
    max_length: int | None = None,
    growth: int = 2,
    batch_size: int = 64,
    attention: bool = False,
) -> list[list[Hypothesis]]:
    """For each source (token numbers, also none at all) its hypotheses, best first; see `beam_search`.

    No target is longer than `max_length` tokens, by default `growth` times its source and 10 more, nor than
    `network.longest`; nor may a source be. Sources of like length run together; the result does not depend on that.
    With `attention` each hypothesis has its weights, one row per token and one for the end, one column per token of the
    source and one for its end. The network should be in evaluation mode.
    """
    device = next(network.parameters()).device
    order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
    hypotheses: list[list[Hypothesis]] = [[] for _ in sources]
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        tokens, mask = padded([sources[row] for row in part], device)
        lengths = mask.sum(1)
        limits = growth * lengths + 10 if max_length is None else torch.full_like(lengths, max_length)
        if network.longest is not None:
            limits = limits.clamp(max=network.longest)
        with torch.inference_mode():
            encoded = network.encode(tokens, mask)
        results = beam_search(
            network.step,
            encoded,
            encoded.state,
            begin=network.end,
            end=network.end,
            max_lengths=limits,
            beams=beams,
            alpha=alpha,
            attention=attention,
        )
        for row, result in zip(part, results, strict=True):
            hypotheses[row] = [_own_columns(hypothesis, len(sources[row]) + 1) for hypothesis in result]
    return hypotheses


def translate(
    network: TranslationNetwork,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    texts: Sequence[str],
    *,
    beams: int = 4,
    alpha: float = 0.6,
    max_length: int | None = None,
    batch_size: int = 64,
) -> list[str]:
    """The best translation of each text; see `translate_tokens`. What the vocabulary does not hold is left out or read
    as unknown."""
    sources = [encode(source_vocabulary, text) for text in texts]
    ranked = translate_tokens(network, sources, beams=beams, alpha=alpha, max_length=max_length, batch_size=batch_size)
    return [target_vocabulary.decode(hypotheses[0].tokens) for hypotheses in ranked]


def padded(
    rows: Sequence[np.ndarray], device: torch.device
) -> tuple[Int[Tensor, "batch time"], Bool[Tensor, "batch time"]]:
    """Rows of tokens as one tensor, padded with zeros on the right, and the mask of what is real."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    tokens = np.zeros(mask.shape, dtype=np.int64)
    tokens[mask] = np.concatenate([np.zeros(0, dtype=np.int64), *rows])
    return torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device)


def _own_columns(hypothesis: Hypothesis, steps: int) -> Hypothesis:
    """Without the columns of pads."""
    return (
        hypothesis if hypothesis.attention is None else hypothesis._replace(attention=hypothesis.attention[:, :steps])
    )
