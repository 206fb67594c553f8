"""What a translation attended to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from unrolled.reports.drawing import LETTER, label, picture, rectangle, shorten, text

_LONGEST = 18


def alignment_chart(
    source_tokens: Sequence[str], target_tokens: Sequence[str], weights: Float[np.ndarray, "target source"]
) -> str:
    """A heat map: one row per target token, and in it the share of the attention that each source token had."""
    cell = 26 if max(len(source_tokens), len(target_tokens)) <= 20 else 16
    across = LETTER * max((len(shorten(token, _LONGEST)) for token in source_tokens), default=0)
    down = LETTER * max((len(shorten(token, _LONGEST)) for token in target_tokens), default=0)
    left, top = down + 36, 0.75 * across + 36
    width, height = cell * len(source_tokens), cell * len(target_tokens)
    parts = [
        text(left, 14, "source", style="strong"),
        text(14, top + height / 2, "target", anchor="middle", style="strong", turn=-90),
    ]
    for column, token in enumerate(source_tokens):
        parts.append(label(left + cell * (column + 0.5) + 2, top - 6, token, _LONGEST, style="on-light", turn=-45))
    for row, token in enumerate(target_tokens):
        parts.append(label(left - 8, top + cell * (row + 0.5) + 4, token, _LONGEST, anchor="end", style="on-light"))
        for column, source in enumerate(source_tokens):
            share = float(np.clip(np.nan_to_num(weights[row, column]), 0.0, 1.0))
            tip = f"{token} looks at {source}: {share:.0%}"
            x, y = left + cell * column, top + cell * row
            parts.append(rectangle(x, y, cell, cell, "shade", more=f'fill-opacity="{share:.3f}"', tip=tip))
    parts.append(rectangle(left, top, width, height, "edge"))
    return picture(left + width + 0.75 * across + 8, top + height + 8, "Attention alignment", parts, natural=True)
