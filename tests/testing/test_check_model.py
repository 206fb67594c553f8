"""Whole models keep the laws of layers: every causal family in every kind of network, and broken ones are caught."""

import functools
import itertools
import re
from typing import Any

import pytest
import torch
from broken_models import BROKEN, TOKENS, Classifier, Speaker, numbers_and_tokens, tokens
from torch import Tensor, nn

from checked_types import types_unchecked
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.models.records import InputSizes, RecordInputs, RecordNetwork
from unrolled.testing import LawViolation, check_model
from unrolled.testing.check import LAWS
from unrolled.testing.evaluation_modes import cut

FAMILIES: dict[str, dict[str, Any]] = {
    "rnn": {},
    "lstm": {},
    "gru": {},
    "transformer, rotary": {"positions": "rotary"},
    "transformer, learned": {"positions": "learned", "window": 3},
    "transformer, sinusoidal": {"positions": "sinusoidal"},
    "transformer, alibi": {"positions": "alibi", "window": 4},
    "transformer, no positions": {"positions": "none"},
    "convolution": {"kernel": 2},
    "inception": {"kernel": 2, "bidirectional": False},
    "feedforward": {},
}
KINDS = ["per step", "last", "mean", "max", "attention", "position-attention"]
INPUTS = ["numbers", "tokens", "numbers and tokens", "frames"]
FRAME = (4, 3)
LONGEST = 200
"""Steps of the long run: learned positions end somewhere."""
SIZES = {"batch_size": 2, "length": 8, "long_steps": LONGEST}

CHOSEN = [
    ("lstm", "per step", "numbers", 2),
    ("gru", "position-attention", "tokens", 1),
    ("transformer, learned", "per step", "numbers", 1),
    ("convolution", "max", "numbers", 1),
    ("inception", "last", "numbers", 1),
    ("feedforward", "attention", "frames", 1),
]
"""With `Classifier` every family, kind and sort of input, and several members, at least once; all combinations of them
are slow."""


def make_network(family: str, kind: str, inputs: str, members: int, **settings: Any) -> RecordNetwork:
    config = ModelConfig(
        family=family.split(",")[0],  # type: ignore[arg-type]
        layers=1,
        heads=2,
        kv_heads=2,
        members=members,
        pooling="auto" if kind == "per step" else kind,  # type: ignore[arg-type]
        **{"width": 8, "embedding_size": 3} | FAMILIES[family] | settings,
    )
    frame = FRAME if inputs == "frames" else None
    channels = 3 * FRAME[0] * FRAME[1] if frame else 2 * ("numbers" in inputs)
    tables = (TOKENS, 3) if "tokens" in inputs else ()
    torch.manual_seed(0)
    network = RecordNetwork(InputSizes(channels, tables, frame), 3, config, pooled=kind != "per step", steps=LONGEST)
    for parameter in network.parameters():  # a transformer begins as the identity
        if parameter.dim() == 2 and not parameter.any():
            nn.init.normal_(parameter, std=0.3)
    if "attention" in kind:  # scores that are zero but for rounding have no size to compare a difference with
        for member in network.members:
            member.pool.score[2].bias.data.add_(1.0)
    return network.eval()


def make_inputs(network: RecordNetwork, batch_size: int, length: int, generator: torch.Generator) -> RecordInputs:
    channels, tables, _ = network.inputs
    numbers = torch.randn(batch_size, length, channels, generator=generator) if channels else None
    columns = [torch.randint(0, table, (batch_size, length), generator=generator) for table in tables]
    return RecordInputs(numbers, torch.stack(columns, dim=-1) if columns else None)


def check(network: RecordNetwork, laws: list[str] | None = None) -> None:
    draw = functools.partial(make_inputs, network)
    check_model(network, draw, laws=["state"], **SIZES)
    with types_unchecked():
        checked = check_model(
            network,
            draw,
            batch_size=2,
            length=max(8, (network.receptive_field or 0) + 2, 2 * network.latency + 2),
            long_steps=LONGEST,
            tolerance=1e-4,
            laws=laws,
        )
    assert all(result.cases for result in checked)


@pytest.mark.parametrize(("family", "kind", "inputs", "members"), CHOSEN)
def test_networks_of_records_keep_every_law(family: str, kind: str, inputs: str, members: int) -> None:
    check(make_network(family, kind, inputs, members))


def test_a_network_that_waits_keeps_every_law() -> None:
    network = make_network("rnn", "per step", "numbers", 1, lookahead=3)
    assert network.latency == 3
    check(network, laws=["mask", "reset", "causality", "state"])


