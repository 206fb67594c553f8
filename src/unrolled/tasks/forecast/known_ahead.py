"""Columns known ahead, such as prices and holidays: which they are, and the rows at the end of a file with them."""

import difflib
from collections.abc import Sequence

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.tasks.forecast.series import Columns, Series


def choose_known(data: DataConfig, columns: Columns) -> tuple[str, ...]:
    """The columns of `--data.known`, in the order of the data.

    Raises `UserError` for one that is not there, with the nearest name, for one that does not change with time, and for
    the target.
    """
    names = (*columns.numbers, *columns.words)
    for name in data.known:
        if name == data.target:
            raise UserError(
                f"column {name!r} cannot be known ahead and be the target; leave it out of --data.known, or choose "
                "another --target"
            )
        if name in columns.left_out:
            raise UserError(
                f"column {name!r} has one value for a whole series, or words that hardly repeat, so it says nothing "
                "of the steps ahead; leave it out of --data.known"
            )
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
            raise UserError(f"the data has no column {name!r} to know ahead (--data.known); {advice}")
    return tuple(name for name in names if name in data.known)


def check_known(training: Sequence[Series], ends: Sequence[int], known: Sequence[str]) -> None:
    """Raises `UserError` for a column known ahead that never changes in training: its effect cannot be learned."""
    for name in known:
        values: set[float | str] = set()
        for series, end in zip(training, ends, strict=True):
            if name in series.words:
                values |= set(series.words[name][:end])
            else:
                column = series.numbers[name][:end]
                values |= set(column[~np.isnan(column)].tolist())
        if len(values) < 2:
            raise UserError(
                f"{training[0].origin}: column {name!r} never changes in the training part, so what it does cannot be "
                "learned; leave it out of --data.known"
            )


def first_steps(series: Series, count: int) -> Series:
    """The beginning of a series."""
    return Series(
        series.name,
        series.origin,
        {name: values[:count] for name, values in series.numbers.items()},
        {name: labels[:count] for name, labels in series.words.items()},
        None if series.times is None else series.times[:count],
        series.step,
        series.form,
    )


def future_of(series: Series, targets: Sequence[str], known: Sequence[str]) -> tuple[int, int]:
    """Where the future begins, and for how many steps from there the columns known ahead are given.

    The future are the steps at the end at which all targets are missing. It is given up to the last step with a number
    known ahead; a cell of words that is empty says that none of its labels holds, so such a column is given at every
    step. Without any target the future begins at 0.
    """
    observed = ~np.isnan(np.stack([series.numbers[name] for name in targets], axis=1)).all(axis=1)
    begin = int(np.flatnonzero(observed)[-1]) + 1 if observed.any() else 0
    if any(name in series.words for name in known):
        return begin, len(series) - begin
    given = ~np.isnan(np.stack([series.numbers[name][begin:] for name in known], axis=1)).all(axis=1)
    return begin, int(np.flatnonzero(given)[-1]) + 1 if given.any() else 0


def without_future(series: Series, targets: Sequence[str], known: Sequence[str]) -> Series:
    """What has been: the series up to its last target. Without columns known ahead, or any target, all of it."""
    if not known:
        return series
    begin, _ = future_of(series, targets, known)
    return first_steps(series, begin) if begin else series


def require_future(series: Series, targets: Sequence[str], known: Sequence[str], horizon: int) -> tuple[int, int]:
    """`future_of`. Raises `UserError` if it is shorter than the horizon, or no target is there to forecast from."""
    begin, given = future_of(series, targets, known)
    names, aims = " and ".join(known), " and ".join(targets)
    if not begin:
        raise UserError(f"{series.origin} has no value of {aims}, so there is nothing to forecast from; give its past")
    if given < horizon:
        missing = horizon - given
        when = "" if series.times is None else "the time and "
        raise UserError(
            f"{series.origin}: a forecast of {horizon:,} steps takes as many rows after the last value of {aims} that "
            f"say {names}, and {given:,} {'is' if given == 1 else 'are'} there; add "
            f"{counted(missing, 'row')} with {when}{names}, and {aims} empty"
        )
    return begin, given


def note_missing(series: Sequence[Series], known: Sequence[str], notes: Notes) -> None:
    """Count the numbers known ahead that are missing."""
    names = [name for name in known if name in series[0].numbers]
    count = sum(int(np.isnan(one_series.numbers[name]).sum()) for one_series in series for name in names)
    notes.add("missing values of columns known ahead, taken as their mean", count)
