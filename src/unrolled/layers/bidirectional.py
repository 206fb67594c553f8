"""Reading a sequence from both ends."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.layers.layer import SequenceLayer
from unrolled.layers.state import State


class Bidirectional(SequenceLayer):
    """Two layers side by side, one over the sequence and one over its reverse; their outputs are concatenated.

    Each row, and after a reset each sequence in it, is reversed by its own length. An output needs the whole
    sequence, so there is no carried state (it is `()`) and `step` raises `StepNotSupported`.

    Source: Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks".
    """

    supports_step = False

    def __init__(self, ahead: SequenceLayer, back: SequenceLayer) -> None:
        super().__init__()
        if ahead.input_size != back.input_size:
            raise ValueError(f"both directions read one input, got sizes {ahead.input_size} and {back.input_size}")
        self.ahead, self.back = ahead, back
        self.input_size, self.output_size = ahead.input_size, ahead.output_size + back.output_size
        self.backends = tuple(dict.fromkeys((*ahead.backends, *back.backends)))

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return ()

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: State, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        time = torch.arange(x.shape[1], device=x.device)
        if lengths is None:
            forth, _ = self.ahead(x)
            back, _ = self.back(x.flip(1))
            return torch.cat([forth, back.flip(1)], dim=-1), ()
        mask = time < lengths[:, None]
        # Reversing by own length keeps the padding at the right; doing it twice is the identity.
        order = torch.where(mask, lengths[:, None] - 1 - time, time)
        rows = torch.arange(len(x), device=x.device)[:, None]
        forth, _ = self.ahead(x, mask=mask)
        back, _ = self.back(x[rows, order], mask=mask)
        return torch.cat([forth, back[rows, order]], dim=-1), ()