def test_what_was_chosen_holds_everything_once() -> None:
    classifier = ("rnn", "mean", "numbers and tokens", 1)
    families, kinds, inputs, members = (set(column) for column in zip(classifier, *CHOSEN, strict=True))
    assert {family.split(",")[0] for family in families} == {family.split(",")[0] for family in FAMILIES}
    assert (kinds, inputs, members) == (set(KINDS), set(INPUTS), {1, 2})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind"),
    [(family, kind) for number, family in enumerate(FAMILIES) for kind in (KINDS[0], KINDS[1 + number % 5])],
)
def test_all_families_keep_every_law_per_step_and_pooled(family: str, kind: str) -> None:
    """But for the exported step, which is slow and held by those that were chosen. A kind of pooling reads only what a
    family gives out, so each family meets one of them here, and each kind two families; that all of them agree in all
    forms is tested below."""
    check(make_network(family, kind, "numbers and tokens", 1), [law for law in LAWS if law != "export"])


def language_network(**settings: Any) -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(TOKENS, ModelConfig(layers=1, width=8, heads=2, kv_heads=2, embedding_size=8, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"family": "lstm", "embedding": "one-hot"},
        {"family": "transformer", "positions": "rotary", "window": 3, "tie_weights": True},
    ],
)
def test_language_networks_keep_every_law(settings: dict[str, Any]) -> None:
    check_model(language_network(**settings), tokens, **SIZES)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["rnn", "gru", "convolution", "feedforward"])
def test_language_networks_of_the_other_families_keep_every_law(family: str) -> None:
    network = language_network(family=family, kernel=2 if family == "convolution" else None)
    with types_unchecked():
        check_model(network, tokens, laws=[law for law in LAWS if law != "export"], **SIZES)


@pytest.mark.parametrize(
    ("family", "kind", "lookahead"),
    [*((family, kind, None) for family, kind in itertools.product(FAMILIES, KINDS)), ("gru", "per step", 2)],
)
def test_all_forms_of_a_network_agree(family: str, kind: str, lookahead: int | None) -> None:
    """In rows of several records with holes: in one chunk, step by step, and what training computes at once."""
    network = make_network(family, kind, "numbers and tokens", 2, lookahead=lookahead)
    generator = torch.Generator().manual_seed(1)
    inputs = make_inputs(network, 3, 9, generator)
    mask, reset = torch.rand(3, 9, generator=generator) < 0.7, torch.rand(3, 9, generator=generator) < 0.3
    with torch.no_grad():
        at_once, _ = network(inputs, mask=mask, reset=reset)
        state, steps = network.initial_state(3), []
        for t in range(9):
            y, state = network.step(cut(inputs, t), state, mask=mask[:, t], reset=reset[:, t])
            steps.append(y)
        torch.testing.assert_close(torch.stack(steps, 1), at_once, rtol=1e-4, atol=1e-5)
        answers = network.answers(inputs, mask=mask, reset=reset).movedim(0, -2)
    rows, ends = ends_of_records(mask, reset)
    assert len(rows) > 5
    wanted = at_once[rows, ends] if network.pooled else at_once[mask]
    torch.testing.assert_close(answers if network.pooled else answers[mask], wanted, rtol=1e-4, atol=1e-5)


def ends_of_records(mask: Tensor, reset: Tensor) -> tuple[Tensor, Tensor]:
    """Row and last real step of every record that has one."""
    places: list[tuple[int, int]] = []
    for row in range(len(mask)):
        last = None
        for step in range(mask.shape[1]):
            if reset[row, step] and last is not None:
                places.append((row, last))
                last = None
            last = step if mask[row, step] else last
        places += [(row, last)] if last is not None else []
    rows, steps = torch.tensor(places).T
    return rows, steps


def test_a_network_that_needs_the_whole_record_keeps_the_laws_that_concern_it() -> None:
    network = make_network("gru", "mean", "numbers", 2, bidirectional=True)
    checked = check_model(network, lambda *sizes: make_inputs(network, *sizes), **SIZES)
    assert {result.law for result in checked if not result.cases} == {"chunking", "export"}
    assert network.initial_state(2) == ()


@pytest.mark.parametrize(("model", "make"), [(Classifier, numbers_and_tokens), (Speaker, tokens)])
def test_what_the_broken_models_break_is_whole(model: Any, make: Any) -> None:
    torch.manual_seed(0)
    assert [result.law for result in check_model(model(), make, **SIZES)] == list(LAWS)


@pytest.mark.parametrize(("kind", "law", "words"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_model_is_caught_by_the_right_law(kind: Any, law: str, words: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(LawViolation) as raised:
        check_model(kind(), kind.make_inputs, laws=[law], **SIZES)
    assert raised.value.law == law
    message = str(raised.value)
    assert message.startswith(f"{kind.__name__} breaks the law of {law}\n")
    assert re.search(words, message, re.DOTALL), message


def test_every_law_has_a_broken_model() -> None:
    assert {law for _, law, _ in BROKEN} == set(LAWS)
