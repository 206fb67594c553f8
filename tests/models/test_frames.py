"""The front end of video against torch's functions, a picture at a time."""

import pytest
import torch
from torch.nn import functional

from unrolled.models.records import FrameFront


@pytest.mark.parametrize(("height", "width"), [(16, 12), (7, 30), (1, 1)])
def test_each_picture_by_hand(height: int, width: int) -> None:
    torch.manual_seed(0)
    front = FrameFront(height, width, 5)
    frames = torch.randn(2, 3, 3 * height * width)
    features = front(frames)
    assert features.shape == (2, 3, 5)
    weights = front.state_dict()
    for row in range(2):
        for step in range(3):
            y = frames[row, step].view(1, 3, height, width)  # colour first, then rows, then columns
            for layer in (0, 3, 6):
                kernel, bias = weights[f"layers.{layer}.weight"], weights[f"layers.{layer}.bias"]
                y = functional.conv2d(y, kernel, bias, stride=2, padding=1)
                scale, shift = weights[f"layers.{layer + 1}.weight"], weights[f"layers.{layer + 1}.bias"]
                y = functional.group_norm(y, 4, scale, shift).clamp(min=0)
            y = functional.adaptive_avg_pool2d(y, 2).flatten(1)
            wanted = y @ weights["out.weight"].T + weights["out.bias"]
            torch.testing.assert_close(features[row, step], wanted[0])


def test_one_picture_says_nothing_about_another() -> None:
    front = FrameFront(8, 8, 4)
    frames = torch.randn(2, 3, 192, requires_grad=True)
    front(frames)[1, 2].sum().backward()
    assert frames.grad is not None
    touched = frames.grad.abs().sum(-1) > 0
    assert touched.tolist() == [[False] * 3, [False, False, True]]


def test_no_pictures_and_wrong_sizes() -> None:
    assert FrameFront(8, 8, 4)(torch.zeros(0, 3, 192)).shape == (0, 3, 4)
    with pytest.raises(RuntimeError):
        FrameFront(8, 8, 4)(torch.zeros(1, 3, 191))
