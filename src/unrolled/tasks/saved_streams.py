"""Saved states of live streams: whose they are."""

import hashlib
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

MOST_STEPS = 2**62
"""Steps that can be counted, with room to go on."""


def require_saved_by(model: Tensor, saved: Tensor, steps: Tensor) -> None:
    """Raises `ValueError` unless the digest of a saved stream is the model's, and it is one stream with a count of its
    steps."""
    if not torch.equal(saved, model):
        raise ValueError("another model saved this state")
    if not 0 <= int(steps[0]) < MOST_STEPS:
        raise ValueError(f"the saved state has come to step {int(steps[0])}")


def model_digest(network: Any, encoders: str = "") -> UInt8[Tensor, "1 digest"]:
    """uint8 `[1, 16]`: a digest of a model, so that a state never meets weights, or encoders, that did not make it."""
    digest = hashlib.blake2b(repr(sorted(asdict(network.config).items())).encode() + encoders.encode(), digest_size=16)
    for name, parameter in network.named_parameters():
        digest.update(name.encode())
        digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    device = next(network.parameters()).device
    return torch.tensor([list(digest.digest())], dtype=torch.uint8, device=device)
