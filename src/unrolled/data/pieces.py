"""Many arrays, or one long one, taken a bounded piece at a time."""

from collections.abc import Iterable, Iterator

import numpy as np

PIECE = 1 << 22
"""values in a piece"""


def in_pieces(arrays: Iterable[np.ndarray], most: int = PIECE) -> Iterator[np.ndarray]:
    """The rows of arrays `[rows, columns]`, one array after the other, in pieces of at most `most` values or one row.

    Short arrays are joined, long ones cut; no rows are no piece.
    """
    waiting: list[np.ndarray] = []
    count = 0
    for array in arrays:
        if count + array.size > most and waiting:
            yield np.concatenate(waiting)
            waiting, count = [], 0
        rows = max(1, most // max(1, array.shape[1]))
        whole = len(array) - len(array) % rows if array.size > most else 0
        for begin in range(0, whole, rows):
            yield array[begin : begin + rows]
        if whole < len(array):
            waiting.append(array[whole:])
            count += waiting[-1].size
    if waiting:
        yield np.concatenate(waiting)
