"""Chunks of long records: each step once in an epoch, row by row in order, as a pure function of the number."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.feeds.examples import NO_TARGET, Example, ExampleBatch, Examples
from unrolled.data.feeds.record_streams import RecordStreamFeed


def records(lengths: list[int], *, per_step: bool = True, floats: bool = False) -> Examples:
    """Step t of record n holds 1000 n + t + 1, and that is its target too; the target of the record is n."""
    made = Examples()
    for number, length in enumerate(lengths):
        steps = 1000 * number + np.arange(length) + 1
        target = steps if per_step else np.array(number)
        if floats:
            target = target[..., None].astype(np.float32)
        made.append(Example(steps[:, None].astype(np.float32), 2 * steps[:, None], target), "")
    return made


def feed(examples: Examples, **settings: object) -> RecordStreamFeed:
    given = {"batch_size": 3, "context": 4, "seed": 5, "per_step": True, **settings}
    return RecordStreamFeed(examples, **given)  # type: ignore[arg-type]


def rows_of(made: RecordStreamFeed, epoch: int) -> list[list[tuple[int, bool]]]:
    """For every row of an epoch its steps in order, each with whether a reset stands there."""
    rows: list[list[tuple[int, bool]]] = []
    for chunk in range(made.batches_per_epoch):
        batch = made.batch(epoch * made.batches_per_epoch + chunk)
        assert batch.fresh == (chunk == 0)
        rows = rows or [[] for _ in batch.numbers]  # type: ignore[union-attr]
        for row, steps in enumerate(batch.numbers[..., 0]):  # type: ignore[index]
            for at, value in enumerate(steps):
                if batch.mask is None or batch.mask[row, at]:
                    rows[row].append((int(value), batch.reset is not None and bool(batch.reset[row, at])))
                else:
                    assert value == 0
    return rows


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 5), st.integers(1, 9), st.integers(0, 3))
def test_every_step_comes_once_in_the_order_of_its_record(
    lengths: list[int], batch_size: int, context: int, epoch: int
) -> None:
    made = feed(records(lengths), batch_size=batch_size, context=context)
    rows = rows_of(made, epoch)
    assert len(rows) == made.batch_size <= batch_size
    sizes = [len(row) for row in rows]
    assert max(sizes) - min(sizes) <= 1
    every = sorted(value for row in rows for value, _ in row)
    assert every == sorted(1000 * n + t + 1 for n, length in enumerate(lengths) for t in range(length))
    for row in rows:
        for (before, _), (value, reset) in itertools.pairwise(row):
            assert reset == (value % 1000 == 1), "a reset where a record begins, and nowhere else"
            assert reset or value == before + 1
        assert not row or not row[0][1], "the state is fresh there"
    if epoch == 0:
        assert rows[0][0][0] % 1000 == 1


def test_targets_and_tokens_are_those_of_the_steps() -> None:
    made = feed(records([9, 5, 14]))
    for index in range(2 * made.batches_per_epoch):
        batch = made.batch(index)
        present = np.ones(batch.numbers.shape[:2], bool) if batch.mask is None else batch.mask  # type: ignore[union-attr]
        np.testing.assert_array_equal(batch.targets[present], batch.numbers[present][:, 0])  # type: ignore[index]
        np.testing.assert_array_equal(batch.tokens[present][:, 0], 2 * batch.targets[present])  # type: ignore[index]
        assert (batch.targets[~present] == NO_TARGET).all()  # type: ignore[index]
        assert batch.scored == present.sum()


@pytest.mark.parametrize("floats", [False, True])
def test_the_target_of_a_record_is_asked_for_at_the_end_of_every_chunk_and_of_the_record(floats: bool) -> None:
    made = feed(records([9, 5, 14], per_step=False, floats=floats), batch_size=2, per_step=False)
    for index in range(made.batches_per_epoch):
        batch = made.batch(index)
        for row in range(made.batch_size):
            steps, targets = batch.numbers[row, :, 0], batch.targets[row].reshape(len(batch.numbers[row]), -1)[:, 0]  # type: ignore[index]
            for at, (value, target) in enumerate(zip(steps, targets, strict=True)):
                number = int(value) // 1000
                ends = at + 1 == len(steps) or steps[at + 1] // 1000 != number or steps[at + 1] == 0
                known = np.isfinite(target) if floats else target != NO_TARGET
                assert known == (value > 0 and ends)
                assert not known or target == number


def test_batches_are_a_function_of_their_number_and_processes_share_the_rows() -> None:
    examples = records([40, 25, 31])
    for augmentation in ("none", "signal"):
        made = feed(examples, batch_size=4, augmentation=augmentation)
        order = [5, 2, 2, made.batches_per_epoch, 0]
        once = [made.batch(index) for index in order]
        again = feed(examples, batch_size=4, augmentation=augmentation)
        parts = [feed(examples, batch_size=4, augmentation=augmentation, rank=rank, world=2) for rank in (0, 1)]
        for index, batch in zip(order, once, strict=True):
            assert_equal(again.batch(index), batch)
            for rank, part in enumerate(parts):
                mine = part.batch(index)
                np.testing.assert_array_equal(mine.numbers, batch.numbers[rank::2])  # type: ignore[index]
                np.testing.assert_array_equal(mine.targets, batch.targets[rank::2])  # type: ignore[index]


def assert_equal(batch: ExampleBatch, other: ExampleBatch) -> None:
    for mine, theirs in zip(batch, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_stream_keeps_its_loudness_through_an_epoch() -> None:
    made = feed(records([4000]), batch_size=2, context=500, augmentation="signal")
    plain = feed(records([4000]), batch_size=2, context=500)
    ratios = []
    for index in range(2 * made.batches_per_epoch):
        numbers = made.batch(index).numbers / plain.batch(index).numbers  # type: ignore[operator]
        ratios.append(np.median(numbers[..., 0], axis=1))
    first, second = np.array(ratios[: made.batches_per_epoch]), np.array(ratios[made.batches_per_epoch :])
    np.testing.assert_allclose(first, first[:1].repeat(len(first), 0), atol=1e-3)
    assert abs(first[0] - second[0]).min() > 1e-3
    assert abs(first[0, 0] - first[0, 1]) > 1e-3


def test_records_without_a_target_are_left_out() -> None:
    examples = records([3, 6])
    examples.append(Example(np.ones((5, 1), np.float32), np.ones((5, 1), np.int64), np.full(5, NO_TARGET)), "")
    made = feed(examples, batch_size=1)
    assert len(made) == 2
    assert len(rows_of(made, 0)[0]) == 9
