"""Long records as parallel streams for a carried state. Which batch comes at which index is a pure function."""

from typing import NamedTuple

import numpy as np

from unrolled.data.feeds.augmentation import Augmentation, augment, random_gain
from unrolled.data.feeds.examples import NO_TARGET, Example, ExampleBatch, steps_of
from unrolled.data.feeds.long_records import Records
from unrolled.data.feeds.permutation import epoch_keys
from unrolled.data.feeds.record_feed import is_labelled


class Piece(NamedTuple):
    """Some steps of one record, in a row of a batch."""

    record: int
    start: int
    stop: int


class RecordStreamFeed:
    """Records one after another, cut into parallel streams that come chunk after chunk (truncated backpropagation).

    An epoch lays the records in a random order on a ring and cuts it into `batch_size` streams of equal length (to one
    step), from a random place on (the first epoch: from a border). Every step is read once. Row b of a chunk goes on
    where row b of the chunk before ended; a reset stands where a record begins. The first chunk of an epoch is `fresh`,
    the last may be short. Where a whole record has one target, it is asked for at the end of every chunk, of the record
    so far, and at the end of the record. Records without a target are left out.
    """

    def __init__(
        self,
        records: Records,
        *,
        batch_size: int,
        context: int,
        seed: int,
        per_step: bool,
        augmentation: Augmentation = "none",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the rows rank, rank + world, ... With too
        few steps for a full chunk in every stream there are fewer streams."""
        self._records, self._seed, self._per_step, self._augmentation = records, seed, per_step, augmentation
        self._rank, self._world = rank, world
        self._labelled = np.array([n for n in range(len(records)) if is_labelled(records[n])], dtype=np.int64)
        self._lengths = np.array(records.lengths, dtype=np.int64)[self._labelled]
        self._total = int(self._lengths.sum())
        streams = max(1, min(batch_size, self._total // context))
        self.batch_size = max(world, streams // world * world)
        shortest, longer = divmod(self._total, self.batch_size)
        sizes = shortest + (np.arange(self.batch_size) < longer)
        self._begins, self._sizes = np.cumsum(sizes) - sizes, sizes
        self.context = min(context, int(sizes.max(initial=1)))
        self.batches_per_epoch = max(1, -(-int(sizes.max(initial=1)) // self.context))
        self._epoch, self._order = -1, np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        """Records that have a target."""
        return len(self._labelled)

    def batch(self, index: int) -> ExampleBatch:
        """Batch number `index`, from 0 on without end."""
        epoch, chunk = divmod(index, self.batches_per_epoch)
        done = chunk * self.context
        rows = range(self._rank, self.batch_size, self._world)
        width = int(min(self.context, self._sizes.max() - done))
        pieces = [self._pieces(epoch, row, done, width) for row in rows]
        examples = [self._example(parts) for parts in pieces]
        if self._augmentation != "none":
            examples = [self._varied(example, epoch, index, row) for row, example in zip(rows, examples, strict=True)]
        mask, reset = np.zeros((2, len(examples), width), dtype=bool)
        for row, parts in enumerate(pieces):
            at = 0
            for number, piece in enumerate(parts):
                # The state of a stream is fresh at its first step: nothing is to be forgotten there.
                reset[row, at] = piece.start == 0 and not (chunk == 0 and number == 0)
                at += piece.stop - piece.start
            mask[row, :at] = True
        first = self._records[int(self._labelled[0])]
        batch = ExampleBatch(
            None if first.numbers is None else _stacked([example.numbers for example in examples], width, 0),
            None if first.tokens is None else _stacked([example.tokens for example in examples], width, 0),
            None if mask.all() else mask,
            reset if reset.any() else None,
            _stacked([example.target for example in examples], width, _nothing(first.target)),
            None,
            None if first.weight is None else _stacked([example.weight for example in examples], width, 0),
            fresh=chunk == 0,
        )
        # A process whose rows have all ended takes part all the same, with steps that are not scored.
        return batch if mask.any() else batch._replace(mask=None)

    def _pieces(self, epoch: int, row: int, done: int, width: int) -> list[Piece]:
        """What row `row` reads of the ring in the next `width` steps."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._labelled))
            self._ends = np.cumsum(self._lengths[self._order])
        turn = int(epoch_keys(self._seed, np.array([epoch]))[1][0]) % self._total if epoch else 0
        position = (turn + int(self._begins[row]) + done) % self._total
        left = min(width, int(self._sizes[row]) - done)
        pieces = []
        while left > 0:
            number = int(np.searchsorted(self._ends, position, side="right"))
            record = int(self._order[number])
            length = int(self._lengths[record])
            start = position - (int(self._ends[number]) - length)
            stop = min(length, start + left)
            pieces.append(Piece(int(self._labelled[record]), start, stop))
            left -= stop - start
            position = (position + stop - start) % self._total
        return pieces

    def _example(self, pieces: list[Piece]) -> Example:
        """The pieces as one, with a target for each step."""
        parts = [self._part(piece) for piece in pieces] or [self._part(Piece(int(self._labelled[0]), 0, 0))]
        columns = zip(*parts, strict=True)
        return Example(*(None if values[0] is None else np.concatenate(values) for values in columns))

    def _part(self, piece: Piece) -> Example:
        whole = self._records[piece.record]
        steps = slice(piece.start, piece.stop)
        if whole.weight is not None:
            weight = np.full(piece.stop - piece.start, whole.weight, dtype=np.float32)
            return self._steps(whole, steps)._replace(weight=weight)
        return self._steps(whole, steps)

    def _steps(self, whole: Example, steps: slice) -> Example:
        if self._per_step:
            return steps_of(whole, steps)
        target = np.asarray(whole.target)
        asked = np.full((steps.stop - steps.start, *target.shape), _nothing(target), dtype=target.dtype)
        asked[-1:] = target
        return steps_of(whole._replace(target=None), steps)._replace(target=asked)

    def _varied(self, example: Example, epoch: int, index: int, row: int) -> Example:
        """With noise of its own, and the loudness that the stream has in this epoch."""
        if example.numbers is None or self._augmentation == "none":
            return example
        gain = random_gain(np.random.default_rng([self._seed, epoch, row]), example.numbers.shape[1])
        random = np.random.default_rng([self._seed, index, row])
        return augment(example, random, self._augmentation, per_step=True, gain=gain)


def _nothing(target: np.ndarray | None) -> float | int:
    floats = target is not None and np.issubdtype(target.dtype, np.floating)
    return np.nan if floats else NO_TARGET


def _stacked(rows: list[np.ndarray | None], width: int, missing: float | int) -> np.ndarray:
    known = [row for row in rows if row is not None]
    stacked = np.full((len(rows), width, *known[0].shape[1:]), missing, dtype=known[0].dtype)
    for padded, row in zip(stacked, known, strict=True):
        padded[: len(row)] = row
    return stacked
