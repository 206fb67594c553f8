"""A layer of one's own: written as one step, checked against the laws, and trained to tell which pulse came last."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled import Cell
from unrolled.testing import check_layer


class LeakyState(NamedTuple):
    level: Tensor


class LeakyIntegrator(Cell):
    """Every feature is a leaking vessel: h_t = a h_{t-1} + W x_t, the leak 0 < a < 1 learned for each."""

    def __init__(self, input_size: int, width: int) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, width
        self.inflow = nn.Linear(input_size, width)
        self.leak = nn.Parameter(torch.linspace(-1, 2, width))

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> LeakyState:
        return LeakyState(torch.zeros(batch_size, self.output_size, device=device, dtype=self.state_dtype))

    def cell(self, x: Tensor, state: LeakyState) -> tuple[Tensor, LeakyState]:
        level = torch.sigmoid(self.leak.to(self.state_dtype)) * state.level + self.inflow(x)
        return level.to(x.dtype), LeakyState(level)


torch.manual_seed(0)
for law in check_layer(LeakyIntegrator(3, 8), long_steps=100):
    print(f"{law.law}: {law.cases} cases")

layer, head = LeakyIntegrator(2, 8), nn.Linear(8, 2)
optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.05)
for step in range(1, 301):
    last, x = torch.randint(2, (64,)), 0.05 * torch.randn(64, 12, 2)
    x[torch.arange(64), 3, 1 - last] = 1  # an early pulse on the other line...
    x[torch.arange(64), 7, last] = 1  # ...and the later one, which counts
    outputs, _ = layer(x)
    logits = head(outputs[:, -1])
    loss = nn.functional.cross_entropy(logits, last)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.3f}, right {(logits.argmax(-1) == last).float().mean().item():.0%}")
