"""Normalisation over the features of a step, or over all real steps of a batch."""

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["batch", "layer"]


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation per feature, with statistics over the real steps of all rows: padding does not count.

    In training, rows share their statistics, as batch normalisation always has it: the output of a row then depends on
    the others, and that of a step on later ones. In evaluation it is an affine map of each step by itself, with the
    running statistics (buffers, named as in `torch.nn.BatchNorm1d`). A training batch of one single step has no
    variance and is normalised by the running statistics too.

    Source: Ioffe and Szegedy 2015, "Batch Normalization", arXiv:1502.03167, algorithms 1 and 2.
    """

    def forward(
        self, x: Float[Tensor, "batch time width"], present: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time width"]:
        if not self.training:
            return self._normalise(x.flatten(0, 1), training=False).view_as(x)
        if present is None:
            return self._normalise(x.flatten(0, 1), training=True).view_as(x)
        steps = present.flatten().nonzero()[:, 0]
        # Whole rows by their numbers: the gradient of a boolean index is several times slower.
        normal = self._normalise(x.flatten(0, 1).index_select(0, steps), training=True)
        return normal.new_zeros(x.flatten(0, 1).shape).index_copy(0, steps, normal).view_as(x)

    def _normalise(self, steps: Float[Tensor, "steps width"], *, training: bool) -> Float[Tensor, "steps width"]:
        return functional.batch_norm(
            steps,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=training and len(steps) > 1,
            momentum=0.1 if self.momentum is None else self.momentum,
            eps=self.eps,
        )


class StepNorm(nn.LayerNorm):
    """Layer normalisation of every step by itself, callable like `MaskedBatchNorm`.

    Source: Ba et al. 2016, "Layer Normalization", arXiv:1607.06450.
    """

    def forward(
        self, x: Float[Tensor, "batch time width"], present: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time width"]:
        return super().forward(x)


def build_norm(kind: Norm, width: int) -> MaskedBatchNorm | StepNorm:
    """The normalisation of that name. Raises `ValueError` for another name."""
    if kind == "batch":
        return MaskedBatchNorm(width)
    if kind == "layer":
        return StepNorm(width)
    raise ValueError(f'norm must be "batch" or "layer", got "{kind}"')
