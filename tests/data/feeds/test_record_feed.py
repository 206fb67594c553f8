"""Which records come when: each once in an epoch, as a pure function of the number, alike for all processes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.feeds.examples import NO_TARGET, Example, ExampleBatch, Examples
from unrolled.data.feeds.record_feed import RecordFeed, is_labelled, ordered_batches, unscored


def records(lengths: list[int], unlabelled: tuple[int, ...] = ()) -> Examples:
    """Record number n has n in every step and as its target."""
    made = Examples()
    for number, length in enumerate(lengths):
        target = np.array(NO_TARGET if number in unlabelled else number, dtype=np.int64)
        made.append(Example(np.full((length, 1), number, dtype=np.float32), None, target), str(number))
    return made


def feed(examples: Examples, **settings: object) -> RecordFeed:
    given = {"batch_size": 4, "seed": 3, "per_step": False, **settings}
    return RecordFeed(examples, **given)  # type: ignore[arg-type]


def seen(batch: ExampleBatch) -> list[int]:
    return [int(target) for target in batch.targets if target != NO_TARGET]  # type: ignore[union-attr]


def padding(batch: ExampleBatch) -> int:
    return 0 if batch.mask is None else int((~batch.mask).sum())


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(1, 9), st.booleans(), st.data())
def test_every_labelled_record_comes_once_in_an_epoch(
    lengths: list[int], batch_size: int, packed: bool, data: st.DataObject
) -> None:
    left_out = data.draw(st.sets(st.integers(0, len(lengths) - 1), max_size=len(lengths) - 1))
    record_feed = feed(records(lengths, tuple(left_out)), batch_size=batch_size, packed=packed)
    assert len(record_feed) == len(lengths) - len(left_out)
    for epoch in range(2):
        numbers = range(epoch * record_feed.batches_per_epoch, (epoch + 1) * record_feed.batches_per_epoch)
        record_numbers = [number for index in numbers for number in seen(record_feed.batch(index))]
        assert sorted(record_numbers) == sorted(set(range(len(lengths))) - left_out)


def test_a_batch_is_a_function_of_its_number() -> None:
    examples = records([1, 5, 3, 8, 2, 9, 9, 4, 6, 7, 2])
    batches = [feed(examples, augmentation="signal").batch(index) for index in range(9)]
    other = feed(examples, augmentation="signal")
    for index in (8, 0, 5, 4, 4, 1):
        for array, expected in zip(other.batch(index), batches[index], strict=True):
            np.testing.assert_array_equal(array, expected)
    orders = [tuple(seen(feed(examples, seed=seed).batch(0))) for seed in range(20)]
    assert len(set(orders)) > 5
    epochs = [tuple(seen(feed(examples).batch(3 * epoch))) for epoch in range(20)]
    assert len(set(epochs)) > 5


@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 5))
def test_processes_share_a_batch_without_overlap(count: int, batch_size: int, world: int) -> None:
    examples = records([1 + number % 5 for number in range(count)])
    shards = [feed(examples, batch_size=batch_size, rank=rank, world=world) for rank in range(world)]
    alone = feed(examples, batch_size=shards[0].batch_size)
    assert len({shard.batches_per_epoch for shard in shards}) == 1
    for index in range(shards[0].batches_per_epoch):
        parts = [seen(shard.batch(index)) for shard in shards]
        assert Counter(number for part in parts for number in part) == Counter(seen(alone.batch(index)))
        assert sum(shard.batch(index).scored for shard in shards) == alone.batch(index).scored


def test_a_process_without_a_record_gets_one_that_is_not_scored() -> None:
    examples = records([2])
    empty = feed(examples, batch_size=3, rank=2, world=3).batch(0)
    assert empty.numbers is not None
    assert empty.scored == 0
    floats = ExampleBatch(np.ones((1, 2, 1)), None, None, None, np.ones((1, 2), dtype=np.float32), None)
    assert unscored(floats).scored == 0
    texts = floats._replace(targets=np.ones((1, 2), dtype=np.int64), lengths=np.array([2]))
    assert unscored(texts).scored == 0


def test_records_of_like_length_come_together() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(1, 200, size=400).tolist()
    record_feed = feed(records(lengths), batch_size=8)
    sorted_padding = sum(padding(record_feed.batch(index)) for index in range(record_feed.batches_per_epoch))
    order = random.permutation(lengths)
    at_random = sum(8 * max(part) - sum(part) for part in np.split(order, 50))
    assert sorted_padding < 0.25 * at_random
    firsts = [len(record_feed.batch(index).numbers[0]) for index in range(record_feed.batches_per_epoch)]  # type: ignore[index]
    assert np.corrcoef(firsts, range(len(firsts)))[0, 1] < 0.5, "batches themselves come in random order"


@pytest.mark.parametrize(
    ("target", "labelled"),
    [
        (None, False),
        (np.array(NO_TARGET), False),
        (np.array(0), True),
        (np.array([NO_TARGET, 1]), True),
        (np.array([np.nan, np.nan]), False),
        (np.array([np.nan, 1.0]), True),
        (np.zeros(0, dtype=np.int64), False),
    ],
)
def test_what_counts_as_labelled(target: np.ndarray | None, labelled: bool) -> None:
    assert is_labelled(Example(None, None, target)) is labelled


def test_in_order_for_evaluation() -> None:
    batches = ordered_batches(records([5, 1, 3, 2, 4]), 2)
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 4], [0]]
    assert ordered_batches(Examples(), 2) == []
