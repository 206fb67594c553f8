"""The base class, the state helpers and the combinators."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.layers import state as states
from unrolled.layers.bidirectional import Bidirectional
from unrolled.layers.combinators import Pointwise, Residual, Stack
from unrolled.layers.families import FAMILIES, build_backbone
from unrolled.layers.gru import GRU
from unrolled.layers.layer import SequenceLayer, StepNotSupported
from unrolled.layers.lstm import LSTM
from unrolled.layers.segments import Segments
from unrolled.layers.transformer import Transformer


@settings(max_examples=80, deadline=None)
@given(data=st.data(), rows=st.integers(1, 3), time=st.integers(1, 9))
def test_segments_take_apart_and_join(data, rows, time):
    flags = st.lists(st.lists(st.booleans(), min_size=time, max_size=time), min_size=rows, max_size=rows)
    mask, reset = data.draw(flags), data.draw(flags)
    segments = Segments(rows, time, torch.tensor(mask), torch.tensor(reset), torch.device("cpu"))
    expected: list[list[int]] = []
    for row in range(rows):
        pieces: list[list[int]] = [[]]
        for t in range(time):
            if reset[row][t]:
                pieces.append([])
            if mask[row][t]:
                pieces[-1].append(row * time + t + 1)
        expected += [piece for piece in pieces if piece]
    steps = torch.arange(1.0, rows * time + 1).view(rows, time, 1)
    pieces_found = segments.split(steps)[..., 0]
    assert segments.lengths.tolist() == [len(piece) for piece in expected]
    for padded, piece in zip(pieces_found.tolist(), expected, strict=True):
        assert padded[: len(piece)] == piece
        assert not any(padded[len(piece) :])
    assert torch.equal(segments.join(segments.split(steps))[..., 0], steps[..., 0] * torch.tensor(mask))


def test_flags_are_checked():
    layer = LSTM(3, 4)
    with pytest.raises(ValueError, match=r"mask must be a bool tensor of shape \[2, 5\], got torch.float32"):
        layer(torch.zeros(2, 5, 3), mask=torch.ones(2, 5))
    with pytest.raises(ValueError, match="reset must be a bool tensor"):
        layer.step(torch.zeros(2, 3), layer.initial_state(2), reset=torch.zeros(3, dtype=torch.bool))


def test_bidirectional_refuses_to_step():
    layer = Stack([Bidirectional(LSTM(3, 4), LSTM(3, 4))])
    with pytest.raises(StepNotSupported, match="needs the whole sequence"):
        layer.step(torch.zeros(2, 3), layer.initial_state(2))


def test_bidirectional_agrees_with_torch():
    torch.manual_seed(0)
    reference = nn.LSTM(3, 4, bidirectional=True, batch_first=True)
    weights = reference.state_dict()
    layer = Bidirectional(LSTM(3, 4), LSTM(3, 4))
    layer.ahead.load_state_dict({key: value for key, value in weights.items() if not key.endswith("_reverse")})
    layer.back.load_state_dict(
        {key.removesuffix("_reverse"): value for key, value in weights.items() if key.endswith("_reverse")}
    )
    lengths = torch.tensor([5, 2, 7])
    x = torch.randn(3, 7, 3)
    mask = torch.arange(7) < lengths[:, None]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True, total_length=7)
    torch.testing.assert_close(layer(x, mask=mask)[0], expected)


def test_sizes_must_fit():
    with pytest.raises(ValueError, match="LSTM gives 4 features, the GRU after it expects 5"):
        Stack([LSTM(3, 4), GRU(5, 6)])
    with pytest.raises(ValueError, match="must keep its size"):
        Residual(LSTM(3, 4))
    with pytest.raises(ValueError, match="at least one layer"):
        Stack([])
    with pytest.raises(ValueError, match="one input"):
        Bidirectional(LSTM(3, 4), LSTM(5, 4))


def test_states_of_other_lengths_join():
    """Streams that are not equally far in a growing cache run together as they ran alone."""
    torch.manual_seed(0)
    layer = Transformer(8, layers=1, heads=2)
    nn.init.normal_(layer.layers[0].layer.output.weight)
    histories = [torch.randn(1, length, 8) for length in (2, 6, 0)]
    alone = [layer(history)[1] for history in histories]
    together = states.concatenate(alone)
    x = torch.randn(3, 4, 8)
    y, after = layer(x, together)
    for row, state in enumerate(alone):
        y_alone, after_alone = layer(x[row : row + 1], state)
        torch.testing.assert_close(y[row], y_alone[0])
        swapped = states.scatter(after, torch.tensor([row]), after_alone)
        y_next, _ = layer(x, swapped)
        torch.testing.assert_close(y_next[row], layer(x[row : row + 1], after_alone)[0][0])


def test_saved_states():
    layer = Stack([LSTM(3, 4), Residual(GRU(4, 4))])
    _, state = layer(torch.randn(2, 5, 3))
    data = states.save(state)
    loaded = states.load(data, like=layer.initial_state(1))
    assert type(loaded[0]) is type(state[0])
    for saved, leaf in zip(states.leaves(loaded), states.leaves(state), strict=True):
        assert torch.equal(saved, leaf)
    with pytest.raises(ValueError, match="not a saved state"):
        states.load(data[: len(data) // 2], like=layer.initial_state(1))
    with pytest.raises(ValueError, match="this model needs"):
        states.load(data, like=LSTM(3, 4).initial_state(1))
    with pytest.raises(ValueError, match="of shape"):
        states.load(states.save(LSTM(3, 5)(torch.randn(1, 2, 3))[1]), like=LSTM(3, 4).initial_state(1))


def test_pointwise_and_residual_compute_what_they_say():
    linear, norm = nn.Linear(4, 4), nn.RMSNorm(4)
    x = torch.randn(2, 3, 4)
    y, state = Residual(Pointwise(linear, 4, 4), norm)(x)
    torch.testing.assert_close(y, x + linear(norm(x)))
    assert state == ()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("input_size", [3, 8])
def test_every_family_builds(family, input_size):
    layer = build_backbone(family, input_size=input_size, width=8, layers=2)
    assert isinstance(layer, SequenceLayer)
    assert (layer.input_size, layer.output_size) == (input_size, 8)
    y, _ = layer(torch.randn(2, 5, input_size))
    assert y.shape == (2, 5, 8)


def test_transformer_begins_as_the_identity_before_its_last_norm():
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(Transformer(8, layers=3, heads=2)(x)[0], nn.functional.rms_norm(x, (8,), eps=1e-6))
