"""Multi-head self-attention with its keys and values as state."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.kernels.attention import attention
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.positions import alibi_slopes, rotate
from unrolled.layers.segments import Segments
from unrolled.layers.state import State

WIDEST = 2**24
"""Steps of the widest window: the state of a row holds them all."""


class AttentionState(NamedTuple):
    keys: Float[Tensor, "batch past kv_heads size"]
    values: Float[Tensor, "batch past kv_heads size"]
    position: Int[Tensor, " batch"]
    """Steps consumed since the start or the last reset; of the past, the last `position` ones (at most) are real."""


class Attention(SequenceLayer):
    """Multi-head attention: every step reads from its own past, or with `causal=False` from the whole sequence.

    The state is the key-value cache, newest step last, rows of their own lengths: without a window it grows; with one
    it is a ring of `window - 1` places in which the newest step pushes out the oldest, so memory and time per step
    are constant. A chunk may be longer than the window. Not causal, there is no carried state (it is `()`), `step`
    raises `StepNotSupported`, and a window reaches `window - 1` steps to both sides.

    `kv_heads` fewer than `heads` is grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245), 1 is multi-query
    (Shazeer 2019, arXiv:1911.02150). `qk_norm` normalises queries and keys per head (Henry et al. 2020,
    arXiv:2010.04245, with RMSNorm). Raises `ValueError` if width or heads do not divide.

    Source: Vaswani et al. 2017, "Attention Is All You Need", arXiv:1706.03762, section 3.2.
    """

    backends = ("reference", "torch")

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        window: int | None = None,
        positions: Literal["none", "rotary", "alibi"] = "rotary",
        qk_norm: bool = False,
        causal: bool = True,
    ) -> None:
        super().__init__()
        kv_heads = heads if kv_heads is None else kv_heads
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads")
        if heads % kv_heads:
            raise ValueError(f"{heads} heads are not divisible by {kv_heads} key-value heads")
        if positions == "rotary" and (width // heads) % 2:
            raise ValueError(f"rotary positions need an even head size, got {width // heads}")
        if window is not None and not 1 <= window <= WIDEST:
            raise ValueError(f"window must be at least 1 and at most {WIDEST:,}, got {window}")
        self.input_size = self.output_size = width
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.window, self.positions = window, positions
        self.causal = self.supports_step = causal
        self.receptive_field = None if window is None else window - 1
        self.query_key_value = nn.Linear(width, (heads + 2 * kv_heads) * self.size, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.query_norm = nn.RMSNorm(self.size, eps=1e-6) if qk_norm else None
        self.key_norm = nn.RMSNorm(self.size, eps=1e-6) if qk_norm else None
        self.slopes: Tensor | None
        self.register_buffer("slopes", alibi_slopes(heads) if positions == "alibi" else None, persistent=False)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        if not self.causal:
            return ()
        device = self.output.weight.device if device is None else device
        places = 0 if self.window is None else self.window - 1
        empty = torch.zeros(batch_size, places, self.kv_heads, self.size, dtype=self.state_dtype, device=device)
        return AttentionState(empty, empty, torch.zeros(batch_size, dtype=torch.long, device=device))

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        state: Any = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        mixed = self.query_key_value(x).unflatten(-1, (-1, self.size))
        if mask is None and reset is None:
            y, state = self._attend(mixed, state, None)
            return self.output(y.flatten(-2)), state
        segments = Segments(len(x), x.shape[1], mask, reset, x.device)
        fresh = self.initial_state(len(x), device=x.device)
        if not len(segments):
            return torch.zeros_like(x), self._tight(segments.finish(segments.start(state, fresh), state, fresh))
        y, ended = self._attend(segments.split(mixed), segments.start(state, fresh), segments.lengths)
        return self.output(segments.join(y).flatten(-2)), self._tight(segments.finish(ended, state, fresh))

    def _attend(
        self, mixed: Float[Tensor, "batch time all size"], state: Any, lengths: Tensor | None
    ) -> tuple[Float[Tensor, "batch time heads size"], State]:
        time, past = mixed.shape[1], state.keys.shape[1] if self.causal else 0
        if mixed.is_cpu and mixed.dtype == torch.bfloat16:
            mixed = mixed.float()  # norms and short attention are faster in float32 there
        paired, values = mixed.split([self.heads + self.kv_heads, self.kv_heads], dim=2)
        if self.query_norm is not None and self.key_norm is not None:
            # Queries and keys together: on short sequences the number of operations is what costs.
            scales = [self.query_norm.weight.expand(self.heads, -1), self.key_norm.weight.expand(self.kv_heads, -1)]
            normal = nn.functional.rms_norm(paired, (self.size,), eps=self.query_norm.eps)
            paired = normal * torch.cat(scales).to(paired.dtype)
        if self.positions == "rotary":
            steps = torch.arange(time, device=mixed.device)
            paired = rotate(paired, state.position[:, None] + steps if self.causal else steps[None])
        queries, keys = paired.split([self.heads, self.kv_heads], dim=2)
        present = None
        if not self.causal:
            if lengths is not None:
                present = torch.arange(time, device=mixed.device) < lengths[:, None]
        elif past:
            age = torch.arange(past, 0, -1, device=mixed.device)
            present = torch.cat([age <= state.position[:, None], age.new_ones(len(keys), time, dtype=torch.bool)], 1)
            keys = torch.cat([state.keys.to(keys.dtype), keys], dim=1)
            values = torch.cat([state.values.to(values.dtype), values], dim=1)
        y = attention(
            queries,
            keys,
            values,
            present=present,
            window=self.window,
            slopes=self.slopes,
            causal=self.causal,
            backend=self.backend,
        )
        if not self.causal:
            return y, ()
        advance = time if lengths is None else lengths
        after = AttentionState(self._keep(keys, lengths), self._keep(values, lengths), state.position + advance)
        return y, after

    def _keep(self, seen: Float[Tensor, "batch past_and_time kv_heads size"], lengths: Tensor | None) -> Tensor:
        """The cache after a chunk: all of it or the last `window - 1` steps, each row ending at its own last step."""
        total = seen.shape[1]
        places = total if self.window is None else self.window - 1
        if lengths is None and total >= places:
            return seen[:, total - places :].to(self.state_dtype)
        source = torch.arange(total - places, total, device=seen.device).expand(len(seen), -1)
        if lengths is not None:
            source = source - (lengths.max() - lengths)[:, None]
        rows = torch.arange(len(seen), device=seen.device)[:, None]
        kept = seen[rows, source.clamp(min=0)]
        return torch.where((source >= 0)[..., None, None], kept, 0).to(self.state_dtype)

    def _tight(self, state: Any) -> State:
        """A growing cache without places that no row uses."""
        if self.window is not None or not self.causal:
            return state
        unused = state.keys.shape[1] - int(state.position.max())
        return AttentionState(state.keys[:, unused:], state.values[:, unused:], state.position)
