import itertools
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.token_parts import TokenPart
from unrolled.data.feeds.evaluation import carried_chunks, sliding_windows
from unrolled.data.feeds.permutation import epoch_keys, permute
from unrolled.data.feeds.text_feeds import NO_TARGET, Batch, StreamFeed, WindowFeed
from unrolled.errors import UserError


def part_of(*lengths: int) -> TokenPart:
    """Documents of these lengths whose tokens are their places: so each token is known wherever it turns up."""
    starts = np.cumsum([0, *lengths[:-1]])
    tokens = np.arange(sum(lengths), dtype=np.uint16)
    return TokenPart(tokens, starts, bytes=len(tokens), characters=len(tokens))


PARTS = st.lists(st.integers(1, 30), min_size=1, max_size=6).filter(lambda sizes: any(n > 1 for n in sizes))
SEEDS = st.integers(0, 2**40)


def followers(part: TokenPart) -> dict[int, int]:
    """Each token to the next one of its document, or to no target: the plain definition."""
    starts = set(part.starts.tolist())
    size = len(part)
    return {index: NO_TARGET if index + 1 in starts or index + 1 == size else index + 1 for index in range(size)}


def check_rows(batch: Batch, part: TokenPart) -> None:
    """What holds for any batch: shapes, targets are successors, history breaks exactly where a reset says so."""
    following = followers(part)
    starts = set(part.starts.tolist())
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    assert batch.inputs.shape == batch.targets.shape
    mask = np.ones(batch.inputs.shape, bool) if batch.mask is None else batch.mask
    reset = np.zeros(batch.inputs.shape, bool) if batch.reset is None else batch.reset
    assert mask.dtype == reset.dtype == bool
    assert batch.mask is None or not mask.all()
    assert batch.reset is None or reset.any()
    assert not (reset & ~mask).any()
    assert (batch.inputs[~mask] == 0).all()
    assert (batch.targets[~mask] == NO_TARGET).all()
    for row in range(len(mask)):
        width = int(mask[row].sum())
        assert mask[row, :width].all()
        for step in range(width):
            token = int(batch.inputs[row, step])
            assert batch.targets[row, step] == following[token]
            if step:
                assert bool(reset[row, step]) == (token in starts)
                assert token == (int(batch.inputs[row, step - 1]) + 1) % len(part)
            else:
                assert bool(reset[row, step]) == (token in starts and not batch.fresh)


def count(batches: Iterable[Batch]) -> tuple[Counter[int], Counter[int]]:
    """How often each token is an input, and a target."""
    inputs: Counter[int] = Counter()
    targets: Counter[int] = Counter()
    for batch in batches:
        mask = np.ones(batch.inputs.shape, bool) if batch.mask is None else batch.mask
        inputs.update(batch.inputs[mask].tolist())
        targets.update(batch.targets[batch.targets != NO_TARGET].tolist())
    return inputs, targets


def non_first(part: TokenPart) -> Counter[int]:
    return Counter(set(range(len(part))) - set(part.starts.tolist()))


def rows_of(batches: Iterable[Batch]) -> list[list[tuple[int, int]]]:
    """The present (input, target) pairs of each row."""
    rows = []
    for batch in batches:
        mask = np.ones(batch.inputs.shape, bool) if batch.mask is None else batch.mask
        for inputs, targets, present in zip(batch.inputs, batch.targets, mask, strict=True):
            rows.append(list(zip(inputs[present].tolist(), targets[present].tolist(), strict=True)))
    return rows


