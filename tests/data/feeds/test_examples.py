"""Encoded records in memory and on the disk, and as batches."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.feeds import examples as module
from unrolled.data.feeds.examples import NO_TARGET, Example, Examples, Spool, collate, packed_order

ARRAYS = [np.arange(length * 2, dtype=np.float32).reshape(length, 2) + length for length in (3, 0, 5, 1, 4)]


@pytest.mark.parametrize("block", [1, 30, 1 << 20])
@pytest.mark.parametrize("limit", [0, 30, 60, 10**6])
def test_on_the_disk_as_in_memory(limit: int, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", limit)
    monkeypatch.setattr(module, "BLOCK", block)
    spool = Spool(np.dtype(np.float32), tmp_path)
    for number, array in enumerate(ARRAYS):
        spool.append(array)
        np.testing.assert_array_equal(spool[number], array)  # reading in between must not disturb
    assert len(spool) == len(ARRAYS)
    for number, array in enumerate(ARRAYS):
        assert spool[number].shape == array.shape
        np.testing.assert_array_equal(spool[number], array)
    assert len(list(tmp_path.iterdir())) == (limit < sum(array.nbytes for array in ARRAYS))
    del spool
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [0, 10**6])
def test_records_without_a_target_do_not_shift_those_of_others(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", limit)
    kept = Examples()
    for number in range(4):
        target = np.array(number, dtype=np.int64) if number % 2 else None
        kept.append(Example(np.full((number + 1, 1), number, dtype=np.float32), None, target), f"row {number}")
    assert [kept[number].target for number in (0, 2)] == [None, None]
    assert [int(kept[number].target) for number in (1, 3)] == [1, 3]  # type: ignore[arg-type]
    assert [kept[number].time for number in range(4)] == kept.lengths == [1, 2, 3, 4]
    assert kept.origins[2] == "row 2"


lengths = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@given(lengths)
def test_packing_keeps_every_step_once_and_in_order(lengths: list[int]) -> None:
    records = [
        Example(np.full((n, 1), number, dtype=np.float32), None, np.array(number, dtype=np.int64))
        for number, n in enumerate(lengths)
    ]
    batch = collate(records, per_step=False, packed=True)
    numbers, rows = batch.numbers[..., 0], len(batch.numbers)  # type: ignore[index,arg-type]
    mask = np.ones(numbers.shape, dtype=bool) if batch.mask is None else batch.mask
    reset = np.zeros(numbers.shape, dtype=bool) if batch.reset is None else batch.reset
    stretches = []
    for row in range(rows):
        stretch: list[float] = []
        for step in range(numbers.shape[1]):
            if mask[row, step]:
                if reset[row, step]:
                    stretches.append(stretch)
                    stretch = []
                stretch.append(numbers[row, step])
        stretches.append(stretch)
    assert [stretch[0] for stretch in stretches] == batch.targets.tolist() == packed_order(records)  # type: ignore[union-attr]
    assert [len(stretch) for stretch in stretches] == [lengths[int(stretch[0])] for stretch in stretches]
    assert all(len(set(stretch)) == 1 for stretch in stretches)
    assert numbers.shape[1] == max(lengths)
    assert rows <= len(lengths)
    assert rows >= sum(lengths) / max(lengths)


def test_targets_lie_where_their_steps_lie() -> None:
    records = [Example(None, np.full((n, 1), n), np.arange(n, dtype=np.int64)) for n in (4, 1, 2)]
    for packed in (False, True):
        batch = collate(records, per_step=True, packed=packed)
        present = np.ones(batch.targets.shape, dtype=bool) if batch.mask is None else batch.mask  # type: ignore[union-attr]
        assert (batch.targets[~present] == NO_TARGET).all()  # type: ignore[index]
        assert batch.scored == 7
        for n in (4, 1, 2):
            row, column = np.argwhere(batch.tokens[..., 0] == n)[0]  # type: ignore[index]
            assert batch.targets[row, column : column + n].tolist() == list(range(n))  # type: ignore[index]
    values = [Example(np.ones((n, 1), dtype=np.float32), None, np.ones((n, 2), dtype=np.float32)) for n in (3, 1)]
    batch = collate(values, per_step=True)
    assert np.isnan(batch.targets[1, 1:]).all()  # type: ignore[index]
    assert batch.scored == 8


def test_texts_are_padded_with_their_lengths() -> None:
    texts = [np.array([3, 1], dtype=np.int64), np.array([2], dtype=np.int64), np.zeros(0, dtype=np.int64)]
    records = [Example(np.ones((2, 1), dtype=np.float32), None, text) for text in texts]
    batch = collate(records, per_step=False, texts=True)
    assert batch.targets.tolist() == [[3, 1], [2, 0], [0, 0]]  # type: ignore[union-attr]
    assert batch.lengths.tolist() == [2, 1, 0]  # type: ignore[union-attr]
    assert batch.mask is None
    assert batch.reset is None
    assert batch.scored == 3
