"""One or a few long records, cut in time: what came before for training, what came after for validation and testing."""

from typing import Any

import numpy as np

from unrolled.data.records import Events, Field, Record, Source

FEW_RECORDS = 4
"""Up to so many records, if they are long, are cut in time; with more, whole records are held out."""
LONG = 200
"""Steps from which on a record can be cut."""


class TimeSlice(Source):
    """The same stretch of every record, given as parts of its length, such as 0.8 to 1.0."""

    def __init__(self, source: Source, begin: float, end: float) -> None:
        self._source, self._begin, self._end = source, begin, end
        self.fields, self.slow = source.fields, source.slow
        self.target_guess = getattr(source, "target_guess", None)

    def __len__(self) -> int:
        return len(self._source)

    def labels(self, name: str) -> list[str] | None:
        return self._source.labels(name)

    def groups(self, name: str) -> list[str] | None:
        return self._source.groups(name)

    def record(self, index: int) -> Record:
        record = self._source.record(index)
        steps = _steps(record, self.fields)
        first, last = round(steps * self._begin), round(steps * self._end)
        values = {
            field.name: _cut(record.values[field.name], field, first, last)
            for field in self.fields
            if record.values.get(field.name) is not None
        }
        mended = () if self._begin else record.mended  # one slice of each record counts it
        origin = f"{record.origin}, steps {first:,} to {last:,}"
        return record._replace(values=values, origin=origin, mended=mended)


def can_be_cut(source: Source) -> bool:
    """Whether there are so few records, and so long, that time must be split."""
    if len(source) > FEW_RECORDS or not any(field.timed for field in source.fields):
        return False
    return all(_steps(source.record(index), source.fields) >= LONG for index in range(len(source)))


def _steps(record: Record, fields: tuple[Field, ...]) -> int:
    return max(
        (
            len(record.values[field.name])
            for field in fields
            if field.timed and field.kind not in ("event", "text") and record.values.get(field.name) is not None
        ),
        default=0,
    )


def _cut(value: Any, field: Field, first: int, last: int) -> Any:
    if not field.timed or field.kind == "text":
        return value
    if field.kind == "event":
        inside = (value.positions >= first) & (value.positions < last)
        labels = tuple(label for label, kept in zip(value.labels, inside, strict=True) if kept)
        return Events(np.asarray(value.positions)[inside] - first, labels)
    return value[first:last]
