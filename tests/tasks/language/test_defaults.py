"""What is given is kept, what is chosen is complete, and choosing twice changes nothing."""

from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.defaults import choose
from unrolled.training.applicable import RULES, Situation
from unrolled.training.config import TrainConfig

MAY_STAY_OPEN = {"forget_bias", "window", "embedding_size", "heads", "kv_heads", "cache", "bidirectional", "causal"}
MAY_STAY_AUTO = {"vocabulary", "precision", "positions"}  # chosen by the text, the device, or no matter (recurrent)


LANGUAGE = Situation("language", "lstm", frozenset({"text"}))


def chosen(model: dict, data: dict, train: dict, tokens: int, vocabulary: int) -> Any:
    return choose(
        DataConfig(**data), ModelConfig(**model), TrainConfig(**train), tokens=tokens, vocabulary_size=vocabulary
    )


@st.composite
def wishes(draw: st.DrawFn) -> tuple[dict, dict, dict, int, int]:
    def some(**options: st.SearchStrategy) -> dict:
        return {name: draw(option) for name, option in options.items() if draw(st.booleans())}

    model = some(
        family=st.sampled_from(["auto", "rnn", "lstm", "gru", "transformer"]),
        layers=st.integers(1, 3),
        width=st.sampled_from([8, 32, 96]),
        embedding=st.sampled_from(["learned", "one-hot"]),
        dropout=st.sampled_from([0.0, 0.3]),
    )
    data = some(context=st.integers(1, 50), carry=st.booleans())
    train = some(
        batch_size=st.integers(1, 9),
        optimizer=st.sampled_from(["auto", "adamw", "muon"]),
        schedule=st.sampled_from(["auto", "cosine", "constant", "wsd"]),
        learning_rate=st.sampled_from([0.1, 1e-4]),
        weight_decay=st.sampled_from([0.0, 0.2]),
        warmup_steps=st.integers(0, 5),
        max_steps=st.integers(1, 9),
    )
    return model, data, train, draw(st.sampled_from([2, 50, 10_000, 10**7])), draw(st.sampled_from([2, 90, 5000]))


@given(wishes())
def test_choices_are_complete_kept_and_final(wish: tuple) -> None:
    model, data, train, tokens, vocabulary = wish
    configs = chosen(*wish)
    for config, given_values in zip(configs, (data, model, train), strict=True):
        for name, value in given_values.items():
            assert value == "auto" or getattr(config, name) == value
    again = choose(*configs, tokens=tokens, vocabulary_size=vocabulary)
    assert [asdict(config) for config in again] == [asdict(config) for config in configs]
    for config, optional in ((configs[0], MAY_STAY_OPEN), (configs[1], MAY_STAY_OPEN)):
        open_ones = {field.name for field in fields(config) if getattr(config, field.name) is None}
        # What is for records (see `applicable`) stays as it is.
        elsewhere = {name.split(".")[1] for name, rule in RULES.items() if not rule.holds(LANGUAGE)}
        assert open_ones <= optional | elsewhere
        autos = {field.name for field in fields(config) if getattr(config, field.name) == "auto"}
        assert autos <= MAY_STAY_AUTO | elsewhere
    final = configs[2]
    needed = (final.batch_size, final.learning_rate, final.weight_decay, final.warmup_steps)
    assert None not in needed
    assert "auto" not in (final.optimizer, final.schedule)
    assert any(limit is not None for limit in (final.max_steps, final.max_epochs, final.max_time))


@given(wishes())
def test_what_is_chosen_can_be_built(wish: tuple) -> None:
    data, model, _ = chosen(*wish)
    if model.width <= 96:
        LanguageNetwork(min(wish[-1], 90), model, context=data.context)


@pytest.mark.parametrize(
    "model", [{"window": None}, {"window": 8, "positions": "learned"}, {"window": 8, "positions": "sinusoidal"}]
)
def test_streams_need_a_transformer_that_can_run_for_ever(model: dict) -> None:
    with pytest.raises(
        UserError, match=r"add --model.window 64 and --model.positions rotary, or use --data.feed windows"
    ):
        chosen({"family": "transformer", **model}, {"feed": "streams"}, {}, 1000, 50)


def test_a_short_text_gets_a_small_batch() -> None:
    data, _, train = chosen({}, {}, {}, 40, 20)
    assert train.batch_size * data.context <= 40


def test_tied_weights_need_the_width() -> None:
    _, model, _ = chosen({"embedding_size": 16, "width": 32}, {}, {}, 10**6, 5000)
    assert model.tie_weights is False
    _, model, _ = chosen({"width": 32}, {}, {}, 10**6, 5000)
    assert (model.tie_weights, model.embedding_size) == (True, 32)
