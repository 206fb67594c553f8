"""A record encoded while it comes: message by message to the rows that a network reads, equal to the whole at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.messages import listed, read_message
from unrolled.data.encoders.numbers import NumericEncoder
from unrolled.data.encoders.signals import FramesEncoder, SignalEncoder, SignalSteps
from unrolled.data.feeds.examples import Example
from unrolled.data.json_values import excerpt
from unrolled.data.records import Field
from unrolled.errors import UserError

MOST_WAITING = 1 << 20
"""Rows that wait for another field."""
NUMERIC_INPUTS = (NumericEncoder, SignalEncoder, FramesEncoder)
MOST_RATES = 10_000
"""A signal may come at so many times the rate that the model reads, or so many times slower."""


class ColumnState(NamedTuple):
    """What is kept of one encoder."""

    encoder: Any
    """its own state"""
    waiting: np.ndarray
    """`[rows, columns]`: rows that wait for those of other fields; of a field with one value per record its row"""
    made: np.ndarray
    """int64 `[]`: rows in all"""


class LiveState(NamedTuple):
    """What is kept of a record that comes message by message: plain arrays, those that grow on axis 0."""

    rate: np.ndarray
    """float64 `[]`: steps per second of its signal as it comes; 0 before the first message"""
    columns: tuple[ColumnState, ...]


class LiveRows:
    """`Encoding.encode` of a record that comes in messages: what `feed` returns, and at last `finish`, joined, is the
    whole at once. A row is there as soon as all fields know it."""

    def __init__(self, encoding: Encoding, fields: Sequence[Field]) -> None:
        """`fields` are those the encoding was fitted on, with the names of their channels.

        Raises `UserError` for an encoding that needs whole records.
        """
        self.encoding, self.fields = encoding, tuple(fields)
        by_name = {field.name: field for field in fields}
        self._owner = [by_name[encoder.field] for encoder in encoding.inputs]
        self._shapes = {encoder.field: _shape(encoder) for encoder in encoding.inputs}
        self._signals = [encoder for encoder in encoding.inputs if isinstance(encoder, SignalEncoder)]
        self._default = next((by_name[encoder.field].rate or encoder.rate for encoder in self._signals), 1.0)
        self._at: dict[tuple[str, float], SignalSteps] = {}
        self.one_step = not any(map(_timed, self._owner))
        """whether a record is one step: nothing in it goes on over time"""
        self.begin()

    @property
    def reads_rate(self) -> bool:
        """Whether messages may say at which `rate` a signal comes."""
        return bool(self._signals)

    def delay(self, rate: float | int | None = None) -> float:
        """Seconds of a signal at `rate` that must have come after the beginning of a row until it is there."""
        return max((self._signal(encoder, rate or self._default).delay for encoder in self._signals), default=0.0)

    @property
    def step_seconds(self) -> float:
        """Seconds from one row to the next, where there is a signal; else 0."""
        return max((1 / encoder.steps_per_second for encoder in self._signals), default=0.0)

    def begin(self) -> LiveState:
        """Before the first message."""
        columns = [
            ColumnState(self._form(encoder, self._default).begin(), _no_rows(encoder), np.array(0))
            for encoder in self.encoding.inputs
        ]
        return LiveState(np.array(0.0), tuple(columns))

    def feed(self, message: Any, state: LiveState, *, rate: Any = None) -> tuple[Example, LiveState]:
        """The next values of a record (see `read_message`) to the rows that are ready.

        `rate`, steps per second at which its signal comes, can be told with the first message; without it is that of
        the training data. Raises `UserError` for what does not fit; the state that came in is as before.
        """
        values = read_message(message, self.fields, self._shapes)
        if not values:
            names = [field.name for field in self.fields]
            raise UserError(f"the message holds no values; give those of {listed(names)}")
        at = self._rate(rate, state)
        columns = []
        for encoder, field, before in zip(self.encoding.inputs, self._owner, state.columns, strict=True):
            after = before
            if field.name in values:
                rows, kept = self._form(encoder, at).feed(_in_list(values[field.name], field), before.encoder)
                after = self._more(before, _as_columns(rows), kept, field)
            columns.append(after)
        longest = max(columns, key=lambda column: len(column.waiting))
        if len(longest.waiting) > MOST_WAITING:
            late = min(zip(columns, self._owner, strict=True), key=lambda pair: len(pair[0].waiting))[1].name
            raise UserError(f"more than {MOST_WAITING:,} steps would wait for values of {late}; give those first")
        # A record of one step gives it once.
        news = any(not int(before.made) for before in state.columns)
        return self._ready(LiveState(np.array(at), tuple(columns)), one_step=int(news))

    def finish(self, state: LiveState) -> Example:
        """The rows that are left when no more comes.

        Raises `UserError` where nothing came, or some fields had more steps than others.
        """
        if not state.rate:
            raise UserError("nothing has come yet that could end; give the values of a record first")
        columns = []
        for encoder, field, before in zip(self.encoding.inputs, self._owner, state.columns, strict=True):
            after = before
            if _timed(field):
                rows = _as_columns(self._form(encoder, float(state.rate)).finish(before.encoder))
                after = self._more(before, rows, before.encoder, field)
            elif not before.made:
                raise UserError(f"{field.name} of this record has not come; give it before the end")
            columns.append(after)
        totals = {
            field.name: int(column.made) for field, column in zip(self._owner, columns, strict=True) if _timed(field)
        }
        if len(set(totals.values())) > 1:
            shown = ", ".join(f"{name} {total:,}" for name, total in totals.items())
            raise UserError(f"the fields of this record have unlike numbers of steps ({shown}); give what is missing")
        if 0 in totals.values():
            raise UserError("this record has no step; give the values of one")
        return self._ready(LiveState(state.rate, tuple(columns)))[0]

    def given(self, state: LiveState) -> int:
        """How many rows of the record there have been."""
        pairs = zip(self._owner, state.columns, strict=True)
        return min((int(column.made) - len(column.waiting) for field, column in pairs if _timed(field)), default=0)

    def no_row(self) -> Example:
        """A row of zeros."""
        numeric = any(isinstance(encoder, NUMERIC_INPUTS) for encoder in self.encoding.inputs)
        tokens = len(self.encoding.tables)
        return Example(
            np.zeros((1, self.encoding.channels), dtype=np.float32) if numeric else None,
            np.zeros((1, tokens), dtype=np.int64) if tokens else None,
            None,
        )

    def check(self, state: LiveState) -> None:
        """Raises `ValueError` for a state that no record leaves behind."""
        rate = float(state.rate)
        try:
            fits = rate == 0 or self._fits(rate)
            for signal in self._signals if fits else ():
                self._signal(signal, rate or self._default)
        except UserError:
            fits = False
        if not fits:
            raise ValueError(f"the saved state has a signal at {rate:g} steps per second")
        for encoder, field, column in zip(self.encoding.inputs, self._owner, state.columns, strict=True):
            self._form(encoder, rate or self._default).check(column.encoder)
            if not len(column.waiting) <= int(column.made) < 1 << 62 or (not _timed(field) and int(column.made) > 1):
                raise ValueError(f"the saved state has an impossible number of steps of {field.name}")
            if isinstance(encoder, NUMERIC_INPUTS):
                fits = bool(np.isfinite(column.waiting).all())
            else:
                fits = bool(((column.waiting >= 0) & (column.waiting < len(encoder))).all())
            if not fits:
                raise ValueError(f"the saved state holds rows of {field.name} that the model does not know")
        pairs = list(zip(self._owner, state.columns, strict=True))
        totals = {(field.name, int(column.made)) for field, column in pairs}
        if len(totals) > len({field.name for field in self._owner}):
            raise ValueError("the columns of the saved state do not fit each other")
        # Rows wait only for a field that has none, and a rate of 0 says that nothing has come.
        waits = [len(column.waiting) for field, column in pairs if _timed(field)]
        missing = any(not column.made for field, column in pairs if not _timed(field))
        began = any(int(column.made) for column in state.columns)
        if (min(waits, default=0) > 0 and not missing) or (began and not rate):
            raise ValueError("the parts of the saved state do not fit each other")

    def _ready(self, state: LiveState, *, one_step: int = 0) -> tuple[Example, LiveState]:
        """The rows that all fields know, and what waits on; `one_step` rows where nothing goes on over time."""
        pairs = list(zip(self._owner, state.columns, strict=True))
        missing = any(not column.made for field, column in pairs if not _timed(field))
        waits = (len(column.waiting) for field, column in pairs if _timed(field))
        ready = 0 if missing else min(waits, default=one_step)
        numbers: list[np.ndarray] = []
        tokens: list[np.ndarray] = []
        for encoder, (field, column) in zip(self.encoding.inputs, pairs, strict=True):
            rows = column.waiting[:ready] if _timed(field) else np.repeat(column.waiting[:1], ready, axis=0)
            if not len(column.waiting):
                rows = _no_rows(encoder)
            (numbers if isinstance(encoder, NUMERIC_INPUTS) else tokens).append(rows)
        example = Example(
            np.concatenate(numbers, axis=1) if numbers else None,
            np.concatenate(tokens, axis=1) if tokens else None,
            None,
        )
        columns = tuple(
            column._replace(waiting=column.waiting[ready:].copy()) if _timed(field) and ready else column
            for field, column in pairs
        )
        return example, state._replace(columns=columns)

    def _more(self, before: ColumnState, rows: np.ndarray, kept: Any, field: Field) -> ColumnState:
        """More rows of a field; of one that has one value per record the same again changes nothing."""
        if not _timed(field) and int(before.made):
            if not np.array_equal(rows, before.waiting):
                raise UserError(
                    f"{field.name} is one value for the whole record, and another one came before; "
                    'begin another record with "reset": true'
                )
            return before
        waiting = np.concatenate([before.waiting, rows]) if len(rows) else before.waiting
        return ColumnState(kept, waiting, np.array(int(before.made) + len(rows)))

    def _rate(self, told: Any, state: LiveState) -> float:
        """Steps per second at which the signal of this record comes."""
        known = float(state.rate)
        if told is None:
            return known or float(self._default)
        if not self._signals:
            raise UserError('the model reads no signal; leave out "rate"')
        if isinstance(told, bool) or not isinstance(told, int | float) or not self._fits(told):
            raise UserError(f'"rate" is {excerpt(repr(told))}; give the steps per second of the signal, such as 8000')
        if known and known != told:
            raise UserError(
                f'"rate" is {told:g}, and this record began at {known:g}; begin another one with "reset": true'
            )
        return float(told)

    def _fits(self, rate: float | int) -> bool:
        return all(encoder.rate / MOST_RATES <= rate <= encoder.rate * MOST_RATES for encoder in self._signals)

    def _form(self, encoder: Input, rate: float) -> Any:
        return self._signal(encoder, rate) if isinstance(encoder, SignalEncoder) else encoder

    def _signal(self, encoder: SignalEncoder, rate: float) -> SignalSteps:
        key = (encoder.field, rate)
        if key not in self._at:
            if len(self._at) >= 16:
                self._at.clear()
            self._at[key] = encoder.at(rate)
        return self._at[key]


def _timed(field: Field) -> bool:
    """Whether it goes on over time; a text does, whatever the reader says."""
    return field.timed or field.kind in ("text", "token", "signal", "frames")


def _shape(encoder: Input) -> tuple[int, ...]:
    if isinstance(encoder, NumericEncoder):
        return (len(encoder.gaps),)
    if isinstance(encoder, SignalEncoder):
        return (encoder.signal_channels,)
    return (encoder.height, encoder.width) if isinstance(encoder, FramesEncoder) else ()


def _in_list(value: Any, field: Field) -> Any:
    """A category of the whole record is one token."""
    return [value] if field.kind == "categorical" and isinstance(value, str) else value


def _as_columns(rows: np.ndarray) -> np.ndarray:
    return rows[:, None] if rows.ndim == 1 else rows


def _no_rows(encoder: Input) -> np.ndarray:
    if isinstance(encoder, NUMERIC_INPUTS):
        return np.zeros((0, encoder.channels), dtype=np.float32)
    return np.zeros((0, 1), dtype=np.int64)
