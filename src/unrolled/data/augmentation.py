"""Varying signals in training, so that a network learns what does not change their meaning."""

import numpy as np

from unrolled.data.examples import Example

CHANCE = 0.5
"""How often each variation is applied."""


def augment_signal(example: Example, random: np.random.Generator, *, per_step: bool) -> Example:
    """An example with its numbers varied: louder or quieter, with a little noise, and where the target is one for the
    whole record also stretched in time, shifted, and with a piece blanked out.

    Sources: Um et al. 2017, arXiv:1706.00527 (scaling, noise, time warping of sensors); Park et al. 2019,
    arXiv:1904.08779 (blanking times and bands of spectrograms).
    """
    numbers = example.numbers
    if numbers is None:
        return example
    time, channels = numbers.shape
    numbers = numbers * random.normal(1.0, 0.1, size=(1, channels)).astype(np.float32)
    if random.random() < CHANCE:
        numbers = numbers + random.normal(0.0, 0.05, size=numbers.shape).astype(np.float32)
    if per_step or time < 8:
        return example._replace(numbers=numbers)
    if random.random() < CHANCE:
        numbers = _stretched(numbers, random)
    if random.random() < CHANCE:
        width = int(random.integers(1, max(2, time // 8)))
        start = int(random.integers(0, time - width + 1))
        numbers = numbers.copy()
        numbers[start : start + width] = 0.0
    return example._replace(numbers=numbers)


def _stretched(numbers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same number of steps of a piece that is a little shorter, or of the whole put a little aside."""
    time = len(numbers)
    length = time * random.uniform(0.9, 1.1)
    start = random.uniform(min(0.0, time - length), max(0.0, time - length))
    places = np.clip(start + np.linspace(0.0, length - 1, time), 0, time - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, time - 1)
    part = (places - low).astype(np.float32)[:, None]
    return numbers[low] * (1 - part) + numbers[high] * part
