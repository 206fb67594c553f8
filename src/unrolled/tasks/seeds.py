"""Random numbers for drawing tokens."""

import torch

from unrolled.errors import UserError


def generator_of(seed: int | None, device: torch.device) -> torch.Generator:
    """A generator that gives the same numbers for the same seed; None is another one each time.

    Raises `UserError` for a seed that is none.
    """
    generator = torch.Generator(device=device)
    if seed is None:
        generator.seed()
    elif 0 <= seed < 2**63:
        generator.manual_seed(seed)
    else:
        raise UserError(f"the seed is {seed}; give a whole number from 0 to below 2^63")
    return generator
