"""`check_layer` and `check_model`: does a layer, or a whole model, keep the contract of `SequenceModule`?"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.layers.layer import SequenceLayer, SequenceModule
from unrolled.models.evaluating import evaluating
from unrolled.testing.law_backends import backends
from unrolled.testing.law_causality import causality
from unrolled.testing.law_chunking import chunking
from unrolled.testing.law_export import export
from unrolled.testing.law_mask import mask
from unrolled.testing.law_precision import precision
from unrolled.testing.law_reset import reset
from unrolled.testing.law_rows import rows
from unrolled.testing.law_state import state
from unrolled.testing.subject import MakeInputs, Subject

LAWS: dict[str, Callable[[Subject], None]] = {
    law.__name__: law for law in (chunking, mask, reset, rows, causality, state, precision, backends, export)
}
"""The nine laws by name; the docstring of each says what it asks."""

NEEDS_STEP = ("chunking", "export")
"""Laws that say nothing about a layer that needs the whole sequence."""


class Checked(NamedTuple):
    """A law that the layer keeps: in how many cases it was checked (0: it does not apply), and the seconds it took."""

    law: str
    cases: int
    seconds: float


def check_layer(
    layer: SequenceLayer,
    *,
    input_size: int | None = None,
    batch_size: int = 3,
    length: int | None = None,
    laws: Collection[str] | None = None,
    seed: int = 0,
    long_steps: int = 10_000,
    tolerance: float | None = None,
) -> list[Checked]:
    """Check the laws of `SequenceLayer` on a layer, with random inputs of `[batch_size, length, input_size]`.

    The layer is checked in evaluation mode, on its own device and in its own float type. Parameters that are zero all
    over hold random numbers meanwhile, since an output projection that begins at zero would hide what lies behind it.
    Parameters, training mode, backend and gradients, and the global random numbers, are afterwards as they were.

    Args:
        layer: the layer to check.
        input_size: features of a step; by default `layer.input_size`.
        batch_size: rows, at least 2.
        length: steps, at least 8; by default enough to go beyond the receptive field.
        laws: names of the laws to check; by default all, in the order of `LAWS`.
        seed: of all random inputs. The same seed gives the same check, also of a part of the laws.
        long_steps: steps of the run in bfloat16. Lower it for a layer whose sequences are limited in length.
        tolerance: largest difference between two ways to compute the same thing, relative to the largest value; by
            default 2e-5 for a float32 layer and 1e-9 for a float64 one.

    Returns:
        The laws in the order they were checked. A layer that needs the whole sequence (`supports_step` is False) is
        free of "chunking" and "export".

    Raises:
        LawViolation: for the first law that does not hold; it says in which case, what differs, where and how much.
        ValueError: for a size too small or a law that does not exist.
    """
    size = layer.input_size if input_size is None else input_size

    def make_inputs(batch_size: int, length: int, generator: torch.Generator) -> Tensor:
        return torch.randn(batch_size, length, size, generator=generator, dtype=torch.float64)

    return check_model(
        layer,
        make_inputs,
        batch_size=batch_size,
        length=length,
        laws=laws,
        seed=seed,
        long_steps=long_steps,
        tolerance=tolerance,
    )


def check_model(
    model: SequenceModule,
    make_inputs: MakeInputs,
    *,
    batch_size: int = 3,
    length: int | None = None,
    laws: Collection[str] | None = None,
    seed: int = 0,
    long_steps: int = 10_000,
    tolerance: float | None = None,
) -> list[Checked]:
    """Check the laws of `SequenceModule` on a whole model, with embedding, pooling and head inside.

    `make_inputs(batch_size, length, generator)` draws what the model reads: a tensor `[batch_size, length, ...]`, or a
    `NamedTuple` of such tensors, of floats and of whole numbers (tokens). Gradients are those of the floats, of the
    state and of the parameters; for tokens, others take their place where a law asks what an output depends on, and
    under a mask stands a token that no table has. The rest is as for `check_layer`.
    """
    names = list(LAWS) if laws is None else list(laws)
    for name in names:
        if name not in LAWS:
            raise ValueError(f"laws holds {name!r}, which is not a law; choose from {', '.join(LAWS)}")
    length = max(13, (model.receptive_field or 0) + model.latency + 8) if length is None else length
    for what, value, least in (("batch_size", batch_size, 2), ("length", length, 8), ("long_steps", long_steps, 1)):
        if value < least:
            raise ValueError(f"{what} is {value}, it must be at least {least}")
    checked = []
    with evaluating(model), _zeros_filled(model, seed):
        for name in names:
            began = time.perf_counter()
            subject = Subject(
                model,
                make_inputs,
                law=name,
                batch_size=batch_size,
                length=length,
                long_steps=long_steps,
                tolerance=tolerance,
                seed=seed,
            )
            if model.supports_step or name not in NEEDS_STEP:
                _check(LAWS[name], subject)
            checked.append(Checked(name, subject.cases, time.perf_counter() - began))
    return checked


@contextmanager
def _zeros_filled(layer: SequenceModule, seed: int) -> Iterator[None]:
    generator = torch.Generator().manual_seed(seed)
    zeros = {parameter: parameter.detach().clone() for parameter in layer.parameters() if not parameter.any()}
    try:
        with torch.no_grad():
            for parameter in zeros:
                scale = parameter.shape[-1] ** -0.5 if parameter.dim() else 1.0
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zeros.items():
                parameter.copy_(before)


def _check(law: Callable[[Subject], None], subject: Subject) -> None:
    """Run one law away from whatever the caller has set: random numbers, autocast, gradient mode."""
    device = subject.device
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        torch.autocast(device.type, enabled=False),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        law(subject)
