import copy
import re

import numpy as np
import pytest
import torch
from broken_layers import BROKEN, DecaysUnderPadding, MultipliesByTheMask, PrefillDiffersFromStep
from sample_layers import GOOD, WIDTH, Backwards, Leaky, Pair, Pointwise, TwoBackends
from torch import nn

from unrolled.testing.check import LAWS, check_layer
from unrolled.testing.failure import LawViolation


def build(kind):
    torch.manual_seed(0)
    return kind()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_layer_keeps_every_law(name):
    checked = check_layer(build(GOOD[name]), long_steps=2_000 if name == "convolution" else 300)
    assert [result.law for result in checked] == list(LAWS)
    layer = build(GOOD[name])
    unchecked = {result.law for result in checked if result.cases == 0}
    assert unchecked == (set() if layer.supports_step else {"chunking", "export"})


@pytest.mark.parametrize(("name", "seed"), [("leaky", 1), ("convolution", 2), ("delayed", 3)])
def test_a_good_layer_keeps_every_law_for_other_seeds_and_sizes(name, seed):
    check_layer(build(GOOD[name]), seed=seed, batch_size=1 + seed, length=8 + seed, long_steps=50)


def test_a_good_layer_in_float64_keeps_every_law():
    check_layer(build(GOOD["delayed"]).double(), long_steps=50)


@pytest.mark.parametrize(("kind", "law", "words"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_layer_is_caught_by_the_right_law(kind, law, words):
    with pytest.raises(LawViolation) as raised:
        check_layer(build(kind), laws=[law], long_steps=2000)
    assert raised.value.law == law
    message = str(raised.value)
    assert message.startswith(f"{kind.__name__} breaks the law of {law}\n  {law}: ")
    assert re.search(words, message, re.DOTALL), message


@pytest.mark.parametrize(
    ("kind", "law"), [(PrefillDiffersFromStep, "chunking"), (DecaysUnderPadding, "mask"), (MultipliesByTheMask, "mask")]
)
def test_all_laws_together_name_the_one_that_is_broken(kind, law):
    with pytest.raises(LawViolation, match=f"breaks the law of {law}"):
        check_layer(build(kind), long_steps=50)


def test_every_law_has_a_broken_layer():
    assert {law for _, law, _ in BROKEN} == set(LAWS)


def test_the_message_says_what_where_and_how_much():
    with pytest.raises(LawViolation) as raised:
        check_layer(build(DecaysUnderPadding))
    lines = str(raised.value).splitlines()
    assert lines[0] == "DecaysUnderPadding breaks the law of mask"
    assert lines[1] == "  mask: right pads, from no state"
    assert re.fullmatch(
        r"  final state leaf `hidden` differs from each row alone with its absent steps removed: "
        r"largest difference [\d.e-]+ at \[row \d, \d\] \(found \S+, expected \S+, allowed \S+\)",
        lines[2],
    )


def test_the_same_seed_gives_the_same_violation_also_alone():
    def message(**settings):
        with pytest.raises(LawViolation) as raised:
            check_layer(build(DecaysUnderPadding), **settings)
        return str(raised.value)

    assert message(seed=3) == message(seed=3, laws=["mask"]) != message(seed=4)


def zero_output(layer):
    nn.init.zeros_(layer.project.weight)
    return layer


def test_a_projection_of_zeros_does_not_hide_a_broken_law_and_is_zero_again_afterwards():
    layer = zero_output(build(DecaysUnderPadding))
    nn.init.zeros_(layer.project.bias)
    with pytest.raises(LawViolation, match="mask"):
        check_layer(layer, laws=["mask"])
    assert not layer.project.weight.any()
    assert not layer.project.bias.any()
    check_layer(zero_output(build(Leaky)), laws=["causality"])


@pytest.mark.parametrize("kind", [TwoBackends, DecaysUnderPadding])
def test_the_layer_and_the_random_numbers_are_as_before(kind):
    layer = build(lambda: Pair(kind(), Pointwise(WIDTH)))
    layer.train()
    layer.second.eval()
    layer.first.backend = "powers"
    before = copy.deepcopy(layer.state_dict())
    layer(torch.randn(2, 5, 3))[0].sum().backward()
    gradients = [p.grad.clone() for p in layer.parameters()]
    random_states = torch.get_rng_state(), np.random.get_state()[1].tolist()
    try:
        check_layer(layer, long_steps=50)
    except LawViolation:
        assert kind is DecaysUnderPadding
    assert (layer.training, layer.first.training, layer.second.training) == (True, True, False)
    assert layer.first.backend == "powers"
    assert "backend" not in vars(layer)
    assert "backend" not in vars(layer.second)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(layer.parameters(), gradients, strict=True))
    assert torch.equal(torch.get_rng_state(), random_states[0])
    assert np.random.get_state()[1].tolist() == random_states[1]


def test_dropout_is_off_and_layers_may_use_random_numbers_in_training():
    class Dropped(Leaky):
        def cell(self, x, state):
            return super().cell(nn.functional.dropout(x, 0.5, self.training), state)

    layer = build(Dropped)
    layer.train()
    check_layer(layer, laws=["chunking", "state"])


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu")])
def test_the_modes_of_the_caller_do_not_matter(context):
    layer = build(Leaky)
    with context():
        check_layer(layer, laws=["chunking", "reset", "causality", "backends"])


def test_frozen_parameters_are_left_frozen():
    layer = build(Leaky)
    layer.decay_logit.requires_grad_(False)
    check_layer(layer, laws=["chunking", "backends"])
    assert not layer.decay_logit.requires_grad


def test_an_error_of_the_layer_is_told_with_the_case_it_came_from():
    class Refuses(Leaky):
        def cell(self, x, state):
            if len(x) == 1:
                raise RuntimeError("one row is not enough")
            return super().cell(x, state)

    with pytest.raises(LawViolation, match="the layer raised RuntimeError: one row is not enough") as raised:
        check_layer(build(Refuses), laws=["mask"])
    assert isinstance(raised.value.__cause__, RuntimeError)
    assert raised.value.case == "right pads, from no state"


def test_a_stated_tolerance_is_used():
    layer = build(PrefillDiffersFromStep)
    check_layer(layer, laws=["chunking"], tolerance=0.01)
    with pytest.raises(LawViolation, match="allowed"):
        check_layer(layer, laws=["chunking"], tolerance=1e-4)


def test_the_input_size_may_differ_from_the_declared_one():
    layer = build(Leaky)
    layer.input_size = None
    check_layer(layer, input_size=3, laws=["rows"])


def test_a_layer_that_needs_the_whole_sequence_is_free_of_two_laws():
    checked = {result.law: result.cases for result in check_layer(build(Backwards), long_steps=50)}
    assert checked["chunking"] == checked["export"] == 0
    assert checked["mask"] > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"laws": ["chunking", "speed"]}, "'speed', which is not a law; choose from chunking, mask"),
        ({"batch_size": 1}, "batch_size is 1, it must be at least 2"),
        ({"length": 3}, "length is 3, it must be at least 8"),
        ({"long_steps": 0}, "long_steps is 0, it must be at least 1"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_layer(build(Leaky), **settings)
