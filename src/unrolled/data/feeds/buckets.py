"""Which records stand in which batch: of like length, in random order, as a pure function of the batch's number."""

import numpy as np

from unrolled.data.feeds.permutation import epoch_keys, permute

POOL, POOLS = 16, 4
"""Batches whose records are sorted by length together: enough for little padding, few enough to stay random. An epoch
has at least four such pools: the records of a single one would meet the same others every time."""


class Buckets:
    """Every record once in an epoch. An epoch's order is cut into pools of up to `POOL` batches, each pool is sorted by
    length and cut into batches, and the batches come in random order."""

    def __init__(self, lengths: np.ndarray, *, batch_size: int, seed: int, whole: bool = False) -> None:
        """`whole`: one pool for all, for so many records that most batches then need no padding at all, and ties of
        equal length are enough of chance."""
        self._lengths, self._seed, self._whole = lengths, seed, whole
        self.batch_size = min(batch_size, len(lengths))
        self.batches_per_epoch = -(-len(lengths) // self.batch_size) if len(lengths) else 0
        self._order: tuple[int, list[np.ndarray]] = (-1, [])

    def members(self, index: int) -> np.ndarray:
        """The numbers of the records in batch `index`, from 0 on without end."""
        epoch, number = divmod(index, self.batches_per_epoch)
        if self._order[0] != epoch:
            self._order = (epoch, self._epoch(epoch))
        return self._order[1][number]

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        count = len(self._lengths)
        keys, batch_keys = (np.repeat(key, count) for key in epoch_keys(self._seed, np.array([epoch])))
        order = permute(np.arange(count), count, keys)
        batches: list[np.ndarray] = []
        size = self.batch_size * min(POOL, max(1, self.batches_per_epoch // POOLS))
        size = count if self._whole else size
        for start in range(0, count, size):
            pool = order[start : start + size]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += [pool[first : first + self.batch_size] for first in range(0, len(pool), self.batch_size)]
        turn = permute(np.arange(len(batches)), len(batches), batch_keys[: len(batches)])
        return [batches[index] for index in turn]
