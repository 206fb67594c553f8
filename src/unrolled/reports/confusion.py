"""Confusion matrices, and the scores of each class with their intervals."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from unrolled.reports.drawing import LETTER, label, picture, rectangle, scale, shorten, text
from unrolled.scoring.classification import ClassScores

_MOST_CLASSES = 20
_LONGEST = 16


def confusion_matrix(counts: Int[np.ndarray, "classes classes"], labels: Sequence[str]) -> str:
    """True classes as rows, predicted ones as columns; the shade is the share of the row, the number the records.

    Of more than 20 classes those are shown that are confused most with others; shares are still those of whole rows.
    """
    totals = counts.sum(axis=1)
    shown = _most_confused(counts)
    count = len(shown)
    names = [labels[index] for index in shown]
    wide = LETTER * max((len(shorten(name, _LONGEST)) for name in names), default=0)
    cell = 64 if count <= 4 else 52 if count <= 8 else 40 if count <= 12 else 36
    upright = wide <= cell - 6
    left, top = wide + 34, 44 if upright else 40 + 0.75 * wide
    edge = left + count * cell
    parts = [
        text(left, 14, "predicted", style="strong"),
        text(14, top + count * cell / 2, "true", anchor="middle", style="strong", turn=-90),
    ]
    for row, index in enumerate(shown):
        middle = top + cell * row + cell / 2 + 4
        parts.append(label(left - 8, middle, labels[index], _LONGEST, anchor="end"))
        x = left + cell * row + cell / 2
        if upright:
            parts.append(label(x, top - 8, labels[index], _LONGEST, anchor="middle"))
        else:
            parts.append(label(x, top - 8, labels[index], _LONGEST, turn=-45))
        for column, other in enumerate(shown):
            share = counts[index, other] / max(1, totals[index])
            tip = f"{labels[index]} taken for {labels[other]}: {counts[index, other]:,} of {totals[index]:,}"
            x, y = left + cell * column, top + cell * row
            parts.append(rectangle(x, y, cell, cell, "shade", more=f'fill-opacity="{share:.3f}"', tip=tip))
            if counts[index, other]:
                style = "on-dark" if share > 0.65 else "on-light"
                parts.append(
                    text(x + cell / 2, middle, _short(int(counts[index, other])), anchor="middle", style=style)
                )
    for step in range(count + 1):
        near, far = left + cell * step, top + cell * step
        parts.append(
            f'<path class="edge" d="M{near:.1f},{top:.1f}v{count * cell}M{left:.1f},{far:.1f}h{count * cell}"/>'
        )
    bottom = top + count * cell + 6
    if count < len(labels):
        bottom += 20
        parts.append(text(left, bottom - 4, f"the {count} of {len(labels)} classes that are confused most"))
    room = edge + 10 if upright else edge + 0.75 * wide
    return picture(max(room, left + 260 if count < len(labels) else 0), bottom, "Confusion matrix", parts, natural=True)


def score_bars(scores: Sequence[ClassScores], *, counted: str = "records", most: int = 40) -> str:
    """F1 of each class as a bar with its 95 % interval; of more than `most` classes the `most` with the lowest F1.

    `counted` is what there are so many of in each class.
    """
    ranked = sorted(scores, key=lambda score: -1.0 if score.f1.value is None else score.f1.value)
    kept = ranked[:most]
    shown = [score for score in scores if any(score is other for other in kept)]
    wide = LETTER * max((len(shorten(score.label, 24)) for score in shown), default=0)
    left, width, row = wide + 16, 760.0, 24
    right = width - 170
    to_x = scale(0.0, 1.0, left, right)
    bottom = 22 + row * len(shown)
    parts = [text(right + 62, 12, "F1", anchor="end", style="strong"), text(width, 12, counted, anchor="end")]
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path class="edge" d="M{to_x(value):.1f},18V{bottom}"/>')
        parts.append(text(to_x(value), bottom + 16, f"{value:g}", anchor="middle"))
    for index, score in enumerate(shown):
        y = 22 + row * index
        parts.append(label(left - 8, y + 16, score.label, 24, anchor="end"))
        f1 = score.f1
        parts.append(text(width, y + 16, f"{score.support:,}", anchor="end"))
        if f1.value is None:
            parts.append(text(left + 6, y + 16, f1.note))
            continue
        tip = f"{score.label}: F1 {f1}, precision {score.precision}, recall {score.recall}"
        parts.append(rectangle(left, y + 4, to_x(f1.value) - left, row - 8, "bar", tip=tip))
        parts.append(text(right + 62, y + 16, f"{f1.value:.3f}", anchor="end", style="strong"))
        if f1.low is not None and f1.high is not None:
            low, high, middle = to_x(f1.low), to_x(f1.high), y + row / 2
            parts.append(
                f'<path class="whisker" d="M{low:.1f},{middle}H{high:.1f}'
                f'M{low:.1f},{middle - 4}v8M{high:.1f},{middle - 4}v8"/>'
            )
    note = f"the {most} of {len(scores)} classes with the lowest F1" if len(scores) > most else "with 95 % intervals"
    parts.append(text(left, bottom + 34, note))
    return picture(width, bottom + 40, "F1 of each class", parts)


def _most_confused(counts: np.ndarray) -> list[int]:
    """The classes of the largest counts beside the diagonal, in their order; all if there are few."""
    classes = len(counts)
    if classes <= _MOST_CLASSES:
        return list(range(classes))
    both = counts + counts.T
    np.fill_diagonal(both, 0)
    chosen: set[int] = set()
    for pair in np.argsort(-both, axis=None, kind="stable").tolist():
        chosen |= set(divmod(pair, classes))
        if len(chosen) >= _MOST_CLASSES:
            break
    return sorted(chosen)[:_MOST_CLASSES]


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1e3:.0f}k" if count < 1e6 else f"{count / 1e6:.1f}M"
