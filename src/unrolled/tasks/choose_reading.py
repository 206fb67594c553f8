"""What some files are read as, and for which task: as was named, or as they suggest. The one place that chooses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_parts import naming
from unrolled.data.readers.array_files import UnnamedTarget
from unrolled.data.readers.file_source import NoNumber
from unrolled.data.readers.offers import Offer, SeveralWays
from unrolled.data.readers.open_parts import parts_within, reading_of, within_in_words
from unrolled.data.readers.other_formats import RunningText
from unrolled.data.readers.read_like_training import Recipe, fit_source, recipe_of
from unrolled.data.readers.registry import Files, UnknownFiles, is_plain_text, open_source, running_text
from unrolled.data.records import Notes, Source
from unrolled.data.splits.part_names import FoundParts, find_parts
from unrolled.errors import UserError
from unrolled.tasks.infer_schema import infer_schema
from unrolled.tasks.reads import reads_of, wish_of
from unrolled.tasks.schema import Schema
from unrolled.tasks.task import TASKS, Task, task_named


@dataclass(frozen=True)
class Choice:
    """What some files are read as."""

    task: str
    schema: Schema
    files: Sequence[str]
    """as given"""
    parts: FoundParts
    offer: Offer
    """the way to read the training part"""
    hint: str
    """what a person may have meant instead"""


@dataclass(frozen=True)
class Opened:
    """Records that are open, and what is to be learned of them."""

    task: str
    sources: dict[str, Source]
    """by part: train, and valid and test where they are files of their own"""
    schema: Schema
    recipe: Recipe
    """how other files are read"""
    how: str = ""
    """how the parts came about, in words"""
    notes: Notes = field(default_factory=Notes)
    files: Sequence[str] = ()
    weights: np.ndarray | None = None
    """float `[records]`: how much each record of the part for training counts in the loss; None if all count alike"""


def choose_task(files: list[str], data: DataConfig, name: str | None) -> tuple[Task, Any]:
    """The task that was named, or that files and settings suggest, and the files opened for it.

    Raises `UserError` as `choose_reading`.
    """
    named = name or asked_for(data)
    if named is not None:
        return task_named(named), task_named(named).open(files, data)
    choice = choose_reading(files, data)
    task = task_named(choice.task)
    return task, task.open(files, data) if choice.offer.shape == "text" else open_reading(choice, data)


def asked_for(data: DataConfig) -> str | None:
    """The task that the settings alone ask for."""
    return next((task for task in TASKS if reads_of(task).asked_for_by(data)), None)


def choose_reading(files: Sequence[str], data: DataConfig, task: str | None = None) -> Choice:
    """What some files are read as, for the task named or the one that they and the settings suggest.

    Nothing is decoded. Raises `UserError` for files that cannot be read, fields that do not exist or do not allow the
    task, and for what may be several things, with what chooses.
    """
    named, paths = task or asked_for(data), [Path(file) for file in files]
    with _naming_tasks(named):
        if named is None and is_plain_text(paths):
            named = _text_task()
        shapes = () if named is None else reads_of(named).wish.shapes
        if named is not None and ("text" in shapes or not shapes):  # it reads no records, and opens files itself
            parts, schema = FoundParts({"train": paths}, ""), Schema(named, (), None)
            return Choice(named, schema, files, parts, running_text(paths), "")
        parts = find_parts(paths, data)
        offer = Files(parts.parts["train"]).choose(reading_of(data, wish_of(named)))
        _ = offer.fields  # what cannot be read in this way is refused here
    try:
        schema = _schema_of(offer, data, named)
    except UserError as error:
        raise naming(parts.parts["train"][0], error) from None
    hint = "" if named is not None else reads_of(schema.task).hint(offer, schema.target)
    return Choice(schema.task, schema, files, parts, offer, hint)


@contextmanager
def _naming_tasks(task: str | None) -> Iterator[None]:
    """Within, a refusal of a reader, which knows no task, says which one reads the files in another way."""
    try:
        yield
    except SeveralWays as error:
        raise SeveralWays(error.name, error.columns, {"series": f"--task {_series_task()}"}) from None
    except UnknownFiles as error:
        raise UnknownFiles(error.path, error.suffixes, f", text with --task {_text_task()}") from None
    except UnnamedTarget as error:
        raise UserError(f"{error}, or choose --task {_series_task()}" if task is None else str(error)) from None
    except NoNumber as error:
        classes = next(name for name in TASKS if reads_of(name).wish.target == "label")
        raise UserError(f"{error}; use --task {classes} for classes") from None
    except RunningText as error:
        raise UserError(f"{error}, or say --task {_text_task()} to learn its characters as they stand") from None


def _text_task() -> str:
    """The task that reads running text, which has no fields."""
    return next(name for name in TASKS if "text" in reads_of(name).wish.shapes)


def _series_task() -> str:
    """The task that needs no target and reads series."""
    return next(name for name in TASKS if "series" in reads_of(name).wish.shapes and not reads_of(name).target)


def _schema_of(offer: Offer, data: DataConfig, task: str | None) -> Schema:
    if task is None and data.target is None:
        task = next((name for name in TASKS if reads_of(name).claims(offer)), None)
        if task is not None:
            return infer_schema(offer, task=task, target=None, inputs=data.inputs)
    schema = infer_schema(offer, task=task, target=data.target, inputs=data.inputs)
    if task is None and schema.target is None and not reads_of(schema.task).goes_on_from(offer):
        raise UserError(
            "there is no label to learn; name a field with --target or say with --labels where they are, or choose "
            f"--task {schema.task}"
        )
    return schema


def open_files(files: Sequence[str], data: DataConfig, task: str | None = None) -> Opened:
    """Files chosen and opened, see `choose_reading` and `open_reading`."""
    return open_reading(choose_reading(files, data, task), data)


def open_reading(choice: Choice, data: DataConfig) -> Opened:
    """All parts opened. Raises `UserError` for files that cannot be read, or that lack what the training part has."""
    notes, wish = Notes(), wish_of(choice.task)
    train = choice.offer.open(notes)
    if choice.hint:
        notes.hint(choice.hint)
    recipe = recipe_of(train, choice.schema.inputs, choice.schema.target, data, wish)
    sources = {"train": train}
    others = {name: paths for name, paths in choice.parts.parts.items() if name != "train"}
    if not reads_of(choice.task).target:  # series find their columns by name when they are read
        reading = replace(reading_of(data, wish), formats=train.formats)
        sources |= {name: open_source(paths, reading, notes) for name, paths in others.items()}
        return Opened(choice.task, sources, choice.schema, recipe, choice.parts.note, notes, choice.files)
    # The others are read as the training part was, whatever they would suggest by themselves.
    reading = replace(recipe.reading, group=data.group)
    for name, paths in others.items():
        source = open_source(paths, reading, notes)
        sources[name] = fit_source(source, recipe, notes, labelled=True, name=f"the {name} part ({paths[0]})")
    within = {name: part for name, part in parts_within(train).items() if name not in sources}
    for name, part in within.items():
        sources[name] = fit_source(part, recipe, notes, labelled=True, name=f"the {name} part")
    how = "; ".join(part for part in (choice.parts.note, within_in_words(within)) if part)
    return Opened(choice.task, sources, choice.schema, recipe, how, notes, choice.files)


def opened_source(source: Source, data: DataConfig, task: str | None) -> Opened:
    """Records in memory as if they had been opened. Raises `UserError` for fields that do not allow the task."""
    schema = infer_schema(source, task=task, target=data.target, inputs=data.inputs)
    recipe = recipe_of(source, schema.inputs, schema.target, data, wish_of(schema.task))
    return Opened(schema.task, {"train": source}, schema, recipe)
