import math

import pytest
import torch

from unrolled.testing.failure import Finding, require_same

NAN, INF = math.nan, math.inf


def same(actual, expected, name="output", **settings):
    require_same(name, torch.as_tensor(actual), torch.as_tensor(expected), "the other", **settings)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [([1.0], [1.0]), ([NAN], [NAN]), ([-INF, 2.0], [-INF, 2.0]), ([], []), ([1], [1]), ([True], [True])],
)
def test_equal_values_pass(actual, expected):
    same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [([1.0], [1.0000001]), ([NAN], [1.0]), ([1.0], [NAN]), ([INF], [-INF]), ([1.0], [INF]), ([2], [1])],
)
def test_other_values_do_not(actual, expected):
    with pytest.raises(Finding, match="output differs from the other: largest difference"):
        same(actual, expected)


def test_the_tolerance_is_relative_to_the_largest_value():
    same([100.0, 0.05], [100.0, 0.0], tolerance=1e-3)
    with pytest.raises(Finding, match=r"allowed 0\.1\)"):
        same([100.0, 0.2], [100.0, 0.0], tolerance=1e-3)


def test_an_infinite_value_does_not_widen_the_tolerance():
    with pytest.raises(Finding):
        same([INF, 1.1], [INF, 1.0], tolerance=1e-3)


def test_values_below_the_least_size_count_as_noise():
    same([1e-9], [0.0], tolerance=1e-5, least_size=1e-2)
    with pytest.raises(Finding):
        same([1e-9], [0.0], tolerance=1e-5)


def test_the_place_has_the_names_of_its_axes():
    expected = torch.zeros(2, 3, 4)
    actual = expected.clone()
    actual[1, 2, 3] = 0.5
    with pytest.raises(
        Finding, match=r"largest difference 0.5 at \[row 1, step 2, feature 3\] \(found 0.5, expected 0"
    ):
        same(actual, expected)
    with pytest.raises(Finding, match=r"\[row 1, 2, 3\]"):
        same(actual, expected, "gradient of initial state leaf `hidden`")
    with pytest.raises(Finding, match=r"\[1, 2, 3\]"):
        same(actual, expected, "gradient of parameter `weight`")


def test_a_leaf_that_grew_is_padded_with_zeros_at_the_front():
    leaf = torch.randn(2, 3, 4)
    same(torch.cat([torch.zeros(2, 1, 4), leaf], 1), leaf, "final state leaf `keys`")
    with pytest.raises(Finding, match="differs"):
        same(torch.cat([leaf, torch.zeros(2, 1, 4)], 1), leaf, "final state leaf `keys`")
    with pytest.raises(Finding, match="has shape"):
        same(torch.cat([torch.zeros(2, 1, 4), leaf], 1), leaf, "output")


def test_types_are_compared():
    with pytest.raises(Finding, match=r"type torch.float64, the other has torch.float32"):
        same(torch.zeros(1).double(), torch.zeros(1))
