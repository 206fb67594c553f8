"""What some files are read as, and for which task: as was named, or as they suggest. The one place that chooses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_parts import naming
from unrolled.data.readers.array_files import UnnamedTarget
from unrolled.data.readers.offers import Offer, SeveralWays
from unrolled.data.readers.open_parts import parts_within, reading_of, within_in_words
from unrolled.data.readers.other_formats import RunningText
from unrolled.data.readers.read_like_training import Recipe, fit_source, recipe_of
from unrolled.data.readers.registry import Files, UnknownFiles, is_plain_text, open_source, running_text
from unrolled.data.records import ANYTHING, Field, Notes, Source, Wish
from unrolled.data.schema import Schema, choose_inputs, require_field
from unrolled.data.splits.part_names import FoundParts, find_parts
from unrolled.errors import UserError
from unrolled.tasks.reads import Described, Reads
from unrolled.tasks.task import TASKS, Task, task_named


def reads_of(task: str) -> Reads:
    """What a task reads."""
    return task_named(task).reads()


def wish_of(task: str | None) -> Wish:
    """What a task wants of data; nothing without one."""
    return ANYTHING if task is None else reads_of(task).wish


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


def infer_schema(data: Described, *, task: str | None, target: str | None, inputs: Sequence[str]) -> Schema:
    """What is learned from what. What is given holds; the rest is guessed from the kinds of the fields.

    Raises `UserError` for a field that does not exist, a task that the fields do not allow, and for fields of which
    several could be the target, with the flag that chooses one.
    """
    if task is not None and not reads_of(task).target:  # what comes next is learned, of all that there is
        return Schema(task, _beside(None, data.fields, ()), None)
    if target is not None:
        require_field(target, [field.name for field in data.fields])
    learned = _target_of(data, task, target)
    if learned is not None and learned.name in inputs:
        raise UserError(f"{learned.name} is both an input and the target; leave it out of --inputs")
    read = _beside(learned, data.fields, inputs)
    schema = Schema(task or _task_for(read, learned), read, learned)
    _require_fit(schema)
    return schema


def _target_of(data: Described, task: str | None, target: str | None) -> Field | None:
    if target is not None:
        return _field(data, target)
    return _obvious_target(data) if task is None else _target_for(reads_of(task), task, data)


def _field(data: Described, name: str) -> Field:
    return next(field for field in data.fields if field.name == name)


def _beside(target: Field | None, fields: Sequence[Field], inputs: Sequence[str]) -> tuple[Field, ...]:
    read = choose_inputs([field for field in fields if field != target], inputs)
    if not read:
        raise UserError(
            f"there is nothing to learn {target.name if target else 'it'} from: the data has no other field"
        )
    return read


def _target_for(reads: Reads, task: str, data: Described) -> Field:
    """The target of a task that was named."""
    guess = None if data.target_guess is None else _field(data, data.target_guess)
    if guess is not None and reads.trusts(guess):
        return guess
    target = _only(reads.candidates(data.fields))
    if target is None:
        raise UserError(f"nothing in the data can be the target of {task}; name a field with --target")
    return target


def _obvious_target(data: Described) -> Field | None:
    """The target where no task was named."""
    if data.target_guess is not None:
        return _field(data, data.target_guess)
    return next(filter(None, (_only(reads_of(name).obvious(data)) for name in TASKS)), None)


def _only(candidates: list[Field]) -> Field | None:
    if len(candidates) > 1:
        raise UserError(
            f"the target could be any of {', '.join(field.name for field in candidates)}; choose one with --target"
        )
    return candidates[0] if candidates else None


def _task_for(inputs: tuple[Field, ...], target: Field | None) -> str:
    """The task that learns such a target."""
    task = next((name for name in TASKS if reads_of(name).fits(inputs, target)), None)
    if task is not None:
        return task
    if target is None:
        raise UserError("the data has no label to learn; name one with --target, or give --labels")
    raise UserError(f"several tasks could fit the target {target.name}; choose one with --task {'|'.join(TASKS)}")


def _require_fit(schema: Schema) -> None:
    reads = reads_of(schema.task)
    if schema.target is not None and not reads.can_be_target(schema.target):
        shape = "per step" if schema.target.timed else "per record"
        raise UserError(
            f"{schema.task} needs {reads.target} as its target, and {schema.target.name} is {schema.target.kind} "
            f"{shape}; choose another --target or --task"
        )


def open_files(files: Sequence[str], data: DataConfig, task: str | None = None) -> Opened:
    """Files chosen and opened, see `choose_reading` and `open_reading`."""
    return open_reading(choose_reading(files, data, task), data)


def open_reading(choice: Choice, data: DataConfig) -> Opened:
    """All parts opened. Raises `UserError` for files that cannot be read, or that lack what the training part has."""
    notes, wish = Notes(), wish_of(choice.task)
    train = choice.offer.open(notes)
    if choice.hint:
        notes.hint(choice.hint)
    recipe = recipe_of(train, choice.schema, data, wish)
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
    return Opened(schema.task, {"train": source}, schema, recipe_of(source, schema, data, wish_of(schema.task)))
