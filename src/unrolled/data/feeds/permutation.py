"""A random order that is computed, not stored: shuffling any number of items in constant memory."""

import numpy as np

_ROUNDS = 8  # with four, neighbours among few items still stay neighbours 10 % too often


def epoch_keys(seed: int, epoch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two independent random numbers (uint64) for each epoch of a run with this seed."""
    run = _scramble(np.uint64(seed % 2**64) + np.zeros(epoch.shape, dtype=np.uint64))
    first = _scramble(run ^ _scramble(epoch.astype(np.uint64)))
    return first, _scramble(first)


def permute(number: np.ndarray, size: int, key: np.ndarray) -> np.ndarray:
    """Where each number (int64, from 0 to below `size`) goes in the order of `size` items that its `key` stands for.

    A Feistel network permutes the smallest square power of two that holds `size`; what lands outside goes through it
    again until it lands inside ("cycle walking"; Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
    """
    half = np.uint64(max(1, -(-(size - 1).bit_length() // 2)))
    position = number.astype(np.uint64)
    outside = np.ones(position.shape, dtype=bool)
    while outside.any():
        position[outside] = _feistel(position[outside], half, key[outside])
        outside = position >= size
    return position.astype(np.int64)


def _feistel(position: np.ndarray, half: np.uint64, key: np.ndarray) -> np.ndarray:
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = position >> half, position & low
    for _ in range(_ROUNDS):
        key = _scramble(key)
        left, right = right, left ^ (_scramble(right ^ key) & low)
    return (left << half) | right


def _scramble(x: np.ndarray) -> np.ndarray:
    """SplitMix64 (Steele, Lea and Flood 2014): each number to one that looks unrelated; wraps around on purpose."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
