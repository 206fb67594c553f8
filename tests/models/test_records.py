"""Records in one batch are records one by one: padded, packed, for every family, pooling and pattern."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.data.encoders.numbers import Scaler
from unrolled.data.feeds.examples import NO_TARGET, Example, collate
from unrolled.models.config import ModelConfig
from unrolled.models.on_device import on_device
from unrolled.models.records import InputSizes, RecordInputs, RecordNetwork
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget

TARGETS = {
    "class": ClassTarget("y", ("a", "b", "c")),
    "labels": MultilabelTarget("y", ("a", "b", "c")),
    "value": NumberTarget("y", ("u", "v", "w"), Scaler("none", (0.0,) * 3, (1.0,) * 3)),
}
LENGTHS = [7, 3, 5, 1, 4, 2, 7]
FAMILIES: dict[str, ModelConfig] = {
    "rnn": ModelConfig(family="rnn"),
    "lstm": ModelConfig(family="lstm"),
    "lstm both ends": ModelConfig(family="lstm", bidirectional=True),
    "gru": ModelConfig(family="gru", layers=2),
    "gru both ends": ModelConfig(family="gru", bidirectional=True, layers=2),
    "rnn both ends": ModelConfig(family="rnn", bidirectional=True),
    "transformer": ModelConfig(family="transformer"),
    "transformer both ends": ModelConfig(family="transformer", bidirectional=True, positions="learned"),
    "transformer window": ModelConfig(family="transformer", window=3, positions="alibi"),
    "convolution": ModelConfig(family="convolution", kernel=3),
    "convolution both ends": ModelConfig(family="convolution", kernel=3, bidirectional=True),
    "inception": ModelConfig(family="inception", kernel=4, layers=3),
    "feedforward": ModelConfig(family="feedforward"),
}
BATCH_NORM = ("inception", "convolution both ends")


def complete(config: ModelConfig, **changes: object) -> ModelConfig:
    sizes = {"width": 8, "layers": config.layers or 1, "heads": 2, "kv_heads": 2, "embedding_size": 4}
    positions = "rotary" if config.positions == "auto" else config.positions
    return ModelConfig(**{**vars(config), **sizes, "positions": positions, **changes})  # type: ignore[arg-type]


def network(config: ModelConfig, *, pooled: bool, inputs: InputSizes | None = None, outputs: int = 3) -> RecordNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = RecordNetwork(inputs or InputSizes(2, (6,)), outputs, config, pooled=pooled, steps=8)
        for module in made.modules():  # running statistics that would show if they were not used
            if isinstance(getattr(module, "running_mean", None), torch.Tensor):
                nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return made.eval()


def examples(kind: str, *, per_step: bool, seed: int = 0) -> list[Example]:
    random = np.random.default_rng(seed)
    records = []
    for length in LENGTHS:
        shape = (length,) if per_step else ()
        if kind == "class":
            target = random.integers(0, 3, size=shape)
            if per_step and length > 2:
                target[1] = NO_TARGET
        else:
            target = random.normal(size=(*shape, 3)).astype(np.float32)
            if kind == "labels":
                target = (target > 0).astype(np.float32)
        numbers = random.normal(size=(length, 2)).astype(np.float32)
        records.append(Example(numbers, random.integers(0, 6, size=(length, 1)), np.asarray(target)))
    return records


def loss_and_gradients(objective: RecordObjective, batches: list) -> tuple[float, list[torch.Tensor]]:
    objective.zero_grad()
    losses = [objective(on_device(batch, torch.device("cpu")), None)[0] for batch in batches]
    torch.stack(losses).sum().backward()
    gradients = [p.grad.clone() if p.grad is not None else torch.zeros_like(p) for p in objective.network.parameters()]
    return sum(float(loss.detach()) for loss in losses), gradients


def assert_same_three_ways(made: RecordNetwork, kind: str, *, per_step: bool) -> None:
    objective = RecordObjective(made, TARGETS[kind], autocast=contextlib.nullcontext())
    objective.train(made.training)
    records = examples(kind, per_step=per_step)
    alone = [collate([record], per_step=per_step) for record in records]
    padded = collate(records, per_step=per_step)
    packed = collate(records, per_step=per_step, packed=True)
    assert padded.mask is not None
    assert packed.reset is not None
    assert len(packed.numbers) < len(records)  # type: ignore[arg-type]
    wanted, gradients = loss_and_gradients(objective, alone)
    assert wanted > 0.1
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients)
    for batch in (padded, packed):
        assert batch.scored == sum(single.scored for single in alone)
        loss, others = loss_and_gradients(objective, [batch])
        assert loss == pytest.approx(wanted, rel=1e-4)
        for expected, other in zip(gradients, others, strict=True):
            torch.testing.assert_close(other, expected, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("per_step", [False, True], ids=["pooled", "per step"])
def test_padded_and_packed_are_one_by_one(name: str, per_step: bool) -> None:
    made = network(complete(FAMILIES[name]), pooled=not per_step)
    assert_same_three_ways(made, "class", per_step=per_step)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("kind", ["class", "value", "labels"])
def test_every_pooling_and_loss(pooling: str, kind: str) -> None:
    made = network(complete(ModelConfig(family="gru"), pooling=pooling, members=2), pooled=True)
    assert_same_three_ways(made, kind, per_step=False)


def test_values_per_step() -> None:
    assert_same_three_ways(network(complete(ModelConfig(family="lstm")), pooled=False), "value", per_step=True)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in BATCH_NORM and "window" not in name])
def test_in_training_too_where_no_statistics_are_shared(name: str) -> None:
    """Without dropout. The families of `BATCH_NORM` share statistics between the rows of a batch, as they must."""
    made = network(complete(FAMILIES[name], dropout=0.0), pooled=True).train()
    assert_same_three_ways(made, "class", per_step=False)


@pytest.mark.parametrize("name", BATCH_NORM)
def test_statistics_of_a_batch_do_not_depend_on_its_layout(name: str) -> None:
    """In training padded and packed agree, since what is not there has no part in the statistics."""
    results = []
    for packed in (False, True):
        made = network(complete(FAMILIES[name], dropout=0.0), pooled=True).train()
        objective = RecordObjective(made, TARGETS["class"], autocast=contextlib.nullcontext())
        batch = collate(examples("class", per_step=False), per_step=False, packed=packed)
        results.append(loss_and_gradients(objective, [batch]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-4)
    for gradient, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_lies_under_the_mask_does_not_leak(name: str) -> None:
    made = network(complete(FAMILIES[name]), pooled=True)
    batch = on_device(collate(examples("class", per_step=False), per_step=False), torch.device("cpu"))
    clean = made.answers(RecordInputs(batch.numbers, batch.tokens), mask=batch.mask)
    hole = ~batch.mask[..., None]
    poison = RecordInputs(batch.numbers.masked_fill(hole, torch.nan), batch.tokens.masked_fill(hole, 10**9))
    poisoned = made.answers(poison, mask=batch.mask)
    torch.testing.assert_close(poisoned, clean, rtol=0, atol=0)
    made.zero_grad()
    poisoned.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in made.parameters())


def test_members_are_networks_of_their_own() -> None:
    config = complete(ModelConfig(family="gru"), members=3)
    made = network(config, pooled=True)
    batch = on_device(collate(examples("class", per_step=False), per_step=False), torch.device("cpu"))
    outputs = made.predict(RecordInputs(batch.numbers, batch.tokens), mask=batch.mask)
    assert outputs.shape == (3, len(LENGTHS), 3)
    assert outputs.dtype == torch.float32
    single = RecordNetwork(InputSizes(2, (6,)), 3, complete(ModelConfig(family="gru")), pooled=True, steps=8).eval()
    for number, member in enumerate(made.members):
        single.members[0].load_state_dict(member.state_dict())
        alone = single.answers(RecordInputs(batch.numbers, batch.tokens), mask=batch.mask)[0]
        torch.testing.assert_close(alone, outputs[number], rtol=0, atol=0)
    assert not torch.allclose(outputs[0], outputs[1])


def test_one_hot_is_a_learned_embedding_that_is_the_identity() -> None:
    tables = (5, 3)
    one_hot = network(
        complete(ModelConfig(family="lstm"), embedding="one-hot"), pooled=True, inputs=InputSizes(1, tables)
    )
    learned = network(complete(ModelConfig(family="lstm"), embedding_size=5), pooled=True, inputs=InputSizes(1, tables))
    # A table of 3 rows has 4 features in a learned embedding: the identity, and a column that says nothing.
    weights = one_hot.state_dict()
    into = next(name for name in weights if name.endswith("weight_ih_l0") or "weight_ih" in name)
    wide = weights.pop(into)
    grown = torch.cat([wide, torch.zeros(len(wide), learned.state_dict()[into].shape[1] - wide.shape[1])], dim=1)
    missing = learned.load_state_dict(weights | {into: grown}, strict=False)
    assert all("embeddings" in name for name in missing.missing_keys)
    with torch.no_grad():
        for table in learned.embeddings:
            table.weight.copy_(torch.eye(*table.weight.shape))
    numbers, tokens = torch.randn(2, 4, 1), torch.stack([torch.randint(0, 5, (2, 4)), torch.randint(0, 3, (2, 4))], -1)
    inputs = RecordInputs(numbers, tokens)
    torch.testing.assert_close(learned.answers(inputs), one_hot.answers(inputs))


def test_pictures_go_through_the_front_end_alone() -> None:
    config = complete(ModelConfig(family="gru"))
    made = network(config, pooled=False, inputs=InputSizes(3 * 16 * 12, (), (16, 12)))
    frames = torch.randn(2, 5, 3 * 16 * 12)
    front = made.members[0].front
    seen = front(frames)
    assert seen.shape == (2, 5, 8)
    for row in range(2):
        for step in range(5):
            torch.testing.assert_close(front(frames[row : row + 1, step : step + 1])[0, 0], seen[row, step])
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    out = made.answers(RecordInputs(frames), mask=mask)
    torch.testing.assert_close(made.answers(RecordInputs(frames[1:, :2]))[0, 0], out[0, 1, :2])
    hidden = [name for name, parameter in made.named_parameters() if made.is_matrix(name, parameter)]
    assert hidden
    assert not any("front" in name or "head" in name for name in hidden)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="not divisible by the 4 branches"):
        network(complete(ModelConfig(family="inception"), width=6), pooled=True)
    with pytest.raises(ValueError, match="needs a width"):
        RecordNetwork(InputSizes(1), 2, ModelConfig(family="gru"), pooled=True)
