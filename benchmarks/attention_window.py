"""Windowed attention, forward and backward: ours, linear in time, against PyTorch's attention with a full mask.

Equal: queries, keys, values and the gradient that comes in. Outputs and the three gradients are compared before
anything is timed. The third column is PyTorch's causal attention over everything, which computes something else: what
attention costs without a window.
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from harness.options import parser
from harness.result import alternate, publish, ratios, spread, table
from torch import Tensor
from torch.nn import functional

from unrolled.kernels.attention import attention

HEADS, SIZE = 4, 32
Form = Callable[[Tensor, Tensor, Tensor], Tensor]


def full_mask(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """PyTorch's attention with the window as a mask of `[time, time]`."""
    steps = torch.arange(q.shape[1])
    distance = steps[:, None] - steps
    mask = (distance >= 0) & (distance < window)
    y = functional.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask)
    return y.transpose(1, 2)


def causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    y = functional.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True)
    return y.transpose(1, 2)


def gradients(form: Form, inputs: list[Tensor], upstream: Tensor) -> list[Tensor]:
    """The output and the gradients to queries, keys and values."""
    y = form(*inputs)
    return [y.detach(), *torch.autograd.grad(y, inputs, upstream)]


def milliseconds(form: Form, inputs: list[Tensor], upstream: Tensor) -> float:
    started = time.perf_counter()
    gradients(form, inputs, upstream)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--batch", type=int, default=4)
    options.add_argument("--repeats", type=int, default=30)
    chosen = options.parse_args()
    times, windows, repeats = ([256], [64], 2) if chosen.quick else ([512, 1024, 2048], [64, 128], chosen.repeats)
    rows, worst = [], 0.0
    for length in times:
        for window in windows:
            torch.manual_seed(0)
            inputs = [torch.randn(chosen.batch, length, HEADS, SIZE, requires_grad=True) for _ in range(3)]
            upstream = torch.randn(chosen.batch, length, HEADS, SIZE)
            forms: dict[str, Form] = {
                "ours": partial(attention, window=window),
                "masked": partial(full_mask, window=window),
                "causal": causal,
            }
            pairs = zip(
                gradients(forms["ours"], inputs, upstream), gradients(forms["masked"], inputs, upstream), strict=True
            )
            difference = max(float((a - b).abs().max()) for a, b in pairs)
            if difference > 1e-4:
                raise SystemExit(f"time {length}, window {window}: ours and the masked form differ by {difference}")
            worst = max(worst, difference)

            timed = [partial(milliseconds, form, inputs, upstream) for form in forms.values()]
            ours, masked, full = alternate(repeats, *timed)
            rows.append(
                [
                    str(length),
                    str(window),
                    *(spread(values).say() for values in (ours, masked, full)),
                    ratios(ours, masked).say(),
                    ratios(ours, full).say(),
                ]
            )
    header = [
        "time",
        "window",
        "ours, ms",
        "full mask, ms",
        "causal, no window, ms",
        "ours / full mask",
        "ours / causal",
    ]
    body = [
        table(header, rows),
        f"Forward and backward, batch {chosen.batch}, {HEADS} heads of {SIZE}, float32; median of {repeats} (in "
        "brackets the quartiles), in turn. "
        f"Outputs and gradients of ours and the full mask differ by {worst:.1e} at most.",
    ]
    publish("attention_window", "Attention in a window", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
