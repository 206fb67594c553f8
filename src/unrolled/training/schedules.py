"""How the learning rate changes over a run."""

import math
from typing import Literal

WSD_DECAY = 0.4
"""Last part of a run over which `wsd` falls to zero. Hägele et al. find that 20 % suffice in long runs; runs here are
often short, and then need a larger part to settle."""


def learning_rate_factor(
    kind: Literal["cosine", "constant", "wsd"], progress: float, step: int, warmup_steps: int
) -> float:
    """What to multiply the peak learning rate with, 0 to 1.

    `progress` is the part of the run that is done, 0 to 1, however it is limited: by steps, epochs or time.
    `step` counts the updates done before this one. Over the first `warmup_steps` updates the result rises linearly,
    and reaches the schedule's value with update number `warmup_steps`.

    `cosine`: half a cosine from 1 to 0 (Loshchilov and Hutter 2016, arXiv:1608.03983). It ends at 0 and not at the
    customary 10 %, since a rate that goes to zero gives a lower final loss (Bergsma et al. 2025, arXiv:2502.15938).
    `constant`: 1.
    `wsd`: 1, then linearly to 0 over the last part of the run (warm-up, stable, decay; Hägele et al. 2024,
    arXiv:2405.18392).
    """
    progress = min(max(progress, 0.0), 1.0)
    if kind == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * progress))
    elif kind == "wsd":
        factor = min(1.0, (1.0 - progress) / WSD_DECAY)
    else:
        factor = 1.0
    return factor if step >= warmup_steps else factor * (step + 1) / warmup_steps
