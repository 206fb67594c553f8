"""The rules for records: what is given is kept, and every rule at its border."""

from dataclasses import asdict, replace
from itertools import product

import pytest

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.defaults import FEW, FEW_ALIGNED, LONG, LONGEST_KERNEL, SHORT, Facts, choose_for_records
from unrolled.training.config import TrainConfig

SERIES = Facts("classify", records=100, steps=150, channels=1, tokens=False, signal=False)
WORDS = Facts("classify", records=8000, steps=40, channels=0, tokens=True, signal=False, embeds=True)
DNA = WORDS._replace(records=2500, steps=60, aligned=True)


def chosen(facts: Facts, **given: object) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """With settings of any of the three configurations."""
    made = []
    for kind in (DataConfig, ModelConfig, TrainConfig):
        mine = {name: value for name, value in given.items() if name in kind.__dataclass_fields__}
        made.append(kind(**mine))
    return choose_for_records(*made, facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("facts", [SERIES, WORDS, DNA, SERIES._replace(task="regress"), SERIES._replace(steps=1)])
def test_what_is_given_is_kept_and_what_was_chosen_is_chosen_again(facts: Facts) -> None:
    given = {
        "augment": "none",
        "family": "convolution",
        "layers": 3,
        "width": 40,
        "kernel": 5,
        "pooling": "max",
        "dropout": 0.0,
        "members": 2,
        "bidirectional": False,
        "batch_size": 7,
        "learning_rate": 0.5,
        "weight_decay": 0.0,
        "warmup_steps": 0,
        "max_steps": 9,
    }
    data, model, train = chosen(facts, **given)
    settings = asdict(data) | asdict(model) | asdict(train)
    assert {name: settings[name] for name in given} == given
    assert train.max_epochs is None
    assert train.max_time is None
    once = chosen(facts)
    assert choose_for_records(*once, facts) == once


@pytest.mark.parametrize(
    ("facts", "family", "pooling"),
    [
        (SERIES, "inception", "mean"),
        (SERIES._replace(steps=1), "feedforward", "mean"),
        (WORDS, "lstm", "attention"),
        (DNA, "convolution", "position-attention"),
        (DNA._replace(steps=1), "feedforward", "mean"),
        (DNA._replace(task="tag"), "lstm", "auto"),
        (SERIES._replace(task="transcribe", signal=True), "lstm", "auto"),
        (SERIES._replace(task="tag"), "gru", "auto"),
        (SERIES._replace(task="tag", signal=True), "inception", "auto"),
    ],
)
def test_the_family_follows_from_the_kind_of_steps(facts: Facts, family: str, pooling: str) -> None:
    _, model, _ = chosen(facts)
    assert (model.family, model.pooling) == (family, pooling)


@pytest.mark.parametrize(
    ("steps", "kernel"), [(2, 1), (3, 1), (24, 12), (79, 39), (80, LONGEST_KERNEL), (5000, LONGEST_KERNEL)]
)
def test_a_kernel_is_at_most_half_of_a_record(steps: int, kernel: int) -> None:
    _, model, _ = chosen(SERIES._replace(steps=steps))
    assert model.kernel == kernel


def test_short_records_are_varied_by_noise_alone() -> None:
    def variation(facts: Facts) -> str:
        return chosen(facts)[0].augment

    assert variation(SERIES._replace(steps=SHORT - 1)) == "noise"
    assert variation(SERIES._replace(steps=SHORT)) == "signal"
    assert variation(SERIES._replace(steps=1)) == "none"
    assert variation(SERIES._replace(task="tag", steps=10)) == "signal"
    # Texts have nothing to vary, and a setting without effect is refused where it is given.
    assert variation(WORDS) == "auto"


def test_networks_vote_where_records_are_few() -> None:
    def members(facts: Facts) -> int | None:
        return chosen(facts)[1].members

    assert members(SERIES._replace(records=FEW - 1)) == 5
    assert members(SERIES._replace(records=FEW - 1, steps=LONG // 2)) == 2
    assert members(SERIES._replace(records=FEW - 1, steps=2 * LONG)) == 1
    assert members(SERIES._replace(records=FEW)) == 1
    assert members(DNA._replace(records=FEW_ALIGNED - 1)) == 3
    assert members(DNA._replace(records=FEW_ALIGNED)) == 1
    assert members(WORDS._replace(records=50)) == 1
    assert members(SERIES._replace(task="tag")) == 1


def test_training_has_enough_updates_and_no_fewer_than_ten_passes() -> None:
    for facts, count in product((SERIES, WORDS, DNA), (1, 30, 67, 999, 1000, 5000, 100_000)):
        _, _, train = chosen(facts._replace(records=count))
        assert train.batch_size is not None
        assert train.max_epochs is not None
        assert 10 <= train.max_epochs <= 300
        updates = train.max_epochs * -(-count // train.batch_size)
        assert train.max_epochs in (10, 300) or updates >= 350
    assert chosen(SERIES._replace(records=FEW - 1))[2].batch_size == 16
    assert chosen(SERIES._replace(records=FEW))[2].batch_size == 32


def test_labels_of_series_are_smoothed_where_that_has_an_effect() -> None:
    assert chosen(SERIES)[2].label_smoothing == 0.1
    assert chosen(SERIES, label_smoothing=0.0)[2].label_smoothing == 0.0
    for facts in (WORDS, DNA, SERIES._replace(multilabel=True), SERIES._replace(task="regress")):
        assert chosen(facts)[2].label_smoothing is None


@pytest.mark.parametrize(
    ("given", "feed"),
    [
        ({"bidirectional": False}, "streams"),
        ({"lookahead": 9}, "streams"),
        ({}, "windows"),
        ({"family": "feedforward"}, "windows"),
        ({"family": "transformer", "bidirectional": False}, "windows"),
        ({"family": "transformer", "bidirectional": False, "window": 9}, "streams"),
        ({"feed": "streams"}, "streams"),
    ],
)
def test_long_records_with_an_answer_per_step_are_streams_where_a_state_can_be_carried(given: dict, feed: str) -> None:
    facts = SERIES._replace(task="tag", cut=True)
    assert chosen(facts, **given)[0].feed == feed
    if "feed" not in given:
        assert chosen(facts._replace(cut=False), **given)[0].feed == "windows"
        assert chosen(facts._replace(task="classify"), **given)[0].feed == "auto"
    assert chosen(facts, bidirectional=False, feed="windows")[0].feed == "windows"


def test_facts_alone_decide() -> None:
    """Nothing here knows the name of a data set, a class or a field."""
    assert set(Facts._fields) == {
        "task", "records", "steps", "channels", "tokens", "signal", "embeds", "aligned", "multilabel", "cut",
    }  # fmt: skip
    assert replace(chosen(SERIES)[1]) == chosen(SERIES._replace(channels=9))[1]
