"""How well a model predicts a text."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch

from unrolled.data.feeds.evaluation import carried_chunks, sliding_windows
from unrolled.data.feeds.text_feeds import Batch
from unrolled.errors import UserError
from unrolled.models.evaluating import evaluating
from unrolled.models.language import LanguageNetwork
from unrolled.models.on_device import on_device
from unrolled.tasks.language.text_data import TokenPart

Policy = Literal["auto", "carried", "sliding"]


@dataclass
class Evaluation:
    """Loss of a text. The first token of each document has no past and is not scored."""

    loss: float
    """nats per token"""
    tokens: int
    bits_per_byte: float | None
    policy: str
    """how much past each token was given, in words"""
    seconds: float

    @property
    def perplexity(self) -> float:
        return perplexity(self.loss)

    @property
    def criterion(self) -> float:
        """What the best model has least of."""
        return self.loss

    def facts(self) -> dict[str, float | None]:
        """The scores by name, for the records of a run."""
        return {"loss": self.loss, "perplexity": self.perplexity, "bits_per_byte": self.bits_per_byte}

    def words(self) -> str:
        """The scores for a person."""
        bits = "" if self.bits_per_byte is None else f", {self.bits_per_byte:.4f} bits/byte"
        return f"loss {self.loss:.4f} nats, perplexity {self.perplexity:.4g}{bits}"


def perplexity(loss: float) -> float:
    """exp(loss), or infinity where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf


def evaluate_part(
    network: LanguageNetwork,
    part: TokenPart,
    *,
    policy: Policy = "auto",
    stride: int | None = None,
    batch_size: int = 1,
    chunk: int | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """The loss of every token after the first of each document.

    * carried: the text is read once, chunk after chunk, the state carried (with `batch_size` > 1 in as many parallel
      streams, each beginning empty); a token sees all of its past.
    * sliding: windows of the trained context, moved on by `stride` (default half): a token sees at least
      context - stride tokens.
    * auto: carried if the model may run for ever (`network.horizon` is None), else sliding.

    `limit` scores about the first so many tokens. The result does not depend on chunk or batch sizes where it says
    "carried" with one stream, nor where it says "sliding". Bits per byte count all tokens of the text, those not
    scored at the mean loss. Raises `UserError` for a policy the model or the other settings do not fit.
    """
    horizon = network.horizon
    if policy == "auto":
        policy = "sliding" if horizon is not None or stride is not None else "carried"
    if policy == "carried" and horizon is not None:
        raise UserError(
            f"the carried policy needs a model that can run on for ever, and this one knows only {horizon} steps; "
            "use the sliding policy"
        )
    if policy == "carried" and stride is not None:
        raise UserError("a stride belongs to the sliding policy; leave it out, or use that policy")
    batches: Iterable[Batch]
    if policy == "carried":
        batches = carried_chunks(part, chunk or 1024, batch_size=batch_size)
        words = "state carried through the text"
        if batch_size > 1:
            words += f" in {batch_size} streams"
    else:
        context = network.context
        stride = max(1, context // 2) if stride is None else stride
        batches = sliding_windows(part, context, stride, batch_size=max(1, 8192 // context))
        words = f"windows of {context} tokens, stride {stride}"
    started = time.perf_counter()
    total, count = 0.0, 0
    device = next(network.parameters()).device
    state = None
    wanted = min(limit or part.targets, part.targets)
    with torch.inference_mode(), evaluating(network):
        for batch in batches:
            if batch.fresh or policy == "sliding":
                state = None
            inputs, targets, mask, reset, _ = cast(tuple[Any, ...], on_device(batch, device))
            loss, tokens, state = network.token_losses(inputs, targets, state, mask=mask, reset=reset)
            total += float(loss)
            count += int(tokens)
            if progress is not None:
                progress(count, wanted)
            if limit is not None and count >= limit:
                break
    loss_per_token = total / max(count, 1)
    bits = loss_per_token / math.log(2) * len(part) / part.bytes if part.bytes else None
    return Evaluation(loss_per_token, count, bits, words, time.perf_counter() - started)
