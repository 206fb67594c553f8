import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from python_calls import python_calls
from unrolled.scoring.bootstrap import (
    Measure,
    add_up,
    fold,
    mean_defined,
    measure,
    record_units,
    resampled_sums,
    stretches,
)
from unrolled.scoring.classification import classification_metrics
from unrolled.scoring.events import event_metrics
from unrolled.scoring.multilabel import multilabel_metrics
from unrolled.scoring.regression import regression_metrics
from unrolled.scoring.tagging import tagging_metrics
from unrolled.scoring.text import transcription_metrics

MEAN = Measure("mean", "higher", lambda s: s[..., 0] / s[..., 1])


def rows(values):
    return np.stack([values, np.ones(len(values))], axis=1)


def test_interval_of_a_mean_is_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=2000)
    mean = measure(rows(values), [MEAN])["mean"]
    half = 1.96 * values.std() / np.sqrt(2000)
    assert mean.value == pytest.approx(values.mean())
    assert mean.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert mean.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_about_95_of_100_intervals_hold_the_true_mean():
    random = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        mean = measure(rows(random.normal(size=80)), [MEAN], seed=seed)["mean"]
        held += mean.low <= 0.0 <= mean.high
    assert 178 <= held <= 199  # expected 187 to 190; a 90 % interval would hold 178 or fewer half of the time


def test_blocks_widen_the_interval_of_dependent_records_as_they_should():
    random = np.random.default_rng(2)
    shocks = random.normal(size=5000)
    values = np.convolve(shocks, np.ones(10))[:5000]  # moving sum: the mean varies ten times as much as independently
    single = measure(rows(values), [MEAN])["mean"]
    blocks = measure(rows(values), [MEAN], block=50)["mean"]
    assert blocks.value == single.value
    ratio = (blocks.high - blocks.low) / (single.high - single.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.2)


def test_blocks_do_not_cross_series():
    # Within each series all is the same, so every block sums to a multiple of its series' value.
    series = np.repeat([0, 1, 2], 6)
    values = np.repeat([1.0, 100.0, 10_000.0], 6)
    sums = resampled_sums(rows(values), block=3, series=series)
    digits = sums[:, 0] / 3
    assert np.allclose(digits, digits.round())
    assert (sums[:, 1] == 18).all()


def test_few_draws_from_many_blocks_are_like_many():
    values = np.random.default_rng(3).normal(size=4000)
    sums = resampled_sums(rows(values), block=40)
    assert (sums[:, 1] == 4000).all()
    assert sums[:, 0].std() == pytest.approx(values.std() * np.sqrt(4000), rel=0.25)


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    data = rows(np.random.default_rng(4).normal(size=100))
    assert measure(data, [MEAN], seed=5) == measure(data, [MEAN], seed=5)
    assert measure(data, [MEAN], seed=5) != measure(data, [MEAN], seed=6)


def test_very_many_records_are_folded_without_changing_value_or_spread():
    values = np.random.default_rng(5).normal(size=200_000)
    mean = measure(rows(values), [MEAN])["mean"]
    assert mean.value == pytest.approx(values.mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 / np.sqrt(200_000), rel=0.1)
    groups = np.bincount(fold(200_000))
    assert len(groups) == 10_000
    assert (groups == 20).all()


@pytest.mark.parametrize(("count", "value"), [(0, None), (1, 7.0)])
def test_too_few_records(count, value):
    mean = measure(rows(np.full(count, 7.0)), [MEAN])["mean"]
    assert (mean.value, mean.low, mean.high) == (value, None, None)
    assert str(mean) == ("undefined (nothing to measure)" if value is None else "7")


def test_nan_is_undefined_with_its_reason_and_spares_other_metrics():
    data = np.ones((10, 2))
    data[3, 0] = np.nan
    metrics = measure(data, [MEAN._replace(undefined="not finite"), Measure("count", "higher", lambda s: s[..., 1])])
    assert metrics["mean"].value is None
    assert metrics["mean"].note == "not finite"
    assert (metrics["count"].value, metrics["count"].low) == (10.0, 10.0)


def test_ten_thousand_records_are_resampled_many_at_once():
    data = np.random.default_rng(6).normal(size=(10_000, 8))
    measures = [Measure(str(i), "higher", lambda s, i=i: s[..., i]) for i in range(8)]
    few, many = (python_calls(lambda rows=rows: measure(data[:rows], measures)) for rows in (100, 10_000))
    assert many < 10 * few


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40))
def test_every_step_has_a_stretch_of_its_own_record(lengths):
    first, steps, units = stretches(np.array(lengths))
    owner = np.full(units, -1)
    for record, length in enumerate(lengths):
        for position in range(max(1, length)):
            unit = first[record] + position // steps
            assert owner[unit] in (-1, record)
            owner[unit] = record
    assert (owner >= 0).all()
    if len(lengths) >= 30:
        assert units == len(lengths)


