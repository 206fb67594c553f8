"""Records of like length in one batch, each once in an epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.feeds.buckets import Buckets


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=200),
    batch_size=st.integers(1, 30),
    seed=st.integers(0, 5),
)
def test_every_record_once_in_an_epoch(lengths: list[int], batch_size: int, seed: int) -> None:
    buckets = Buckets(np.array(lengths), batch_size=batch_size, seed=seed)
    assert buckets.batch_size == min(batch_size, len(lengths))
    for epoch in (0, 1, 7):
        first = epoch * buckets.batches_per_epoch
        members = [buckets.members(first + number) for number in range(buckets.batches_per_epoch)]
        assert sorted(np.concatenate(members).tolist()) == list(range(len(lengths)))
        assert max(map(len, members)) <= buckets.batch_size


def test_a_batch_follows_from_its_number_alone() -> None:
    lengths = np.arange(100) % 17
    buckets, other = (Buckets(lengths, batch_size=6, seed=4) for _ in range(2))
    order = [30, 2, 75, 2, 0, 41]
    first = [buckets.members(index).tolist() for index in order]
    assert first == [other.members(index).tolist() for index in reversed(order)][::-1]
    assert first[1] == first[3]


def test_epochs_and_seeds_differ() -> None:
    lengths = np.ones(64, dtype=np.int64)
    buckets = Buckets(lengths, batch_size=8, seed=0)
    epochs = [np.concatenate([buckets.members(8 * epoch + n) for n in range(8)]).tolist() for epoch in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert Buckets(lengths, batch_size=8, seed=1).members(0).tolist() != buckets.members(0).tolist()
    groups = [{frozenset(buckets.members(8 * epoch + n).tolist()) for n in range(8)} for epoch in range(2)]
    assert not groups[0] & groups[1]


def test_padding_is_small() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, size=4000)
    buckets = Buckets(lengths, batch_size=16, seed=0)
    batches = [lengths[buckets.members(number)] for number in range(buckets.batches_per_epoch)]
    padded = sum(batch.max() * len(batch) for batch in batches)
    at_random = sum(part.max() * len(part) for part in np.split(lengths, 250))
    assert padded < 1.15 * lengths.sum()
    assert at_random > 1.5 * lengths.sum()


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_short_batches_are_not_all_at_one_end(batch_size: int) -> None:
    lengths = np.sort(np.random.default_rng(1).integers(1, 100, size=400))
    buckets = Buckets(lengths, batch_size=batch_size, seed=0)
    means = [lengths[buckets.members(number)].mean() for number in range(buckets.batches_per_epoch)]
    halves = np.array_split(np.array(means), 2)
    assert abs(halves[0].mean() - halves[1].mean()) < 15
