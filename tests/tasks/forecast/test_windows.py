"""Windows over series whose values say where they stand: value = 1000 * series + 10 * step + channel / 10."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import UserError
from unrolled.tasks.forecast.windows import ForecastFeed, ForecastWindows, parts_by_time


def series_of(*lengths: int, channels: int = 2) -> list[np.ndarray]:
    return [
        (1000 * i + 10 * np.arange(n)[:, None] + np.arange(channels) / 10).astype(np.float32)
        for i, n in enumerate(lengths)
    ]


def expected_windows(
    lengths: list[int], parts: list[tuple[int, int]], context: int, horizon: int, stride: int, least: int
) -> list[tuple[int, int]]:
    """The plain definition: (series, origin)."""
    pairs = []
    for i, (n, (begin, end)) in enumerate(zip(lengths, parts, strict=True)):
        origin = max(begin, least)
        while origin + horizon <= min(end, n):
            pairs.append((i, origin))
            origin += stride
    return pairs


@given(st.data())
def test_every_window_once_and_each_is_what_it_says(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=4))
    context, horizon, stride = (data.draw(st.integers(1, 6)) for _ in range(3))
    least = data.draw(st.integers(1, context))
    parts = []
    for n in lengths:
        begin = data.draw(st.integers(0, n))
        parts.append((begin, data.draw(st.integers(begin, n))))
    series = series_of(*lengths)
    known = [np.arange(n, dtype=np.float32)[:, None] for n in lengths]
    wanted = expected_windows(lengths, parts, context, horizon, stride, least)

    def make() -> ForecastWindows:
        return ForecastWindows(
            series,
            context=context,
            horizon=horizon,
            targets=[1],
            known=known,
            parts=parts,
            stride=stride,
            least_context=least,
        )

    if not wanted:
        with pytest.raises(UserError, match="no part of a series is long enough"):
            make()
        return
    windows = make()
    batches = list(windows.in_order(3))
    pairs = [pair for b in batches for pair in zip(b.series.tolist(), b.origin.tolist(), strict=True)]
    assert pairs == wanted
    assert len(windows) == len(wanted)
    assert windows.series_without == len(lengths) - len({i for i, _ in wanted})
    for batch in batches:
        assert batch.known is not None
        for row, (i, origin) in enumerate(zip(batch.series, batch.origin, strict=True)):
            for step in range(context):
                at = origin - context + step
                if at < 0:
                    assert np.isnan(batch.past[row, step]).all()
                    assert batch.known[row, step] == 0
                else:
                    assert np.array_equal(batch.past[row, step], series[i][at])
                    assert batch.known[row, step] == at
            assert np.array_equal(batch.future[row, :, 0], series[i][origin : origin + horizon, 1])
            assert batch.known[row, context:, 0].tolist() == list(range(origin, origin + horizon))


@given(st.integers(0, 2**40), st.integers(1, 7), st.integers(1, 3))
def test_an_epoch_is_every_window_once_and_batches_depend_on_their_index_alone(
    seed: int, per_process: int, world: int
) -> None:
    windows = ForecastWindows(series_of(17, 9), context=3, horizon=2)
    size = per_process * world
    feeds = [ForecastFeed(windows, batch_size=size, seed=seed, rank=rank, world=world) for rank in range(world)]
    batches = feeds[0].batches_per_epoch * 3
    drawn: list[tuple[int, int]] = []
    for index in range(batches):
        rows: list[tuple[int, int]] = [(-1, -1)] * size
        for rank, feed in enumerate(feeds):
            batch = feed.batch(index)
            rows[rank::world] = list(zip(batch.series.tolist(), batch.origin.tolist(), strict=True))
        drawn += rows
    for epoch in range(len(drawn) // len(windows)):
        part = Counter(drawn[epoch * len(windows) : (epoch + 1) * len(windows)])
        assert len(part) == len(windows)
    late = ForecastFeed(windows, batch_size=size, seed=seed).batch(batches - 1)
    assert list(zip(late.series.tolist(), late.origin.tolist(), strict=True)) == drawn[-size:]


def test_epochs_and_seeds_differ() -> None:
    windows = ForecastWindows(series_of(60), context=3, horizon=2)
    feed, other = (ForecastFeed(windows, batch_size=len(windows), seed=seed) for seed in (1, 2))
    orders = [feed.batch(0).origin, feed.batch(1).origin, other.batch(0).origin]
    assert len({tuple(order) for order in orders}) == 3


def test_the_standard_split_of_a_long_series() -> None:
    """8,640 + 2,880 + 2,880 rows, look-back and horizon 96: the last part has 2,785 windows (Zhou et al. 2021)."""
    parts = parts_by_time(17_420, (8640, 2880, 2880))
    assert parts == [(0, 8640), (8640, 11_520), (11_520, 14_400)]
    series = [np.zeros((17_420, 1), np.float32)]
    counts = [len(ForecastWindows(series, context=96, horizon=96, parts=[part])) for part in parts]
    assert counts == [8640 - 191, 2785, 2785]


@given(st.integers(0, 5000))
def test_parts_by_fractions_cover_the_series(length: int) -> None:
    parts = parts_by_time(length)
    assert [begin for begin, _ in parts] + [length] == [0] + [end for _, end in parts]
    assert parts[0][1] == pytest.approx(0.7 * length, abs=0.5)


@pytest.mark.parametrize("sizes", [(0.7, 0.4), (-0.1, 0.5), (80, 30), ()])
def test_parts_that_do_not_fit(sizes: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match="do not fit a series of 100 steps"):
        parts_by_time(100, sizes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context": 0, "horizon": 1}, "look-back 0"),
        ({"context": 1, "horizon": 1, "stride": 0}, "stride 0"),
        ({"context": 1, "horizon": 1, "series": []}, "no series"),
        ({"context": 1, "horizon": 1, "series": [np.zeros((9, 1)), np.zeros((9, 2))]}, "number of channels"),
        ({"context": 1, "horizon": 1, "known": [np.zeros((8, 1))]}, "differ in length"),
        ({"context": 7, "horizon": 4}, "longest has 9 steps, and a window needs 7 steps of past and 4"),
    ],
)
def test_settings_that_do_not_fit(settings: dict, message: str) -> None:
    series = settings.pop("series", series_of(9))
    with pytest.raises(UserError, match=message):
        ForecastWindows(series, **settings)


@pytest.mark.parametrize(("size", "rank", "world"), [(0, 0, 1), (3, 0, 2), (2, 2, 2)])
def test_batches_that_cannot_be_shared(size: int, rank: int, world: int) -> None:
    windows = ForecastWindows(series_of(9), context=2, horizon=1)
    with pytest.raises(UserError, match="cannot be shared"):
        ForecastFeed(windows, batch_size=size, seed=0, rank=rank, world=world)
