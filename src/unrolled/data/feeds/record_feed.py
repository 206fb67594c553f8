"""Encoded records as batches for training. Which batch comes at which index is a pure function, as for text."""

import numpy as np

from unrolled.data.feeds.augmentation import Augmentation, augment
from unrolled.data.feeds.buckets import Buckets
from unrolled.data.feeds.examples import NO_TARGET, Example, ExampleBatch, collate
from unrolled.data.feeds.long_records import Records


class RecordFeed:
    """Batches of records in the order of `Buckets`. Records without a target are left out."""

    def __init__(
        self,
        examples: Records,
        *,
        batch_size: int,
        seed: int,
        per_step: bool,
        texts: bool = False,
        packed: bool = False,
        augmentation: Augmentation = "none",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the records rank, rank + world, ..."""
        self._examples, self._seed = examples, seed
        self._per_step, self._texts, self._packed, self._augmentation = per_step, texts, packed, augmentation
        self._rank, self._world = rank, world
        self._labelled = np.array([n for n in range(len(examples)) if is_labelled(examples[n])], dtype=np.int64)
        lengths = np.array(examples.lengths, dtype=np.int64)[self._labelled]
        self._buckets = Buckets(lengths, batch_size=max(batch_size, world), seed=seed)
        self.batch_size, self.batches_per_epoch = self._buckets.batch_size, self._buckets.batches_per_epoch

    def __len__(self) -> int:
        """Records that have a target."""
        return len(self._labelled)

    def batch(self, index: int) -> ExampleBatch:
        """Batch number `index`, from 0 on without end."""
        chosen = self._labelled[self._buckets.members(index)]
        mine = chosen[self._rank :: self._world]
        # A process without a record of its own takes part all the same, with one that is not scored.
        examples = [self._examples[int(record)] for record in (mine if len(mine) else chosen[:1])]
        if self._augmentation != "none":
            random = np.random.default_rng([self._seed, index, self._rank])
            kind = self._augmentation
            examples = [augment(example, random, kind, per_step=self._per_step) for example in examples]
        batch = collate(examples, per_step=self._per_step, texts=self._texts, packed=self._packed)
        return batch if len(mine) else unscored(batch)


def unscored(batch: ExampleBatch) -> ExampleBatch:
    """The batch with nothing to learn in it."""
    if batch.targets is None or batch.lengths is not None:
        return batch._replace(lengths=np.zeros(0, dtype=np.int64), weights=None)
    nothing = np.nan if np.issubdtype(batch.targets.dtype, np.floating) else NO_TARGET
    return batch._replace(targets=np.full_like(batch.targets, nothing))


def is_labelled(example: Example) -> bool:
    """Whether an example has anything to learn from."""
    if example.target is None:
        return False
    if np.issubdtype(example.target.dtype, np.floating):
        return bool(np.isfinite(example.target).any())
    return bool((example.target != NO_TARGET).any())


def ordered_batches(examples: Records, batch_size: int) -> list[np.ndarray]:
    """All records in batches of like length, for evaluation: the numbers of the records of each."""
    order = np.argsort(np.array(examples.lengths), kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
