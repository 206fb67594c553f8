"""What the loops of rnn, lstm and gru share: their precision, and PyTorch's packed form of ragged rows."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

Weights = tuple[Tensor, ...]
"""PyTorch's layout: weight_ih, weight_hh, then bias_ih and bias_hh unless the layer has none."""


def in_full_precision(*tensors: Tensor) -> tuple[Tensor, ...]:
    """A recurrence adds up rounding errors over time, so it runs in float32 at least, also under bfloat16."""
    return tuple(tensor if tensor.dtype == torch.float64 else tensor.float() for tensor in tensors)


def fused(
    loop: Callable, x: Tensor, states: tuple[Tensor, ...], weights: Weights, lengths: Tensor | None
) -> tuple[Tensor, ...]:
    """PyTorch's own loop (`torch.lstm`, `torch.gru`, ...) for one layer: outputs, then final states."""
    settings = (len(weights) > 2, 1, 0.0, torch.is_grad_enabled(), False)  # biases, layers, dropout, train, two-way
    if lengths is None:
        y, *last = loop(x, _as_argument(states), weights, *settings, True)
        return y, *(state[0] for state in last)
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    order, original = packed.sorted_indices, packed.unsorted_indices
    assert order is not None
    assert original is not None
    sorted_states = _as_argument(tuple(state.index_select(0, order) for state in states))
    data, *last = loop(packed.data, packed.batch_sizes, sorted_states, weights, *settings)
    y, _ = pad_packed_sequence(
        PackedSequence(data, packed.batch_sizes, order, original), batch_first=True, total_length=x.shape[1]
    )
    return y, *(state[0].index_select(0, original) for state in last)


def _as_argument(states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """The LSTM's loop takes a pair, the others one tensor; each has a leading axis of layers."""
    layered = tuple(state[None].contiguous() for state in states)
    return layered if len(layered) > 1 else layered[0]


def gate_inputs(x: Tensor, weights: Weights) -> Tensor:
    """The part of every gate that does not wait for the past: `x W_ih^T + b_ih`, for all steps at once."""
    return torch.nn.functional.linear(x, weights[0], weights[2] if len(weights) > 2 else None)


def bias_hh(weights: Weights) -> Tensor | None:
    return weights[3] if len(weights) > 2 else None
