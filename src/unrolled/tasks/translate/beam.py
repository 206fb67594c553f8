"""Beam search over a model that runs step by step, many searches in one batch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.state import State

Step = Callable[[Tensor, Any, State], tuple[Tensor, State, Tensor | None]]
"""`step(tokens, source, state)`: logits of the next token, the state after it, and attention weights or None."""

MOST_BEAMS = 10_000
LARGEST_ALPHA = 100


class Hypothesis(NamedTuple):
    """One way to say it."""

    tokens: list[int]
    """without the token that ends it"""
    log_probability: float
    """of the tokens and the end, in nats"""
    score: float
    """the log probability over the length penalty"""
    attention: Float[Tensor, "tokens source"] | None
    """what each token, and last the end, read from the source, where asked for"""


def check_search(beams: int, alpha: float) -> None:
    """Raises `UserError` for a search that cannot be."""
    if not 1 <= beams <= MOST_BEAMS:
        raise UserError(f"--beams is {beams}; give a whole number from 1 to {MOST_BEAMS:,}")
    if not -LARGEST_ALPHA <= alpha <= LARGEST_ALPHA:
        raise UserError(f"--length_penalty is {alpha:g}; give a number from -{LARGEST_ALPHA} to {LARGEST_ALPHA}")


def length_penalty(length: int, alpha: float) -> float:
    """lp(Y) = (5 + |Y|)^alpha / (5 + 1)^alpha. An alpha of 0 is none; the larger, the longer what is preferred.

    Source: Wu et al. 2016, arXiv:1609.08144, equation 14.
    """
    return ((5 + length) / 6) ** alpha


@torch.inference_mode()
def beam_search(
    step: Step,
    source: State,
    state: State,
    *,
    begin: int,
    end: int,
    max_lengths: Int[Tensor, " batch"],
    beams: int = 4,
    alpha: float = 0.6,
    attention: bool = False,
) -> list[list[Hypothesis]]:
    """For each row of `source` and `state` its finished hypotheses, 1 to `beams` of them, best score first.

    Per row the `beams` most probable unfinished hypotheses are kept. One that ends while it is among the `beams` best
    of its step is finished; a row is done when `beams` are finished, and then leaves the batch. A hypothesis of
    `max_lengths` tokens must end, and pays for that what it costs. |Y| of the length penalty counts the end. With one
    beam this is greedy search.

    The state is carried from step to step, and what a row says does not depend on the others. Raises `ValueError` for
    less than one beam, for a negative length, and if the model's logits are not numbers.
    """
    batch, device = len(max_lengths), max_lengths.device
    if beams < 1:
        raise ValueError(f"a beam search needs at least 1 beam, got {beams}")
    if bool((max_lengths < 0).any()):
        raise ValueError(f"a length cannot be negative, got {int(max_lengths.min())}")
    finished: list[list[Hypothesis]] = [[] for _ in range(batch)]
    rows = torch.arange(batch, device=device)
    scores = torch.full((batch, beams), -torch.inf, device=device)
    scores[:, 0] = 0  # all beams begin alike: one is enough
    prefixes = torch.full((batch, beams, 0), end, device=device)
    reads: Tensor | None = None
    source, state = (states.gather(part, rows.repeat_interleave(beams)) for part in (source, state))
    tokens = torch.full((batch * beams,), begin, device=device)
    while len(rows):
        logits, state, weights = step(tokens, source, state)
        if attention and weights is not None:
            now = weights.unflatten(0, (len(rows), beams))[:, :, None]
            reads = now if reads is None else torch.cat([reads, now], dim=2)
        top, parent, token = _candidates(logits, scores, end, must_end=prefixes.shape[2] >= max_lengths[rows])

        ended = (token == end) & top.isfinite()
        ended[:, beams:] = False
        for index, rank in ended.nonzero().tolist():
            beam, log_probability = parent[index, rank], float(top[index, rank])
            score = log_probability / length_penalty(prefixes.shape[2] + 1, alpha)
            read = None if reads is None else reads[index, beam].clone()
            finished[rows[index]].append(Hypothesis(prefixes[index, beam].tolist(), log_probability, score, read))

        scores, order = top.masked_fill(token == end, -torch.inf).topk(beams)
        parent, token = parent.gather(1, order), token.gather(1, order)
        enough = torch.tensor([len(finished[row]) >= beams for row in rows.tolist()], device=device)
        going = (~enough & scores[:, 0].isfinite()).nonzero()[:, 0]
        each = (going[:, None] * beams + parent[going]).flatten()
        if len(going) < len(rows):
            source = states.gather(source, (going * beams).repeat_interleave(beams))
        state = states.gather(state, each)
        prefixes = torch.cat([prefixes.flatten(0, 1)[each], token[going].view(-1, 1)], dim=1).unflatten(0, (-1, beams))
        reads = None if reads is None else reads.flatten(0, 1)[each].unflatten(0, (-1, beams))
        rows, scores, tokens = rows[going], scores[going], token[going].flatten()
    if not all(finished):
        raise ValueError("the model's logits are not numbers, so that there is no best token; was it trained?")
    return [sorted(hypotheses, key=lambda hypothesis: -hypothesis.score) for hypotheses in finished]


def _candidates(
    logits: Float[Tensor, "rows_and_beams vocabulary"],
    scores: Float[Tensor, "rows beams"],
    end: int,
    *,
    must_end: Bool[Tensor, " rows"],
) -> tuple[Float[Tensor, "rows best"], Int[Tensor, "rows best"], Int[Tensor, "rows best"]]:
    """The best ways to go on from any beam of each row: their log probabilities, beams and tokens, best first.

    Twice as many as beams, since each beam may end in one of them: as many as beams are left that do not.
    """
    rows, beams = scores.shape
    steps = logits.float().log_softmax(-1).view(rows, beams, -1)
    vocabulary = steps.shape[2]
    elsewhere = torch.arange(vocabulary, device=logits.device) != end
    total = scores[:, :, None] + steps.masked_fill(must_end[:, None, None] & elsewhere, -torch.inf)
    top, index = total.flatten(1).topk(min(2, vocabulary) * beams)
    return top, index // vocabulary, index % vocabulary
