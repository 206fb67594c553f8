"""Which records are for training, validation and a final test."""

from collections.abc import Sequence

import numpy as np

from unrolled.errors import UserError

FEW = 500
"""With an official test part and fewer training records than this, none are held out: each is worth more in training
than a validation on a tenth of them."""


def hold_out(
    count: int,
    fraction: float,
    *,
    seed: int,
    labels: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    by_time: bool = False,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Numbers of the records to keep and to hold out, ascending, and in words how they were chosen.

    * `groups`: whole groups, in random order, until the fraction is reached.
    * `by_time`: the last records.
    * `labels`: the same fraction of every label, at least one record of each that has several; unless that is less
      than half of the fraction, since most labels have one record.
    * otherwise at random.

    At least one record is kept and, if no rule forbids it, at least one is held out. Raises `UserError` if one group
    holds everything.
    """
    numbers = np.arange(count)
    random = np.random.default_rng(seed)
    wanted = min(max(1, round(count * fraction)), count - 1)
    if groups is not None:
        names = sorted(set(groups))
        if len(names) < 2:
            raise UserError(
                f"all {count} records belong to one group ({names[0] if names else 'none'}), so none can be held out; "
                "name another --group or leave it out"
            )
        sizes = dict.fromkeys(names, 0)
        for group in groups:
            sizes[group] += 1
        held: set[str] = set()
        taken = 0
        for name in random.permutation(names):
            if taken >= wanted or len(held) == len(names) - 1:
                break
            held.add(str(name))
            taken += sizes[str(name)]
        out = np.array([group in held for group in groups])
        return numbers[~out], numbers[out], f"{len(held)} of {len(names)} groups"
    if by_time:
        return numbers[:-wanted], numbers[-wanted:], "the last records"
    if labels is None or len(set(labels)) == count:
        out = np.sort(random.permutation(count)[:wanted])
        return np.setdiff1d(numbers, out), out, "at random"
    chosen = []
    for label in sorted(set(labels)):
        members = np.array([number for number, other in enumerate(labels) if other == label])
        share = round(len(members) * fraction)
        share = min(max(share, 1), len(members) - 1)
        chosen.append(random.permutation(members)[:share])
    out = np.sort(np.concatenate(chosen))
    if 2 * len(out) < wanted:  # nearly every record has a label of its own, such as a set of several
        return hold_out(count, fraction, seed=seed)
    return np.setdiff1d(numbers, out), out, "at random, the same share of every label"
