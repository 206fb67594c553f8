"""Pictures to vectors: the front end of video."""

import itertools

from jaxtyping import Float
from torch import Tensor, nn


class FrameFront(nn.Module):
    """A small convolutional network over each picture alone: `[batch, time, 3 * height * width]` to
    `[batch, time, features]`. Three strided convolutions, each halving the picture, and a mean over what is left.
    """

    def __init__(self, height: int, width: int, features: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        sizes = (3, 16, 32, 64)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.out = nn.Linear(sizes[-1] * 4, features)

    def forward(self, frames: Float[Tensor, "batch time pixels"]) -> Float[Tensor, "batch time features"]:
        batch, time, _ = frames.shape
        y = self.layers(frames.reshape(batch * time, 3, self.height, self.width))
        return self.out(y).view(batch, time, self.out.out_features)
