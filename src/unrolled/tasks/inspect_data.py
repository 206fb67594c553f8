"""What some files hold and what would be learned from them, without reading more than their beginnings."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.data.readers.open_parts import parts_within, reading_of, within_in_words
from unrolled.data.readers.registry import open_source
from unrolled.data.readers.table_cache import tables_kept
from unrolled.data.records import Field, Notes
from unrolled.data.schema import Schema, hint_at_forecast, infer_schema
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.tasks.forecast.open_series import open_for_forecast


class Outline(NamedTuple):
    """A guess, and settings that say the same aloud."""

    schema: Schema
    data: DataConfig
    """with the target that was guessed, where naming it reads the files alike"""
    summary: str
    """one line, with hints at what could be said to read the files in another way"""
    fields: list[str]
    """a line for each field: its part, its name and what its values are"""


def outline(files: list[str], data: DataConfig, *, task: str | None) -> Outline:
    """What training on these files would do. Raises `UserError` for files that allow several readings."""
    with tables_kept():
        return _outline(files, data, task)


def _outline(files: list[str], data: DataConfig, task: str | None) -> Outline:
    found, notes = find_parts([Path(file) for file in files], data), Notes()
    if task is None and (data.known or open_for_forecast(files, data, None) is not None):
        task = "forecast"
    count, schema = _read(found.parts["train"], data, task, notes)
    said = data
    if schema.target is not None and data.target is None:
        named = replace(data, target=schema.target.name)
        try:
            alike = _read(found.parts["train"], named, schema.task, Notes()) == (count, schema)
        except UserError:
            alike = False
        said = named if alike else data
    inputs = " and ".join(field.name for field in schema.inputs)
    target = "" if schema.target is None else f" -> {schema.target.name}"
    note = "".join(f"; {part}" for part in (found.note, *notes.hints) if part)
    lines = [f"input {in_words(field)}" for field in schema.inputs]
    lines += [] if schema.target is None else [f"target {in_words(schema.target)}"]
    records = counted(count, "record")
    return Outline(schema, said, f"{schema.task}: {inputs}{target}; {records}{note}", lines)


def in_words(field: Field) -> str:
    """A field with its kind and columns, such as `features: numeric per record (a, b)`."""
    names = ", ".join(field.channels[:8]) + (", ..." if len(field.channels) > 8 else "")
    columns = f" ({names})" if field.channels and field.channels != (field.name,) else ""
    rate = f" at {field.rate:g} steps per second" if field.rate else ""
    return f"{field.name}: {field.kind} per {'step' if field.timed else 'record'}{columns}{rate}"


def _read(paths: list[Path], data: DataConfig, task: str | None, notes: Notes) -> tuple[int, Schema]:
    source = open_source(paths, reading_of(data, task), notes)
    if not len(source):
        raise UserError(f"{paths[0]} has no record; give a file with some in it")
    schema = infer_schema(source, task=task, target=data.target, inputs=data.inputs)
    hint_at_forecast(schema, source, task, notes)
    notes.hint(within_in_words(name for name in parts_within(source) if not getattr(data, name)))
    said: str = getattr(source, "said", "")
    if schema.task == "forecast" and said:
        notes.hint(said)
    return len(source), schema
