"""Which records are held out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.splits.hold_out import hold_out
from unrolled.errors import UserError

counts = st.integers(2, 60)
fractions = st.floats(0.01, 0.99)
seeds = st.integers(0, 5)


@given(counts, fractions, seeds, st.booleans(), st.data())
def test_both_sides_together_are_all(
    count: int, fraction: float, seed: int, by_time: bool, data: st.DataObject
) -> None:
    labels = data.draw(st.none() | st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    kept, held, _ = hold_out(count, fraction, seed=seed, labels=labels, by_time=by_time)
    assert sorted([*kept, *held]) == list(range(count))
    assert len(kept) >= 1
    assert len(held) >= 1
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()
    again, _, _ = hold_out(count, fraction, seed=seed, labels=labels, by_time=by_time)
    np.testing.assert_array_equal(kept, again)
    if by_time:
        assert kept.max() < held.min()


@given(st.lists(st.integers(1, 12), min_size=2, max_size=8), fractions, seeds)
def test_no_group_is_on_both_sides(sizes: list[int], fraction: float, seed: int) -> None:
    groups = [f"p{number}" for number, size in enumerate(sizes) for _ in range(size)]
    order = np.random.default_rng(0).permutation(len(groups))
    groups = [groups[index] for index in order]
    kept, held, how = hold_out(len(groups), fraction, seed=seed, groups=groups, labels=["x"] * len(groups))
    kept_groups, held_groups = {groups[number] for number in kept}, {groups[number] for number in held}
    assert kept_groups
    assert held_groups
    assert not kept_groups & held_groups
    assert sorted([*kept, *held]) == list(range(len(groups)))
    assert how == f"{len(held_groups)} of {len(sizes)} groups"
    # No more groups than are needed for the share.
    wanted = min(max(1, round(len(groups) * fraction)), len(groups) - 1)
    assert len(held) < wanted + max(sizes)


def test_every_label_keeps_its_share() -> None:
    labels = ["common"] * 900 + ["rare"] * 90 + ["single"]
    kept, held, how = hold_out(len(labels), 0.1, seed=0, labels=labels)
    assert Counter(labels[number] for number in held) == {"common": 90, "rare": 9}
    assert "single" in {labels[number] for number in kept}
    assert "share" in how


def test_seeds_differ() -> None:
    assert len({tuple(hold_out(50, 0.2, seed=seed)[1]) for seed in range(10)}) > 8


def test_labels_that_are_all_different_say_nothing() -> None:
    kept, held, _ = hold_out(10, 0.2, seed=0, labels=[str(number) for number in range(10)])
    assert (len(kept), len(held)) == (8, 2)


def test_one_group() -> None:
    with pytest.raises(UserError, match="all 3 records belong to one group \\(anna\\), so none can be held out"):
        hold_out(3, 0.5, seed=0, groups=["anna"] * 3)


def test_sets_of_labels_that_hardly_repeat_hold_out_enough() -> None:
    labels = [f"set {number}" for number in range(96)] + ["a|b"] * 4
    kept, held, how = hold_out(100, 0.1, seed=0, labels=labels)
    assert (len(kept), len(held), how) == (90, 10, "at random")
