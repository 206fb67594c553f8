"""Decoders: causal layers that also read from the output of an encoder."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.attention import Attention
from unrolled.layers.combinators import Pointwise, Residual
from unrolled.layers.cross_attention import (
    AdditiveAttention,
    Memory,
    MultiHeadCrossAttention,
    MultiplicativeAttention,
)
from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.layers.layer import zero_absent
from unrolled.layers.positions import AddPositions
from unrolled.layers.state import State
from unrolled.layers.transformer import FeedForward, Positions

AttentionKind = Literal["additive", "multiplicative", "none"]


class Source(NamedTuple):
    """An encoded source as a decoder needs it. Axis 0 of every leaf is the batch."""

    memories: tuple[Memory, ...]
    """one for each place where the decoder reads; none without attention"""
    state: State
    """the decoder's state before its first step"""


class RecurrentDecoder(nn.Module):
    """A causal recurrent backbone begun from a summary of the source, then global attention from its outputs.

    s_t = backbone(y_{t-1}, s_{t-1}),   c_t = attention(s_t, source),   output_t = tanh(W [s_t; c_t])

    s_0 is tanh of a linear map of the encoder's ends: the last step of its forward half and the first of its backward
    half. Attention comes after the recurrence and is not fed back into it (no input feeding), so that in training the
    recurrence runs as one loop over all steps and attention for all steps at once. Without attention,
    output_t = tanh(W s_t): all the decoder knows of the source is s_0.

    Source: Luong et al. 2015, arXiv:1508.04025, section 3.1, equation 5; s_0: Bahdanau et al. 2015, arXiv:1409.0473,
    appendix A.2.2; without attention: Sutskever et al. 2014, arXiv:1409.3215.
    """

    def __init__(
        self,
        input_size: int,
        width: int,
        *,
        family: str,
        layers: int,
        memory_size: int,
        output_size: int,
        attention: AttentionKind,
        dropout: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.backbone = build_backbone(
            family, input_size=input_size, width=width, layers=layers, dropout=dropout, **settings
        )
        self.attention: AdditiveAttention | MultiplicativeAttention | None = None
        if attention == "additive":
            self.attention = AdditiveAttention(width, memory_size)
        elif attention == "multiplicative":
            self.attention = MultiplicativeAttention(width, memory_size)
        self.receptive_field = self.backbone.receptive_field
        leaves = len(states.leaves(self.backbone.initial_state(0)))
        self.bridge = nn.Linear(memory_size, leaves * layers * width)
        self.combine = nn.Linear(width + (memory_size if self.attention else 0), output_size)

    def prepare(self, x: Float[Tensor, "batch source memory"], mask: Bool[Tensor, "batch source"]) -> Source:
        """From the output of a bidirectional encoder, whose rows are padded on the right."""
        half = x.shape[-1] // 2
        rows, last = torch.arange(len(x), device=x.device), mask.sum(1) - 1
        # A row without steps has its last one at -1: zero like all others of its output.
        ends = torch.cat([x[rows, last, :half], x[:, 0, half:]], dim=-1)
        fresh = self.backbone.initial_state(len(x), device=x.device)
        leaves = states.leaves(fresh)
        begun = self.bridge(ends).tanh().view(len(x), len(leaves), *leaves[0].shape[1:]).unbind(1)
        state = states.rebuild(fresh, [new.to(old.dtype) for new, old in zip(begun, leaves, strict=True)])
        return Source(() if self.attention is None else (self.attention.prepare(x, mask),), state)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: State,
        memories: tuple[Memory, ...],
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], State, Float[Tensor, "batch time source"] | None]:
        """Outputs, the state after the chunk, and the attention weights (None without attention)."""
        y, state = self.backbone(x, state, mask=mask)
        output, weights = self._read(y, memories)
        return zero_absent(output, mask), state, weights

    def step(
        self, x: Float[Tensor, "batch input"], state: State, memories: tuple[Memory, ...]
    ) -> tuple[Float[Tensor, "batch output"], State, Float[Tensor, "batch source"] | None]:
        """One step for every row."""
        y, state = self.backbone.step(x, state)
        output, weights = self._read(y[:, None], memories)
        return output[:, 0], state, None if weights is None else weights[:, 0]

    def _read(self, y: Tensor, memories: tuple[Memory, ...]) -> tuple[Tensor, Tensor | None]:
        weights = None
        if self.attention is not None:
            contexts, weights = self.attention(y, memories[0])
            y = torch.cat([y, contexts.to(y.dtype)], dim=-1)
        return self.combine(y).tanh(), weights


