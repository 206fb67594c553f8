"""Generation: read the prompt in parallel, then speak one step at a time with the carried state."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.inference.config import Sampling
from unrolled.inference.sampling import sample
from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork


@torch.inference_mode()
def generate_tokens(
    network: LanguageNetwork,
    prompts: list[list[int]],
    *,
    length: int,
    sampling: Sampling,
    seed: int | None = None,
) -> Iterator[Int[Tensor, " batch"]]:
    """`length` times the next token of every prompt; prompts may differ in length but not be empty.

    Where a model cannot run on for ever (`network.horizon`), it begins again from the last half of its horizon.
    """
    device = next(network.parameters()).device
    generator = torch.Generator(device=device)
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    keep = network.horizon
    logits, state, position = read_prompts(network, _shorten(prompts, keep), device)
    penalised = sampling.repetition_penalty != 1
    seen = torch.zeros_like(logits, dtype=torch.bool) if penalised else None
    history = [list(prompt) for prompt in prompts]
    if seen is not None:
        for row, prompt in zip(seen, prompts, strict=True):
            row[torch.tensor(prompt, device=device)] = True
    for count in range(length):
        tokens = sample(logits, sampling, seen=seen, generator=generator)
        yield tokens
        if count == length - 1:
            return
        if seen is not None:
            seen[torch.arange(len(tokens), device=device), tokens] = True
        if keep is not None:
            for row, token in zip(history, tokens.tolist(), strict=True):
                row.append(token)
        if keep is not None and position + 1 > keep:
            logits, state, position = read_prompts(network, [row[-max(1, keep // 2) :] for row in history], device)
        else:
            logits, state = network.step(tokens, state)
            position += 1


def read_prompts(
    network: LanguageNetwork, prompts: list[list[int]], device: torch.device
) -> tuple[Float[Tensor, "batch vocabulary"], State, int]:
    """Logits after each prompt, the state there, and the length of the longest prompt."""
    longest = max(len(prompt) for prompt in prompts)
    tokens = torch.zeros(len(prompts), longest, dtype=torch.long)
    mask = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        tokens[row, : len(prompt)] = torch.tensor(prompt)
        mask[row, : len(prompt)] = True
    ragged = not bool(mask.all())
    features, state = network.features(tokens.to(device), mask=mask.to(device) if ragged else None)
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=device)
    return network.head(features[torch.arange(len(prompts), device=device), ends]), state, longest


def _shorten(prompts: list[list[int]], keep: int | None) -> list[list[int]]:
    return prompts if keep is None else [prompt[-keep:] for prompt in prompts]
