"""Files opened to forecast, and whether they suggest it."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.data.readers.open_parts import reading_of
from unrolled.data.readers.registry import find_reader, open_source
from unrolled.data.records import Notes, Reading, Source
from unrolled.data.schema import infer_schema
from unrolled.data.splits.part_names import find_parts


class Opened(NamedTuple):
    """Files opened to forecast."""

    sources: dict[str, Source]
    """by part: train, and valid and test where they are files of their own"""
    how: str
    notes: Notes


def open_for_forecast(files: list[str], data: DataConfig, task: str | None) -> Opened | None:
    """The files opened, if their task is to forecast: because the user says so, or because they suggest it.

    They do if they hold numbers over time and nothing that could be a label; or if what looks like one by its name is
    a number for every step that has a time (as in Nixtla's tables with unique_id, ds, y). Raises `UserError` for files
    that cannot be read.
    """
    if task not in (None, "forecast") or (task is None and data.target is not None):
        return None  # who names a target and no task wants to tell it from the other columns
    paths = [Path(file) for file in files]
    found = find_parts(paths, data)
    reading = reading_of(data, task)
    notes = Notes()
    if task is None:
        reader = find_reader(found.parts["train"], reading)
        if reader is None or reader[0] not in ("tables", "array_files", "arff", "tsf"):
            return None
        if reader[0] == "tables" and not _has_steps(found.parts["train"], reading):
            return None
    train = open_source(found.parts["train"], reading, notes)
    if task is None and not _suggests_forecast(train, data):
        return None
    others = {name: paths for name, paths in found.parts.items() if name != "train"}
    reading = replace(reading, task="forecast", formats=train.formats)
    sources = {"train": train} | {name: open_source(paths, reading, notes) for name, paths in others.items()}
    return Opened(sources, found.note, notes)


def _has_steps(paths: list[Path], reading: Reading) -> bool:
    from unrolled.data.readers.tables import table_layout

    return len(paths) == 1 and table_layout(paths[0], reading) in ("series", "long", "series-rows")


def _suggests_forecast(source: Source, data: DataConfig) -> bool:
    if getattr(source, "meant_for", None) == "forecast":
        return True
    guess = getattr(source, "target_guess", None)
    if guess is not None:
        field = source.field(guess)
        times = getattr(source, "times", lambda index: None)
        return field.timed and field.kind == "numeric" and times(0) is not None
    return infer_schema(source, task=None, target=data.target, inputs=data.inputs).task == "forecast"
