"""Files opened as records: what the settings say to readers, and the parts that are files of their own."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_parts import naming
from unrolled.data.readers.read_like_training import fit_source, recipe_of
from unrolled.data.readers.registry import open_source
from unrolled.data.records import GROUP, Notes, Reading, Source
from unrolled.data.schema import infer_schema
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError


def reading_of(data: DataConfig, task: str | None) -> Reading:
    """What the settings say to a reader. Columns known ahead are read whatever the inputs are."""
    besides = [name for name in data.known if name not in data.inputs]
    return Reading(
        inputs=(*data.inputs, *besides) if data.inputs else (),
        target=data.target,
        id=data.id,
        time=data.time,
        group=data.group,
        labels=data.labels,
        task=task,
        rate=data.rate,
        layout=data.layout,
        label_separator=data.label_separator,
        decimal=data.decimal,
    )


def with_own_groups(data: DataConfig, source: Source) -> DataConfig:
    """The settings with the groups that the data names itself, if nobody named others or how to split.

    Those are `(?P<group>...)` in a pattern of labels, a column `group` in their table, and `groups` in an .npz file.
    """
    if data.group is None and data.split in ("auto", "group") and source.groups(GROUP) is not None:
        return replace(data, group=GROUP)
    return data


def open_parts(files: list[str], data: DataConfig, task: str | None, notes: Notes) -> tuple[dict[str, Source], str]:
    """The parts that are files of their own, and in words how they were found."""
    found = find_parts([Path(file) for file in files], data)
    sources = {"train": open_source(found.parts["train"], reading_of(data, task), notes)}
    try:
        schema = infer_schema(sources["train"], task=task, target=data.target, inputs=data.inputs)
    except UserError as error:
        raise naming(found.parts["train"][0], error) from None
    # The others are read as the training part was, whatever they would suggest by themselves.
    recipe = recipe_of(sources["train"], schema, data)
    reading = replace(recipe.reading, group=data.group)
    for name, paths in found.parts.items():
        if name != "train":
            source = open_source(paths, reading, notes)
            sources[name] = fit_source(source, recipe, notes, labelled=True, name=f"the {name} part ({paths[0]})")
    within = {name: part for name, part in parts_within(sources["train"]).items() if name not in sources}
    for name, part in within.items():
        sources[name] = fit_source(part, recipe, notes, labelled=True, name=f"the {name} part")
    return sources, "; ".join(part for part in (found.note, within_in_words(within)) if part)


def parts_within(source: Source) -> dict[str, Source]:
    """The parts for validation and test that lie in the same file as those for training."""
    parts = {name: getattr(source, f"{name}_part", None) for name in ("valid", "test")}
    return {name: part for name, part in parts.items() if part is not None}


def within_in_words(parts: Iterable[str]) -> str:
    """How those came about; nothing without any."""
    names = " and ".join(parts)
    return f"{names} part found in the file" if names else ""
