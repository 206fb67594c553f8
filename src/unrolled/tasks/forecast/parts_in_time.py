"""Series cut in time into a part for training and parts held out: nobody learns from the future."""

import itertools
from collections.abc import Sequence

from unrolled.errors import UserError
from unrolled.tasks.forecast.windows import parts_by_time


def read_sizes(text: str, held_out: Sequence[str]) -> list[float]:
    """The sizes of the training part and of the held-out ones, such as `8640,2880,2880` or `0.7,0.1,0.2`.

    One number for each part, in the order training, validation, test; the last ones may be left out. Raises `UserError`
    for anything else.
    """
    try:
        sizes = [float(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    fractions = all(0 < size <= 1 for size in sizes)
    whole = all(size >= 1 and size == int(size) for size in sizes)
    if not sizes or not (fractions or whole) or len(sizes) > 1 + len(held_out):
        raise UserError(
            f'--data.parts is "{text}"; give the steps for training, validation and test, such as 8640,2880,2880, '
            "or fractions such as 0.7,0.1,0.2"
        )
    return sizes


def cut_in_time(
    lengths: Sequence[int], shares: dict[str, float], sizes: Sequence[float] | None, *, least: int
) -> dict[str, list[tuple[int, int]]]:
    """The steps (begin, end) of each part of series of these lengths: `train`, then the names of `shares`.

    With `sizes` (see `read_sizes`) they are as given, and what is over is left out. Else the ends of the series are
    held out, the fractions `shares` of them, but at least `least` steps; a series of which they would take more than
    half is for training as a whole. Raises `UserError` if sizes do not fit, or nothing is left for training.
    """
    names = ["train", *shares]
    if sizes is not None:
        cut = [parts_by_time(length, sizes) for length in lengths]
        return {name: [parts[number] for parts in cut] for number, name in enumerate(names[: len(sizes)])}
    if sum(shares.values()) >= 1:
        raise UserError("--data.valid_fraction and --data.test_fraction leave nothing for training")
    bounds: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for length in lengths:
        held = {name: max(least, round(share * length)) if share else 0 for name, share in shares.items()}
        by_fraction = sum(round(share * length) for share in shares.values())
        if sum(held.values()) > max(length // 2, by_fraction):
            held = dict.fromkeys(held, 0)
        borders = [0, length - sum(held.values())]
        for size in held.values():
            borders.append(borders[-1] + size)
        for name, part in zip(names, itertools.pairwise(borders), strict=True):
            bounds[name].append(part)
    return bounds
