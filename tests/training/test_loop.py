"""What one update is, and when training ends."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional

from unrolled.data.feeds.text_feeds import NO_TARGET, Batch
from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.evaluate import Evaluation
from unrolled.tasks.language.train import LanguageObjective
from unrolled.training import loop
from unrolled.training.config import TrainConfig
from unrolled.training.interruption import Interruption
from unrolled.training.limits import Limits, parse_duration
from unrolled.training.loop import Position, Training, accumulate_gradients, ended, train
from unrolled.training.optimizers import make_optimizers
from unrolled.training.precision import autocast
from unrolled.training.progress import Progress

VOCABULARY, ROWS, TIME = 7, 6, 5


@dataclass
class GivenFeed:
    """Given batches, over and over."""

    batches: list[Batch]

    @property
    def batches_per_epoch(self) -> int:
        return len(self.batches)

    def batch(self, index: int) -> Batch:
        return self.batches[index % len(self.batches)]


def random_batch(rows: int = ROWS, *, ragged: bool = True, fresh: bool = True, seed: int = 0) -> Batch:
    draw = np.random.default_rng(seed)
    inputs, targets = draw.integers(0, VOCABULARY, (2, rows, TIME))
    if not ragged:
        return Batch(inputs, targets, None, None, fresh)
    mask = np.arange(TIME) < draw.integers(1, TIME + 1, (rows, 1))
    reset = draw.random((rows, TIME)) < 0.2
    targets = np.where(draw.random((rows, TIME)) < 0.3, NO_TARGET, targets)
    return Batch(inputs, np.where(mask, targets, NO_TARGET), mask, reset & mask, fresh)


def rows_of(batch: Batch, rows: slice) -> Batch:
    cut = [None if part is None else part[rows] for part in (batch.inputs, batch.targets, batch.mask, batch.reset)]
    return Batch(*cut, batch.fresh)  # type: ignore[arg-type]


def make_network(family: str = "lstm", **settings: Any) -> LanguageNetwork:
    torch.manual_seed(0)
    config = ModelConfig(family=family, layers=1, width=8, heads=2, positions="rotary", embedding_size=8, dropout=0.0)
    for name, value in settings.items():
        setattr(config, name, value)
    network = LanguageNetwork(VOCABULARY, config, context=TIME)
    torch.nn.init.normal_(network.head.weight, std=0.5)
    return network


def make_training(
    network: LanguageNetwork,
    batches: list[Batch],
    *,
    carry: bool = False,
    validate: Callable[[], float] = lambda: 1.0,
    **settings: Any,
) -> tuple[Training, SimpleNamespace]:
    config = TrainConfig(**{"learning_rate": 0.05, "schedule": "constant", "weight_decay": 0.0, **settings})
    seen = SimpleNamespace(records=[], best=[], checkpoints=[])
    context = autocast("32", torch.device("cpu"))
    run = Training(
        network=network,
        objective=LanguageObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
        optimizers=make_optimizers(network, "adamw", config.learning_rate or 0.0, config.weight_decay or 0.0),
        feed=GivenFeed(batches),
        config=config,
        carry=carry,
        accelerator=Accelerator(),
        progress=Progress(silent=True),
        validate=lambda: Evaluation(validate(), 1, None, "", 0.0),
        save_best=lambda position, scores: seen.best.append((position.step, scores.loss)),
        checkpoint=lambda training: seen.checkpoints.append(training.position.step),
        record=seen.records.append,
        bytes_per_token=None,
    )
    return run, seen


def gradients(network: LanguageNetwork) -> dict[str, Tensor]:
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}  # type: ignore[union-attr]


def gradients_by_hand(network: LanguageNetwork, batch: Batch) -> tuple[float, dict[str, Tensor]]:
    """Mean cross entropy over the real targets, one row and one step at a time."""
    network.zero_grad()
    losses = []
    for row in range(len(batch.inputs)):
        state = network.initial_state(1)
        for t in range(TIME):
            if batch.mask is not None and not batch.mask[row, t]:
                continue
            if batch.reset is not None and batch.reset[row, t]:
                state = network.initial_state(1)
            logits, state = network.step(torch.tensor([batch.inputs[row, t]]), state)
            if batch.targets[row, t] != NO_TARGET:
                losses.append(-logits.log_softmax(-1)[0, batch.targets[row, t]])
    loss = torch.stack(losses).mean()
    loss.backward()
    return loss.item(), gradients(network)


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("ragged", [False, True])
def test_the_loss_is_per_real_token_however_the_update_is_cut(family: str, ragged: bool) -> None:
    batch = random_batch(ragged=ragged)
    network = make_network(family)
    expected_loss, expected = gradients_by_hand(network, batch)
    count = int((batch.targets != NO_TARGET).sum())
    for cuts in (
        [slice(0, 6)],
        [slice(0, 3), slice(3, 6)],
        [slice(0, 1), slice(1, 6)],
        [slice(0, 2), slice(2, 4), slice(4, 6)],
    ):
        run, _ = make_training(network, [rows_of(batch, cut) for cut in cuts], accumulate=len(cuts))
        network.zero_grad()
        loss, tokens = accumulate_gradients(run)
        assert tokens == count
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        for name, gradient in gradients(network).items():
            torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6, msg=name)
        assert run.position.batch == len(cuts)


def test_a_batch_without_any_target_weighs_nothing() -> None:
    batch = random_batch()
    nothing = batch._replace(targets=np.full_like(batch.targets, NO_TARGET))
    network = make_network()
    expected_loss, expected = gradients_by_hand(network, batch)
    run, _ = make_training(network, [batch, nothing], accumulate=2)
    network.zero_grad()
    loss, _ = accumulate_gradients(run)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for name, gradient in gradients(network).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6)


def test_rows_that_have_all_ended_give_every_weight_a_gradient_and_keep_the_state() -> None:
    network = make_network()
    objective = LanguageObjective(network, label_smoothing=0.0, autocast=autocast("32", torch.device("cpu")))
    _, before = network(torch.randint(VOCABULARY, (2, 3)))
    before = states.detach(before)
    absent = torch.zeros(2, 1, dtype=torch.bool)
    inputs, targets = torch.zeros(2, 1, dtype=torch.long), torch.full((2, 1), NO_TARGET)
    loss, after = objective(Batch(inputs, targets, absent, None, False), before)  # type: ignore[arg-type]
    loss.backward()
    assert loss.item() == 0
    assert all(
        torch.equal(leaf, other) for leaf, other in zip(states.leaves(before), states.leaves(after), strict=True)
    )
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in network.parameters())


def test_carried_state_is_truncated_backpropagation() -> None:
    """Two chunks with the state carried: the forward pass of the whole, the backward pass of each chunk alone."""
    network = make_network()
    first, second = random_batch(ragged=False), random_batch(ragged=False, fresh=False, seed=1)
    run, _ = make_training(network, [first, second], carry=True, accumulate=2)
    loss, _ = accumulate_gradients(run)
    accumulated = gradients(network)

    network.zero_grad()
    _, state = network(torch.from_numpy(first.inputs))
    state = states.detach(state)
    total = torch.zeros(())
    for batch, before in ((first, None), (second, state)):
        logits, _ = network(torch.from_numpy(batch.inputs), before)
        total = total + functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten())
    (total / 2).backward()
    assert loss == pytest.approx(total.item() / 2, rel=1e-5)
    for name, gradient in gradients(network).items():
        torch.testing.assert_close(accumulated[name], gradient, rtol=1e-4, atol=1e-6)

    run, _ = make_training(network, [first, second], carry=False, accumulate=2)
    dropped, _ = accumulate_gradients(run)
    assert dropped != pytest.approx(loss, rel=1e-4)
    assert run.state is None


def test_a_fresh_batch_forgets_the_state() -> None:
    network = make_network()
    batch = random_batch(ragged=False)
    run, _ = make_training(network, [batch], carry=True)
    loss, _ = accumulate_gradients(run)
    other, _ = accumulate_gradients(run)
    assert loss == other
    run, _ = make_training(network, [batch._replace(fresh=False)], carry=True)
    accumulate_gradients(run)
    assert accumulate_gradients(run)[0] != loss


def test_label_smoothing_reaches_the_loss() -> None:
    network = make_network()
    batch = random_batch(ragged=False)
    run, _ = make_training(network, [batch], label_smoothing=0.3)
    loss, _ = accumulate_gradients(run)
    log_probabilities = network(torch.from_numpy(batch.inputs))[0].log_softmax(-1)
    right = log_probabilities.gather(-1, torch.from_numpy(batch.targets)[..., None]).mean()
    assert loss == pytest.approx(-(0.7 * right + 0.3 * log_probabilities.mean()).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "largest"), [({"clip_value": 1e-4, "clip_norm": None}, 1e-4), ({"clip_norm": 1e-3}, 1e-3)]
)
def test_gradients_are_clipped_before_the_update(settings: dict, largest: float) -> None:
    network = make_network()
    run, seen = make_training(network, [random_batch()], max_steps=1, **settings)
    run.optimizers = [torch.optim.SGD([{"params": list(network.parameters()), "initial_lr": 1.0}], lr=1.0)]
    before = [parameter.detach().clone() for parameter in network.parameters()]
    train(run, Interruption())
    moved = torch.cat([(new.detach() - old).flatten() for new, old in zip(network.parameters(), before, strict=True)])
    size = moved.abs().max() if "clip_value" in settings else moved.norm()
    assert size.item() == pytest.approx(largest, rel=1e-2)
    assert seen.records[0]["gradient_norm"] > largest, "the norm is logged as it was before"


@pytest.mark.parametrize(
    ("limit", "steps"), [({"max_steps": 7}, 7), ({"max_epochs": 2.5}, 10), ({"max_steps": 9, "max_epochs": 2.0}, 8)]
)
def test_limits(limit: dict, steps: int) -> None:
    batches = [random_batch(seed=seed) for seed in range(4)]
    run, seen = make_training(make_network(), batches, **limit)
    assert train(run, Interruption()) == "done"
    assert run.position.step == steps
    assert seen.checkpoints[-1] == steps
    assert seen.records[-1]["step"] == steps


def test_a_limit_of_epochs_counts_batches_not_updates() -> None:
    run, _ = make_training(make_network(), [random_batch()] * 4, max_epochs=2.0, accumulate=2)
    train(run, Interruption())
    assert (run.position.step, run.position.batch) == (4, 8)


def test_a_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 0.01)  # seconds pass as it is looked at
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    run, seen = make_training(make_network(), [random_batch()], max_time="3s")
    assert train(run, Interruption()) == "done"
    assert 3 <= run.position.elapsed < 3.1
    assert len([record for record in seen.records if record["kind"] == "validation"]) >= 2


def test_a_run_validates_twelve_times() -> None:
    run, seen = make_training(make_network(), [random_batch()], max_steps=120)
    train(run, Interruption())
    steps = [record["step"] for record in seen.records if record["kind"] == "validation"]
    assert steps == list(range(10, 121, 10))


def test_patience_and_the_best() -> None:
    losses = iter([5.0, 3.0, 4.0, 3.5, 3.2, 1.0])
    run, seen = make_training(
        make_network(), [random_batch()], max_steps=100, validate_every=2, patience=3, validate=lambda: next(losses)
    )
    assert train(run, Interruption()) == "stopped early: 3 validations without a better loss"
    assert seen.best == [(2, 5.0), (4, 3.0)]
    assert (run.position.best_step, run.position.best, run.position.step) == (4, 3.0, 10)
    assert seen.checkpoints[-1] == 10


def test_interruption_finishes_the_step_and_saves() -> None:
    run, seen = make_training(make_network(), [random_batch()], max_steps=100)
    interruption = Interruption()
    interruption.ask(2, None)
    assert train(run, interruption) == "interrupted"
    assert seen.checkpoints == [1]


def test_each_record_is_the_mean_since_the_one_before() -> None:
    batches = [random_batch(seed=seed) for seed in range(20)]
    run, seen = make_training(make_network(), batches, max_steps=20, learning_rate=1e-9)
    train(run, Interruption())
    records = [record for record in seen.records if record["kind"] == "train"]
    network = make_network()
    for number, record in enumerate(records):
        total = count = 0.0
        for batch in batches[10 * number : 10 * number + 10]:
            part = int((batch.targets != NO_TARGET).sum())
            loss, _ = gradients_by_hand(network, batch)
            total, count = total + loss * part, count + part
        assert record["loss"] == pytest.approx(total / count, rel=1e-4)
    assert records[-1]["tokens"] == sum(int((batch.targets != NO_TARGET).sum()) for batch in batches)


def poison(network: LanguageNetwork, at: int) -> None:
    """The loss is no number in the forward pass number `at`."""
    real, calls = network.token_losses, iter(range(1, 1000))

    def token_losses(*arguments: Any, **options: Any) -> Any:
        loss, *rest = real(*arguments, **options)
        return (loss * math.nan if next(calls) == at else loss), *rest

    network.token_losses = token_losses  # type: ignore[method-assign]


def test_a_loss_that_is_no_number_stops_training_before_the_update() -> None:
    network = make_network()
    run, seen = make_training(network, [random_batch()], max_steps=20, checkpoint_every=2, validate_every=3)
    poison(network, 6)
    with pytest.raises(UserError) as caught:
        train(run, Interruption())
    sentence = str(caught.value)
    assert sentence.startswith("the loss became nan at step 6 (first in the gradient of embedding.weight)")
    assert "the best model so far (step 3) is kept" in sentence
    assert "lower --train.learning_rate (now 0.05) or --train.clip_norm (now 1)" in sentence
    assert seen.checkpoints == [2, 4]
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_an_update_that_overflows_is_never_saved() -> None:
    network = make_network()
    run, seen = make_training(network, [random_batch()], max_steps=20, checkpoint_every=1)

    class Overflow(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            if run.position.step == 2:
                self.param_groups[0]["params"][0].data.fill_(math.inf)

    run.optimizers = [Overflow([{"params": [network.head.weight], "initial_lr": 1.0}], lr=1.0)]
    with pytest.raises(UserError, match=r"the weights head.weight stopped being finite at step 3 and training stopped"):
        train(run, Interruption())
    assert seen.checkpoints == [1, 2]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_validation_loss_that_is_no_number_is_never_the_best(loss: float) -> None:
    run, seen = make_training(make_network(), [random_batch()], max_steps=2, validate=lambda: loss)
    with pytest.raises(UserError, match=f"the validation loss became {loss} at step 1"):
        train(run, Interruption())
    assert seen.best == []
    assert seen.checkpoints == []


def test_an_exploding_gradient_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_network()
    run, _ = make_training(network, [random_batch()], max_steps=60)
    messages: list[str] = []
    monkeypatch.setattr(run.progress, "message", messages.append)
    real = run.objective.forward

    def forward(*arguments: Any) -> Any:
        loss, state = real(*arguments)
        return (loss * 1e4 if run.position.step == 40 else loss), state

    run.objective.forward = forward  # type: ignore[method-assign]
    train(run, Interruption())
    warnings = [line for line in messages if line.startswith("warning: the gradient norm at step 41 is")]
    assert len(warnings) == 1
    assert "lower --train.learning_rate or --train.clip_norm (now 1)" in warnings[0]


def test_the_position_starts_at_zero() -> None:
    assert Position() == Position(0, 0, 0, 0.0, None, 0, 0, 0.0, 0, 0.0)


@pytest.mark.parametrize(
    ("limits", "position", "reason"),
    [
        ({"max_time": "10m"}, {}, "done"),
        ({"max_steps": 30}, {"step": 30}, "done"),
        ({"max_steps": 30, "max_time": "10m"}, {"step": 30, "elapsed": 20.0}, "done"),
        (
            {"max_epochs": 77.0, "max_time": "10m"},
            {"step": 360, "batch": 360, "elapsed": 600.0},
            "cut by its limit of 10m after 36 of 77 planned passes over the data; to do all of them allow about "
            "--train.max_time 24m",
        ),
        (
            {"max_steps": 1000, "max_time": "90s"},
            {"step": 10, "batch": 10, "elapsed": 90.0},
            "cut by its limit of 1m30s after 10 of 1,000 planned updates; to do all of them allow about "
            "--train.max_time 2h45m",
        ),
    ],
)
def test_a_run_that_is_over_says_what_was_cut(limits: dict, position: dict, reason: str) -> None:
    config = TrainConfig(**limits)
    reached = Position(**position)
    time = None if config.max_time is None else parse_duration(config.max_time)
    assert ended(reached, reached.batch / 10, Limits(config.max_steps, config.max_epochs, time)) == reason
