"""Generation: read the prompt in parallel, then speak one step at a time with the carried state."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.sampling import sample
from unrolled.tasks.sampling_config import Sampling
from unrolled.tasks.seeds import generator_of


def generate_tokens(
    network: LanguageNetwork,
    prompts: list[list[int]],
    *,
    length: int,
    sampling: Sampling,
    seed: int | None = None,
) -> Iterator[Int[Tensor, " batch"]]:
    """`length` times the next token of every prompt. Prompts may differ in length; each goes on as it would alone.

    Where a model cannot run on for ever (`network.horizon`), it begins again from the last half of its horizon.
    Raises `ValueError` for an empty prompt and `UserError` for a seed that is none.
    """
    if not prompts or not all(prompts):
        raise ValueError("every prompt needs a token; for nothing, give the start tokens of the model")
    device = next(network.parameters()).device
    return _generate(network, prompts, length, sampling, generator_of(seed, device), device)


@torch.inference_mode()
def _generate(
    network: LanguageNetwork,
    prompts: list[list[int]],
    length: int,
    sampling: Sampling,
    generator: torch.Generator,
    device: torch.device,
) -> Iterator[Int[Tensor, " batch"]]:
    horizon = network.horizon
    # What each row has in its state: with a horizon, less than all it has said.
    contexts = [list(prompt if horizon is None else prompt[-horizon:]) for prompt in prompts]
    logits, state = read_prompts(network, contexts, device)
    seen = _seen(prompts, logits) if sampling.repetition_penalty != 1 else None
    for count in range(length):
        tokens = sample(logits, sampling, seen=seen, generator=generator)
        yield tokens
        if count == length - 1:
            return
        if seen is not None:
            seen[torch.arange(len(tokens), device=device), tokens] = True
        if horizon is not None:
            contexts = [[*row, token] for row, token in zip(contexts, tokens.tolist(), strict=True)]
        if horizon is not None and any(len(row) > horizon for row in contexts):
            contexts = [row[-max(1, horizon // 2) :] if len(row) > horizon else row for row in contexts]
            logits, state = read_prompts(network, contexts, device)
        else:
            logits, state = network.step(tokens, state)


def read_prompts(
    network: LanguageNetwork, prompts: list[list[int]], device: torch.device
) -> tuple[Float[Tensor, "batch vocabulary"], State]:
    """Logits after each prompt, and the state there."""
    longest = max(len(prompt) for prompt in prompts)
    tokens = torch.zeros(len(prompts), longest, dtype=torch.long)
    mask = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        tokens[row, : len(prompt)] = torch.tensor(prompt)
        mask[row, : len(prompt)] = True
    ragged = not bool(mask.all())
    features, state = network.features(tokens.to(device), mask=mask.to(device) if ragged else None)
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=device)
    return network.head(features[torch.arange(len(prompts), device=device), ends]), state


def _seen(prompts: list[list[int]], logits: Float[Tensor, "batch vocabulary"]) -> Tensor:
    """Which tokens stand in which prompt."""
    seen = torch.zeros_like(logits, dtype=torch.bool)
    for row, prompt in zip(seen, prompts, strict=True):
        row[torch.tensor(prompt, device=logits.device)] = True
    return seen
