"""The size of the gradient: measured, bounded, and watched."""

import math
from collections import deque
from collections.abc import Iterable
from statistics import median

import torch
from torch import Tensor, nn


def clip_gradients(
    parameters: Iterable[nn.Parameter], *, max_norm: float | None = None, max_value: float | None = None
) -> float:
    """Bound the gradients in place and return their Euclidean norm as it was before.

    First by norm (all are scaled together; Pascanu et al. 2013, arXiv:1211.5063), then by value (each entry alone).
    If the norm is infinite or NaN, nothing is changed: the caller must not use these gradients.
    """
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    total = nn.utils.get_total_norm(gradients)
    if gather := getattr(total, "full_tensor", None):  # a DTensor: the parameters are sharded (FSDP)
        total = gather()
    norm = total.item()
    if math.isfinite(norm):
        if max_norm is not None and norm > max_norm:
            nn.utils.clip_grads_with_norm_(parameters, max_norm, total)
        if max_value is not None:
            nn.utils.clip_grad_value_(parameters, max_value)
    return norm


def first_nonfinite(named: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor that holds an infinity or NaN, to say where training went wrong."""
    return next((name for name, tensor in named if not torch.isfinite(tensor).all()), None)


class GradientWatch:
    """Follows the gradient norm and says in one sentence when it explodes or vanishes, and what to do.

    Exploding: not finite, or `EXPLODED` times the median of the recent norms and above that of the first. Vanishing:
    for `SUSTAINED` steps in a row below `TINY`, or below `FADED` times the median of the first norms. After a warning
    it keeps silent for `quiet_steps` steps.
    """

    RECENT = 100
    """norms the running median is taken over"""
    FIRST = 20
    """norms needed before anything is compared with them"""
    EXPLODED = 50.0
    SUSTAINED = 20
    TINY = 1e-7
    FADED = 1e-4

    def __init__(self, *, clip_norm: float | None, quiet_steps: int = 500) -> None:
        self.clip_norm = clip_norm
        self.quiet_steps = quiet_steps
        self._recent: deque[float] = deque(maxlen=self.RECENT)
        self._start: float | None = None
        self._small = 0
        self._silent_until = -math.inf

    def observe(self, step: int, norm: float) -> str | None:
        """Take in the norm before clipping of one step; a warning, or None."""
        warning = self._judge(step, norm)
        if math.isfinite(norm):
            self._recent.append(norm)
            if self._start is None and len(self._recent) == self.FIRST:
                self._start = median(self._recent)
        if warning is None or step < self._silent_until:
            return None
        self._silent_until = step + self.quiet_steps
        return warning

    def _judge(self, step: int, norm: float) -> str | None:
        if not math.isfinite(norm):
            return f"the gradient norm at step {step} is {norm}: {self._calm_down()}"
        if self._start is None:
            return None
        usual = median(self._recent)
        # Once the loss is near zero, a single odd batch is many times the median and still smaller than at the start.
        if norm > max(self.EXPLODED * usual, self._start) and usual > 0 and norm > self.TINY:
            return (
                f"the gradient norm at step {step} is {norm:.3g}, {norm / usual:,.0f} times its recent median of "
                f"{usual:.3g}: {self._calm_down()}"
            )
        self._small = self._small + 1 if norm < max(self.TINY, self.FADED * self._start) else 0
        if self._small < self.SUSTAINED:
            return None
        return (
            f"the gradient has vanished: its norm is {norm:.2g} at step {step} and was {self._start:.2g} at the start; "
            "unless the loss is where you want it, use a gated family (--model.family lstm or gru), fewer layers, "
            "or a higher --train.learning_rate"
        )

    def _calm_down(self) -> str:
        if self.clip_norm is None:
            return "lower --train.learning_rate or set --train.clip_norm 1"
        return f"lower --train.learning_rate or --train.clip_norm (now {self.clip_norm:g})"