def test_one_long_recording_is_cut_into_a_hundred():
    assert stretches(np.array([10_000]))[1:] == (100, 100)


def test_adding_up():
    summed = add_up(np.array([1, 0, 1]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert summed.tolist() == [[3.0, 4.0], [6.0, 8.0]]


def test_mean_of_what_is_defined():
    with np.errstate(invalid="ignore"):
        means = mean_defined(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]))
    assert means[0] == 2.0
    assert np.isnan(means[1])


@given(st.lists(st.integers(-3, 5), min_size=1, max_size=60), st.integers(1, 4))
def test_records_of_a_group_are_drawn_together(groups, most):
    numbers = np.array(groups)
    unit = record_units(len(groups), numbers, most=most)
    assert set(unit.tolist()) == set(range(min(most, len(set(groups)))))
    for group in set(groups):
        assert len(set(unit[numbers == group].tolist())) == 1
    assert record_units(5).tolist() == [0, 1, 2, 3, 4]


def test_an_interval_over_groups_is_as_wide_as_their_means_differ():
    # Each of 200 subjects has one value 25 times over: 5,000 records that tell no more than 200.
    draw = np.random.default_rng(8)
    values = np.repeat(draw.normal(size=200), 25)
    subjects = np.repeat(np.arange(200), 25)
    truth = np.zeros((5000, 1), dtype=np.float32)
    alone = regression_metrics(truth, values[:, None].astype(np.float32))["mae"]
    grouped = regression_metrics(truth, values[:, None].astype(np.float32), groups=subjects)["mae"]
    assert grouped.value == pytest.approx(alone.value)
    means = np.abs(values[::25])
    wanted = stats.norm.interval(0.95, means.mean(), means.std(ddof=1) / np.sqrt(200))
    assert (grouped.low, grouped.high) == pytest.approx(wanted, rel=0.03)
    assert (alone.high - alone.low) * 4 < grouped.high - grouped.low


def groups_alike(score):
    """All metrics by groups of 2 copies of each record are those of single records: copies tell nothing new."""
    single, double = score(1), score(2)
    for name in single:
        assert double[name].value == pytest.approx(single[name].value), name
        assert (double[name].low, double[name].high) == pytest.approx((single[name].low, single[name].high)), name


def test_copies_of_records_in_one_group_do_not_narrow_an_interval():
    draw = np.random.default_rng(9)
    truth, shares = draw.integers(0, 3, 40), draw.dirichlet(np.ones(3), 40)
    many, chances = draw.random((40, 3)) < 0.4, draw.random((40, 3))
    tags = [draw.integers(0, 3, 5) for _ in range(40)]
    predicted = [np.where(draw.random(5) < 0.7, sequence, 0) for sequence in tags]
    events = [np.sort(draw.choice(100, 5, replace=False)) for _ in range(40)]
    heard = [recording + draw.integers(-2, 3, 5) for recording in events]
    heard = [np.sort(np.clip(recording, 0, 99)) for recording in heard]
    texts = ["".join(draw.choice(list("ab "), 6)) for _ in range(40)]
    written = ["".join(draw.choice(list("ab "), 6)) for _ in range(40)]

    def groups(times):
        return np.repeat(np.arange(40), times)

    def twice(values, times):
        return [value for value in values for _ in range(times)]

    groups_alike(lambda n: classification_metrics(np.repeat(truth, n), np.repeat(shares, n, axis=0), groups=groups(n)))
    groups_alike(
        lambda n: multilabel_metrics(np.repeat(many, n, axis=0), np.repeat(chances, n, axis=0), groups=groups(n))
    )
    groups_alike(
        lambda n: regression_metrics(np.repeat(chances, n, axis=0), np.repeat(shares, n, axis=0), groups=groups(n))
    )
    names = ["O", "B-X", "I-X"]
    groups_alike(lambda n: tagging_metrics(twice(tags, n), twice(predicted, n), names, groups=groups(n)))
    groups_alike(lambda n: event_metrics(twice(events, n), twice(heard, n), [100] * 40 * n, 1, groups=groups(n)))
    groups_alike(lambda n: transcription_metrics(twice(texts, n), twice(written, n), groups=groups(n)))