@given(sizes=PARTS, batch_size=st.integers(1, 5), context=st.integers(1, 20), seed=SEEDS)
def test_windows_cover_each_epoch_once(sizes: list[int], batch_size: int, context: int, seed: int) -> None:
    part = part_of(*sizes)
    feed = WindowFeed(part, batch_size=batch_size, context=context, seed=seed)
    windows = -(-len(part) // feed.context)
    batches = [feed.batch(index) for index in range(-(-3 * windows // batch_size))]
    for batch in batches:
        check_rows(batch, part)
        assert batch.fresh
        assert batch.inputs.shape == (batch_size, min(context, len(part)))
    rows = rows_of(batches)
    for epoch in range(3):
        pairs = [pair for row in rows[epoch * windows : (epoch + 1) * windows] for pair in row]
        assert Counter(token for token, _ in pairs) == Counter(range(len(part)))
        assert Counter(target for _, target in pairs if target != NO_TARGET) == non_first(part)
    assert feed.tokens_per_epoch == non_first(part).total()
    assert feed.batches_per_epoch == -(-windows // batch_size)


@given(sizes=PARTS, batch_size=st.integers(1, 5), context=st.integers(1, 20), seed=SEEDS)
def test_streams_cover_each_epoch_once_and_go_on_where_they_ended(
    sizes: list[int], batch_size: int, context: int, seed: int
) -> None:
    part = part_of(*sizes)
    feed = StreamFeed(part, batch_size=batch_size, context=context, seed=seed)
    for epoch in range(3):
        first = epoch * feed.batches_per_epoch
        batches = [feed.batch(first + chunk) for chunk in range(feed.batches_per_epoch)]
        inputs, targets = count(batches)
        assert inputs == Counter(range(len(part)))
        assert targets == non_first(part)
        for batch in batches:
            check_rows(batch, part)
        assert [batch.fresh for batch in batches] == [True] + [False] * (len(batches) - 1)
        assert all(batch.inputs.shape == (feed.batch_size, feed.context) for batch in batches[:-1])
        assert all(batch.mask is None for batch in batches[:-1])
        for before, after in itertools.pairwise(batches):
            present = after.mask[:, 0] if after.mask is not None else np.ones(len(after.inputs), bool)
            assert ((before.inputs[:, -1] + 1) % len(part) == after.inputs[:, 0])[present].all()
    assert feed.tokens_per_epoch == non_first(part).total()


@given(
    sizes=PARTS,
    kind=st.sampled_from([WindowFeed, StreamFeed]),
    world=st.integers(1, 3),
    share=st.integers(1, 3),
    context=st.integers(1, 12),
    seed=SEEDS,
    index=st.integers(0, 10**6),
)
def test_shards_together_are_the_whole_batch_and_any_index_can_be_asked_at_any_time(
    sizes: list[int], kind: type[WindowFeed | StreamFeed], world: int, share: int, context: int, seed: int, index: int
) -> None:
    part = part_of(*sizes, 2)

    rows = world * share

    def feed(rank: int, world: int) -> WindowFeed | StreamFeed:
        return kind(part, batch_size=rows, context=context, seed=seed, rank=rank, world=world)

    shards = [feed(rank, world) for rank in range(world)]
    shards[0].batch(index // 2)  # what was asked before does not matter
    batches = [shard.batch(index) for shard in shards]
    if kind is WindowFeed:
        whole = rows_of([feed(0, 1).batch(index)])
        for rank, batch in enumerate(batches):
            assert rows_of([batch]) == whole[rank::world]
    assert len({batch.inputs.shape for batch in batches}) == 1
    assert len({batch.fresh for batch in batches}) == 1
    assert sum(len(batch.inputs) for batch in batches) == shards[0].batch_size
    again = feed(0, world).batch(index)
    for field, other in zip(batches[0], again, strict=True):
        assert np.array_equal(field, other) if isinstance(field, np.ndarray) else field == other


@pytest.mark.parametrize("world", [2, 3])
def test_shards_of_streams_are_the_whole_epoch(world: int) -> None:
    part = part_of(50, 7, 40)
    whole = StreamFeed(part, batch_size=6, context=5, seed=1)
    shards = [StreamFeed(part, batch_size=6, context=5, seed=1, rank=rank, world=world) for rank in range(world)]
    for index in range(3 * whole.batches_per_epoch):
        rows = rows_of([whole.batch(index)])
        for rank, shard in enumerate(shards):
            assert rows_of([shard.batch(index)]) == rows[rank::world]


@pytest.mark.parametrize("kind", [WindowFeed, StreamFeed])
def test_epochs_and_seeds_differ(kind: type[WindowFeed | StreamFeed]) -> None:
    part = part_of(997)
    feed = kind(part, batch_size=4, context=16, seed=0)
    firsts = [feed.batch(epoch * feed.batches_per_epoch).inputs.tolist() for epoch in range(4)]
    other = kind(part, batch_size=4, context=16, seed=1)
    firsts += [other.batch(epoch * other.batches_per_epoch).inputs.tolist() for epoch in range(1, 4)]
    assert len({str(first) for first in firsts}) == 7


def test_the_first_epoch_of_streams_begins_at_the_beginning() -> None:
    batch = StreamFeed(part_of(100), batch_size=2, context=10, seed=9).batch(0)
    assert batch.inputs.tolist() == [list(range(10)), list(range(50, 60))]
    assert (batch.mask, batch.reset, batch.fresh) == (None, None, True)


def test_documents_in_a_stream() -> None:
    feed = StreamFeed(part_of(4, 6), batch_size=1, context=6, seed=0)
    first, second = feed.batch(0), feed.batch(1)
    assert first.targets.tolist() == [[1, 2, 3, NO_TARGET, 5, 6]]
    assert first.reset is not None
    assert first.reset.tolist() == [[False] * 4 + [True, False]]
    assert second.targets.tolist() == [[7, 8, 9, NO_TARGET]]
    assert second.reset is None


def test_a_short_text_gets_fewer_streams_or_shorter_windows() -> None:
    part = part_of(100)
    assert StreamFeed(part, batch_size=64, context=30, seed=0).batch_size == 3
    assert StreamFeed(part, batch_size=64, context=300, seed=0).batch(0).inputs.shape == (1, 100)
    assert StreamFeed(part, batch_size=64, context=300, seed=0, world=2).batch(0).inputs.shape == (1, 50)
    assert WindowFeed(part, batch_size=64, context=300, seed=0).batch(0).inputs.shape == (64, 100)


@pytest.mark.parametrize("kind", [WindowFeed, StreamFeed])
def test_sizes_that_do_not_fit_are_refused(kind: type[WindowFeed | StreamFeed]) -> None:
    with pytest.raises(UserError, match="batch size 7 cannot be shared by 2 processes"):
        kind(part_of(50), batch_size=7, context=5, seed=0, world=2)
    with pytest.raises(UserError, match="must both be at least 1"):
        kind(part_of(50), batch_size=0, context=5, seed=0)
    with pytest.raises(UserError, match=r"has 1 token\(s\), too few"):
        kind(part_of(1), batch_size=1, context=5, seed=0)
    with pytest.raises(UserError, match="process 2 of 2"):
        kind(part_of(50), batch_size=2, context=5, seed=0, rank=2, world=2)


def test_too_many_processes_for_the_text() -> None:
    with pytest.raises(UserError, match="3 tokens are too few for 4 processes"):
        StreamFeed(part_of(3), batch_size=4, context=5, seed=0, world=4)


@given(size=st.integers(1, 300), seed=SEEDS, epoch=st.integers(0, 10**9))
def test_permute_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    key, _ = epoch_keys(seed, np.full(size, epoch))
    assert sorted(permute(np.arange(size), size, key)) == list(range(size))


def test_permute_looks_random() -> None:
    """Over many epochs every item comes to every place about equally often (chi-squared with 31 * 31 degrees)."""
    size, epochs = 32, 6400
    epoch, number = np.divmod(np.arange(size * epochs), size)
    key, other = epoch_keys(3, epoch)
    places = permute(number, size, key)
    seen = np.zeros((size, size))
    np.add.at(seen, (number, places), 1)
    expected = epochs / size
    degrees = (size - 1) ** 2
    assert abs(((seen - expected) ** 2 / expected).sum() - degrees) < 6 * (2 * degrees) ** 0.5
    assert len(np.unique(key)) == len(np.unique(other)) == epochs
    neighbours = np.abs(np.diff(places.reshape(epochs, size), axis=1)) == 1
    assert abs(neighbours.mean() - 2 / size) < 0.003


def test_huge_numbers_of_windows_need_no_memory() -> None:
    key, _ = epoch_keys(0, np.zeros(8))
    places = permute(np.arange(8), 10**15, key)
    assert len(set(places.tolist())) == 8
    assert places.max() > 10**13


@given(sizes=PARTS, chunk=st.integers(1, 20), batch_size=st.integers(1, 4))
def test_carried_chunks_score_every_target_once(sizes: list[int], chunk: int, batch_size: int) -> None:
    part = part_of(*sizes)
    batches = list(carried_chunks(part, chunk, batch_size))
    for batch in batches:
        check_rows(batch, part)
    assert count(batches)[1] == non_first(part)
    assert [batch.fresh for batch in batches] == [True] + [False] * (len(batches) - 1)
    if batch_size == 1:
        assert np.concatenate([batch.inputs[0] for batch in batches]).tolist() == list(range(len(part) - 1))
        assert all(batch.mask is None for batch in batches)


@given(sizes=PARTS, context=st.integers(1, 12), overlap=st.integers(0, 11), batch_size=st.integers(1, 4))
def test_sliding_windows_score_every_target_once(sizes: list[int], context: int, overlap: int, batch_size: int) -> None:
    part = part_of(*sizes)
    stride = max(1, context - overlap)
    batches = list(sliding_windows(part, context, stride, batch_size))
    assert count(batches)[1] == non_first(part)
    following = followers(part)
    document = np.searchsorted(part.starts, np.arange(len(part)), side="right") - 1
    for batch in batches:
        assert batch.fresh
        assert batch.reset is None
        assert batch.inputs.shape[1] <= context
    for row in rows_of(batches):
        tokens = [token for token, _ in row]
        assert tokens == list(range(tokens[0], tokens[0] + len(tokens)))
        assert document[tokens[0]] == document[tokens[-1]]
        scored = [target for _, target in row if target != NO_TARGET]
        assert scored == [following[token] for token in tokens][len(tokens) - len(scored) :]
        first = part.starts[document[tokens[0]]]
        for target in scored:  # every target sees all of its document, or enough of it
            seen = target - tokens[0]
            assert seen >= min(target - first, context - stride + 1)


def test_strides_that_would_skip_targets_are_refused() -> None:
    with pytest.raises(UserError, match="stride from 1 to the context"):
        list(sliding_windows(part_of(9), context=4, stride=5, batch_size=1))
    with pytest.raises(UserError, match="at least 1"):
        list(carried_chunks(part_of(9), chunk=0))
