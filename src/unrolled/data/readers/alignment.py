"""Records of another file with the columns that training had, in its order."""

import difflib
from collections.abc import Mapping

from unrolled.data.records import Field, Notes, Record, Source
from unrolled.errors import UserError

Columns = Mapping[str, tuple[str, ...]]
"""By name of a numeric field or a signal: the names of its columns, in the order in which they are read."""


class AlignedSource(Source):
    """The records of a source with some columns of their numeric fields, by place."""

    def __init__(self, source: Source, places: dict[str, list[int]]) -> None:
        self._source, self._places = source, places
        self.fields = tuple(
            Field(
                field.name,
                field.kind,
                field.timed,
                tuple(field.channels[index] for index in places[field.name]),
                field.rate,
            )
            if field.name in places
            else field
            for field in source.fields
        )
        self.slow = source.slow

    def __len__(self) -> int:
        return len(self._source)

    def record(self, index: int) -> Record:
        record = self._source.record(index)
        chosen = {
            name: record.values[name][..., places]
            for name, places in self._places.items()
            if record.values.get(name) is not None
        }
        return record._replace(values={**record.values, **chosen})

    def labels(self, name: str) -> list[str] | None:
        return self._source.labels(name)

    def groups(self, name: str) -> list[str] | None:
        return self._source.groups(name)


def columns_of(fields: tuple[Field, ...]) -> Columns:
    """What `align` needs to know of the fields that training reads."""
    return {field.name: field.channels for field in fields if field.kind in ("numeric", "signal") and field.channels}


def align(source: Source, wanted: Columns, notes: Notes, *, part: str) -> Source:
    """The same records with the wanted columns in the wanted order; others are left out and counted.

    Raises `UserError` naming a column that is missing. Columns without names are taken as they come.
    """
    places: dict[str, list[int]] = {}
    for field in source.fields:
        names = wanted.get(field.name, ())
        if not names or not field.channels or names == field.channels:
            continue
        for name in names:
            if name not in field.channels:
                close = difflib.get_close_matches(name, field.channels, n=1)
                advice = f"is it {close[0]!r}?" if close else f"it has {', '.join(field.channels)}"
                raise UserError(f"{part} has no column {name!r}, which the model reads; {advice}")
        places[field.name] = [field.channels.index(name) for name in names]
        extra = [name for name in field.channels if name not in names]
        if extra:
            notes.add(f"columns of {part} that training did not have, left out ({', '.join(extra)})", len(extra))
    return AlignedSource(source, places) if places else source
