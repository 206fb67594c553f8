"""The pre-norm Transformer: a decoder, or an encoder."""

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers.attention import Attention
from unrolled.layers.combinators import Pointwise, Residual, Stack
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.positions import AddPositions
from unrolled.layers.state import State

Positions = Literal["none", "sinusoidal", "learned", "rotary", "alibi"]


class FeedForward(nn.Module):
    """SwiGLU: W_down (silu(W_gate x) * W_up x) with 8/3 width hidden features, or GELU: W_down gelu(W_up x) with 4.

    Source: Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202; Hendrycks and Gimpel 2016,
    arXiv:1606.08415.
    """

    def __init__(self, width: int, kind: Literal["swiglu", "gelu"]) -> None:
        super().__init__()
        if kind not in ("swiglu", "gelu"):
            raise ValueError(f'feed-forward must be "swiglu" or "gelu", got "{kind}"')
        self.gated = kind == "swiglu"
        # Multiples of 16 fill the vector registers of the matrix product.
        hidden = 16 * math.ceil(8 * width / 3 / 16) if self.gated else 4 * width
        self.up = nn.Linear(width, hidden * (2 if self.gated else 1), bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        if not self.gated:
            return self.down(functional.gelu(self.up(x)))
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * value)


class Transformer(Stack):
    """Positions, then per layer x + attention(norm(x)) and x + feed_forward(norm(x)), then a last norm.

    Norms are RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467). Weights begin normal with deviation
    0.02 (Radford et al. 2019, GPT-2), those that write into the residual stream at zero, so that every block begins as
    the identity (Zhang et al. 2019, "Fixup", arXiv:1901.09321, section 3). `max_length` is the table of learned
    positions. With `causal=False` attention sees the whole sequence: there is no carried state (it is `()`) and `step`
    raises `StepNotSupported`.

    Source: Vaswani et al. 2017, arXiv:1706.03762; pre-norm: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(
        self,
        width: int,
        *,
        layers: int,
        heads: int,
        kv_heads: int | None = None,
        positions: Positions = "rotary",
        window: int | None = None,
        feedforward: Literal["swiglu", "gelu"] = "swiglu",
        qk_norm: bool = True,
        dropout: float = 0.0,
        max_length: int = 1024,
        causal: bool = True,
    ) -> None:
        parts: list[SequenceLayer] = []
        if positions == "sinusoidal" or positions == "learned":
            parts.append(AddPositions(width, positions, max_length=max_length))
        inner = positions if positions == "rotary" or positions == "alibi" else "none"
        for _ in range(layers):
            attention = Attention(
                width, heads, kv_heads=kv_heads, window=window, positions=inner, qk_norm=qk_norm, causal=causal
            )
            parts.append(Residual(attention, nn.RMSNorm(width, eps=1e-6), dropout=dropout))
            feed_forward = Pointwise(FeedForward(width, feedforward), width, width)
            parts.append(Residual(feed_forward, nn.RMSNorm(width, eps=1e-6), dropout=dropout))
        parts.append(Pointwise(nn.RMSNorm(width, eps=1e-6), width, width))
        super().__init__(parts)
        self.causal = causal
        self.reset_parameters()

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return super().initial_state(batch_size, device=device) if self.causal else ()

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        if self.causal:
            return super().forward(x, state, mask=mask, reset=reset)
        # The positions of a whole sequence always count from its beginning.
        begin = super().initial_state(len(x), device=x.device)
        return super().forward(x, begin, mask=mask, reset=reset)[0], ()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        for name, parameter in self.named_parameters():
            if name.endswith(("output.weight", "down.weight")):
                parameter.zero_()
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