class TransformerDecoder(nn.Module):
    """Per layer x + self-attention(norm(x)), x + cross-attention(norm(x), source), x + feed_forward(norm(x)).

    Weights begin as in `Transformer`. Without attention the source is one vector, the mean of the encoder's output:
    the same parameters, but nothing to attend to.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.1; pre-norm: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(
        self,
        width: int,
        *,
        layers: int,
        heads: int,
        memory_size: int,
        attention: AttentionKind,
        kv_heads: int | None = None,
        window: int | None = None,
        positions: Positions = "rotary",
        feedforward: Literal["swiglu", "gelu"] = "swiglu",
        qk_norm: bool = True,
        dropout: float = 0.0,
        max_length: int = 1024,
    ) -> None:
        super().__init__()
        if attention == "additive":
            raise ValueError("the attention of a transformer is multiplicative; choose multiplicative or none")
        self.output_size, self.dropout, self.summarised = width, dropout, attention == "none"
        self.receptive_field = None if window is None else layers * (window - 1)
        inner = positions if positions == "rotary" or positions == "alibi" else "none"
        self.positions = (
            AddPositions(width, positions, max_length=max_length)
            if positions == "sinusoidal" or positions == "learned"
            else Pointwise(nn.Identity(), width, width)
        )
        self.own, self.cross, self.norms, self.feed = (nn.ModuleList() for _ in range(4))
        for _ in range(layers):
            own = Attention(width, heads, kv_heads=kv_heads, window=window, positions=inner, qk_norm=qk_norm)
            self.own.append(Residual(own, nn.RMSNorm(width, eps=1e-6), dropout=dropout))
            self.norms.append(nn.RMSNorm(width, eps=1e-6))
            self.cross.append(MultiHeadCrossAttention(width, memory_size, heads))
            feed = Pointwise(FeedForward(width, feedforward), width, width)
            self.feed.append(Residual(feed, nn.RMSNorm(width, eps=1e-6), dropout=dropout))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        initialise(self)

    def prepare(self, x: Float[Tensor, "batch source memory"], mask: Bool[Tensor, "batch source"]) -> Source:
        """From the output of an encoder; absent steps may stand anywhere."""
        if self.summarised:
            x = (zero_absent(x, mask).sum(1) / mask.sum(1, keepdim=True).clamp(min=1))[:, None]
            mask = mask.any(1, keepdim=True)
        kinds = [self.positions, *self.own]
        state = tuple(kind.initial_state(len(x), device=x.device) for kind in kinds)
        return Source(tuple(cross.prepare(x, mask) for cross in self.cross), state)  # type: ignore[operator]

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        state: State,
        memories: tuple[Memory, ...],
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time width"], State, Float[Tensor, "batch time source"] | None]:
        """Outputs, the state after the chunk, and the attention weights: the mean over layers and heads (None without
        attention)."""
        x, first = self.positions(x, state[0], mask=mask)
        ends, weights = [first], []
        layers = zip(self.own, self.cross, self.norms, self.feed, state[1:], memories, strict=True)
        for own, cross, norm, feed, before, memory in layers:
            x, end = own(x, before, mask=mask)
            contexts, read = cross(norm(x), memory)
            x = x + dropout(contexts, self.dropout, training=self.training)
            x, _ = feed(x, (), mask=mask)
            ends.append(end)
            weights.append(read)
        mean = None if self.summarised else torch.stack(weights).mean(0)
        return zero_absent(self.norm(x), mask), tuple(ends), mean

    def step(
        self, x: Float[Tensor, "batch width"], state: State, memories: tuple[Memory, ...]
    ) -> tuple[Float[Tensor, "batch width"], State, Float[Tensor, "batch source"] | None]:
        """One step for every row."""
        y, state, weights = self(x[:, None], state, memories)
        return y[:, 0], state, None if weights is None else weights[:, 0]


@torch.no_grad()
def initialise(module: nn.Module) -> None:
    """Matrices normal with deviation 0.02, those that write into the residual stream zero; see `Transformer`."""
    for name, parameter in module.named_parameters():
        if name.endswith(("output.weight", "down.weight")):
            parameter.zero_()
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.02)
