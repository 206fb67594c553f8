"""Tokens as batches for training. Which batch comes at which index is a pure function, so a run resumes by its index.

Both feeds lay the tokens on a ring, so that an epoch can begin anywhere and still meets every token once. Going round
the end of the ring is a document border like any other.
"""

from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.token_parts import TokenPart
from unrolled.data.feeds.permutation import epoch_keys, permute
from unrolled.errors import UserError

NO_TARGET = -100


class Batch(NamedTuple):
    """Some steps of some sequences; NumPy arrays of shape `[batch, time]`."""

    inputs: np.ndarray
    """int64"""
    targets: np.ndarray
    """int64, the next token; -100 where there is none to predict"""
    mask: np.ndarray | None
    """bool, False where a step is not there (input 0, target -100); None if all are"""
    reset: np.ndarray | None
    """bool, True where a document begins in the middle of a row's history; None if none does"""
    fresh: bool
    """whether the rows begin from the initial state, and not from the state after the previous batch"""

    @property
    def scored(self) -> int:
        """How many terms its loss has: the tokens to predict."""
        wanted = self.targets != NO_TARGET
        return int((wanted if self.mask is None else wanted & self.mask).sum())


class Spans:
    """Cuts rows out of the ring of tokens of a part."""

    def __init__(self, part: TokenPart) -> None:
        self._tokens, self._size = part.tokens, len(part)
        self._borders = np.concatenate([part.starts, part.starts + len(part)])

    def cut(self, begin: np.ndarray, lengths: np.ndarray, width: int, *, fresh: bool) -> Batch:
        """Row b: `lengths[b] <= width` tokens of the ring from `begin[b]` on, and their successors in the document."""
        positions = (begin[:, None] + np.arange(width + 1)) % self._size
        tokens = self._tokens[positions].astype(np.int64)
        begins = self._document_begins(begin % self._size, width + 1)
        mask = np.arange(width) < lengths[:, None]
        inputs = np.where(mask, tokens[:, :-1], 0)
        targets = np.where(mask & ~begins[:, 1:], tokens[:, 1:], NO_TARGET)
        reset = begins[:, :-1] & mask
        if fresh:
            reset[:, 0] = False
        return Batch(inputs, targets, None if mask.all() else mask, reset if reset.any() else None, fresh)

    def _document_begins(self, begin: np.ndarray, width: int) -> np.ndarray:
        """bool `[batch, width]`: whether a document begins at each of `width` places; begin + width <= 2 * size."""
        first = np.searchsorted(self._borders, begin)
        counts = np.searchsorted(self._borders, begin + width) - first
        rows = np.repeat(np.arange(len(begin)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        begins = np.zeros((len(begin), width), dtype=bool)
        begins[rows, self._borders[first[rows] + within] - begin[rows]] = True
        return begins


class WindowFeed:
    """Windows of `context` tokens in random order, each from the initial state (full backpropagation through time).

    An epoch cuts the ring, from a random place on, into windows that do not overlap, so that every token is an input
    once and, unless it begins a document, a target once. The windows come in shuffled order; the next epoch follows at
    once, also within a batch, so that all batches are full. One window of an epoch is shorter and masked.
    """

    def __init__(
        self, part: TokenPart, *, batch_size: int, context: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the rows rank, rank + world, ...

        A context longer than the text is cut to the text. Raises `UserError` if the sizes do not fit.
        """
        _check(part, batch_size, context, rank, world)
        self.batch_size = batch_size
        self.context = min(context, len(part))
        self.tokens_per_epoch = part.targets
        self._windows = -(-len(part) // self.context)
        self.batches_per_epoch = -(-self._windows // batch_size)
        """batches after which an epoch is complete"""
        self._spans, self._size, self._seed = Spans(part), len(part), seed
        self._rows = np.arange(rank, batch_size, world)

    def batch(self, index: int) -> Batch:
        """Batch number `index`, from 0 on without end."""
        epoch, number = np.divmod(index * self.batch_size + self._rows, self._windows)
        order_key, place_key = epoch_keys(self._seed, epoch)
        position = permute(number, self._windows, order_key) * self.context
        begin = position + (place_key % np.uint64(self._size)).astype(np.int64)
        lengths = np.minimum(self.context, self._size - position)
        return self._spans.cut(begin, lengths, self.context, fresh=True)


class StreamFeed:
    """Parallel streams of contiguous text, chunk after chunk, for a carried state (truncated backpropagation).

    An epoch cuts the ring into `batch_size` streams of equal length (to one token). Every token is an input once and,
    unless it begins a document, a target once. Row b of a chunk goes on where row b of the chunk before ended. The
    first chunk of an epoch is `fresh`, the last may be short. The first epoch begins at the beginning of the text, the
    others at random places.
    """

    def __init__(
        self, part: TokenPart, *, batch_size: int, context: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the rows rank, rank + world, ...

        A text too short to give every stream one full chunk gets fewer streams (see `batch_size`), if need be with
        shorter chunks. Raises `UserError` if the sizes do not fit, also if there are fewer tokens than processes.
        """
        _check(part, batch_size, context, rank, world)
        streams = min(batch_size, max(world, len(part) // context // world * world))
        if len(part) < streams:
            raise UserError(
                f"{len(part)} tokens are too few for {world} processes; use a longer text or fewer processes"
            )
        self.batch_size = streams
        self.tokens_per_epoch = part.targets
        shortest, longer = divmod(len(part), streams)
        lengths = shortest + (np.arange(streams) < longer)
        self.context = min(context, int(lengths[0]))
        self.batches_per_epoch = -(-int(lengths[0]) // self.context)
        self._begin = (np.cumsum(lengths) - lengths)[rank::world]
        self._lengths = lengths[rank::world]
        self._longest = int(lengths[0])
        self._spans, self._size, self._seed = Spans(part), len(part), seed

    def batch(self, index: int) -> Batch:
        """Batch number `index`, from 0 on without end."""
        epoch, chunk = divmod(index, self.batches_per_epoch)
        done = chunk * self.context
        _, place_key = epoch_keys(self._seed, np.array([epoch]))
        turn = int(place_key[0]) % self._size if epoch else 0
        width = min(self.context, self._longest - done)
        lengths = np.clip(self._lengths - done, 0, width)
        return self._spans.cut(turn + self._begin + done, lengths, width, fresh=chunk == 0)


def _check(part: TokenPart, batch_size: int, context: int, rank: int, world: int) -> None:
    if batch_size < 1 or context < 1:
        raise UserError(f"batch size {batch_size} and context {context} must both be at least 1")
    if not 0 <= rank < world:
        raise UserError(f"process {rank} of {world} does not exist; processes are numbered from 0")
    if batch_size % world:
        raise UserError(f"batch size {batch_size} cannot be shared by {world} processes; make it a multiple of {world}")
    if part.targets < 1:
        raise UserError(f"the text has {len(part)} token(s), too few to predict one; give a longer text")
