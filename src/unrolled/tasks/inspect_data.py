"""What some files hold and what would be learned from them, without reading more than their beginnings."""

from dataclasses import replace
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.data.readers.open_parts import parts_within, within_in_words
from unrolled.data.records import Field, Notes
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import Choice, choose_reading
from unrolled.tasks.reads import reads_of
from unrolled.tasks.schema import Schema


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
    choice, notes = choose_reading(files, data, task), Notes()
    schema, reads = choice.schema, reads_of(choice.task)
    if choice.offer.shape == "text":
        return Outline(schema, data, reads.found_in_text(files, data), [])
    source = choice.offer.open(notes)
    if not len(source):
        raise UserError(f"{choice.offer.name} has no record; give a file with some in it")
    aloud = data
    if schema.target is not None and data.target is None:
        named = replace(data, target=schema.target.name)
        aloud = named if _reads_alike(files, named, choice) else data
    for hint in (choice.hint, within_in_words(name for name in parts_within(source) if not getattr(data, name))):
        notes.hint(hint)
    summary = "; ".join(part for part in (reads.found(schema, source, data), choice.parts.note, *notes.hints) if part)
    lines = [f"input {in_words(field)}" for field in schema.inputs]
    lines += [] if schema.target is None else [f"target {in_words(schema.target)}"]
    return Outline(schema, aloud, summary, lines)


def _reads_alike(files: list[str], data: DataConfig, choice: Choice) -> bool:
    """Whether the files are read as was chosen with the task and the target said aloud."""
    try:
        other = choose_reading(files, data, choice.task)
    except UserError:
        return False
    return (other.offer.shape, other.schema) == (choice.offer.shape, choice.schema)


def in_words(field: Field) -> str:
    """A field with its kind and columns, such as `features: numeric per record (a, b)`."""
    names = ", ".join(field.channels[:8]) + (", ..." if len(field.channels) > 8 else "")
    columns = f" ({names})" if field.channels and field.channels != (field.name,) else ""
    rate = f" at {field.rate:g} steps per second" if field.rate else ""
    return f"{field.name}: {field.kind} per {'step' if field.timed else 'record'}{columns}{rate}"
