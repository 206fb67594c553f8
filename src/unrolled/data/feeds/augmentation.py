"""Varying numbers in training, so that a network learns what does not change their meaning."""

from typing import Literal

import numpy as np

from unrolled.data.feeds.examples import Example

Augmentation = Literal["none", "signal", "noise"]

CHANCE = 0.5
"""How often noise, stretching and blanking of a signal are applied, each by itself."""
GAIN = 0.1
"""Standard deviation of the factor of each channel."""
NOISE = {"signal": 0.05, "noise": 0.2}
"""Standard deviation of what is added to each number; scaled numbers have one of about 1."""
STRETCH = 0.1
"""The largest part by which a record becomes longer or shorter."""
BLANK = 8
"""At most one of so many parts of a record is blanked out."""


def random_gain(random: np.random.Generator, channels: int) -> np.ndarray:
    """How much louder or quieter each channel becomes, `[1, channels]`."""
    return random.normal(1.0, GAIN, size=(1, channels)).astype(np.float32)


def augment(
    example: Example,
    random: np.random.Generator,
    kind: Augmentation,
    *,
    per_step: bool,
    gain: np.ndarray | None = None,
) -> Example:
    """An example with its scaled numbers varied, and with the same steps, tokens and target.

    * noise: each channel louder or quieter, and noise on every number. For short records, in which every step has a
      meaning of its own.
    * signal: each channel louder or quieter; often a little noise; and where the target is one for the whole record
      also often stretched in time or moved, and often with a piece blanked out.

    `gain` is the loudness of a piece of a longer record (see `random_gain`), which is drawn once for all of it.

    Sources: Um et al. 2017, arXiv:1706.00527 (scaling, noise, time warping of sensors); Park et al. 2019,
    arXiv:1904.08779 (blanking times of spectrograms).
    """
    numbers = example.numbers
    if numbers is None or kind == "none":
        return example
    numbers = numbers * (random_gain(random, numbers.shape[1]) if gain is None else gain)
    if kind == "noise" or random.random() < CHANCE:
        numbers = numbers + random.normal(0.0, NOISE[kind], size=numbers.shape).astype(np.float32)
    if kind == "signal" and not per_step:
        if random.random() < CHANCE:
            numbers = _stretched(numbers, random)
        if random.random() < CHANCE:
            numbers = _blanked(numbers, random)
    return example._replace(numbers=numbers)


def _blanked(numbers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """With the mean of the training part in place of a piece."""
    time = len(numbers)
    if time < BLANK:
        return numbers
    width = int(random.integers(1, time // BLANK, endpoint=True))
    start = int(random.integers(0, time - width, endpoint=True))
    numbers = numbers.copy()
    numbers[start : start + width] = 0.0
    return numbers


def _stretched(numbers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same number of steps of a piece that is a little shorter, or of the whole put a little aside."""
    time = len(numbers)
    length = time * random.uniform(1.0 - STRETCH, 1.0 + STRETCH)
    start = random.uniform(min(0.0, time - length), max(0.0, time - length))
    places = np.clip(start + np.linspace(0.0, length - 1, time), 0, time - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, time - 1)
    part = (places - low).astype(np.float32)[:, None]
    return numbers[low] * (1 - part) + numbers[high] * part
