"""ARFF files, as Weka and the UCR and UEA archives write them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.arff_values import Attribute, read_attribute, split_cells
from unrolled.data.readers.column_roles import steps_of_series
from unrolled.data.readers.columns import Table, shown, table_of
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.offers import Offer, pick
from unrolled.data.readers.tables import table_offers
from unrolled.data.readers.ts_values import numbers, refuse, short
from unrolled.data.records import Notes, Reading, Wish
from unrolled.errors import UserError
from unrolled.plural import counted

_RECORDS = Wish(("wide", "long", "labelled-text", "series"), "label")
"""A file that names its classes has a record in each row."""
Lines = Iterator[tuple[int, str]]


_TYPES: dict[str, Any] = {
    "number": pl.Float64(),
    "nominal": pl.String(),
    "text": pl.String(),
    "date": pl.String(),
    "relational": pl.List(pl.List(pl.Float64)),
}


def offer_arff(paths: list[Path], reading: Reading) -> list[Offer]:
    """An ARFF file as a table with a row per record, which is then read as other tables are (see `table_offers`).

    Numbers, nominal values, texts and dates are columns. A relational attribute, as in the UEA archive, is a column of
    series: if its attributes count the steps (`att0 att1 ...`), each of its rows, between which `\\n` stands, is one
    channel, perhaps a shorter one; else each is a step, and its attributes are the channels (`reading.layout` says it
    where that guesses wrong). Steps at the end in which every channel is missing are cut and counted. What is last and
    nominal is the target, if none is named; nominal targets are classes.

    Raises `UserError` with file and line for what does not agree with the header, and for sparse data.
    """
    if len(paths) != 1:
        raise UserError(
            f".arff files are read one at a time, and {len(paths)} were given: {shown(map(str, paths))}; name one"
        )
    notes = Notes()
    attributes, table = _open(paths[0], reading, notes)
    last = attributes[-1]
    whole = reading.wish.target in (None, "label", "number") and not reading.unlabelled
    alone = len(attributes) == 1 or last.name in reading.inputs
    guess = last.name if last.kind == "nominal" and whole and not alone and reading.target is None else None
    target = reading.target or guess
    nominal = whole and any(attribute.name == target and attribute.kind == "nominal" for attribute in attributes)
    reading = replace(reading, target=target)
    if nominal and reading.wish.target is None:
        reading = replace(reading, wish=_RECORDS)
        return [pick(table_offers(table, reading, notes), _RECORDS.shapes).meant(guess)]
    return [offer.meant(guess) if guess is not None else offer for offer in table_offers(table, reading, notes)]


def _open(path: Path, reading: Reading, notes: Notes) -> tuple[list[Attribute], Table]:
    attributes, rows = _read_file(path, reading, notes)
    names = [attribute.name for attribute in attributes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path} has the attribute {twice!r} twice; give each its own name")
    frame = pl.DataFrame(
        {attribute.name: [row[index] for row in rows] for index, attribute in enumerate(attributes)},
        schema={attribute.name: _TYPES[attribute.kind] for attribute in attributes},
    )
    return attributes, table_of(str(path), frame)


def _read_file(path: Path, reading: Reading, notes: Notes) -> tuple[list[Attribute], list[list[Any]]]:
    lines = ((number, line.strip()) for number, line in numbered_lines(path))
    lines = ((number, line) for number, line in lines if line and not line.startswith("%"))
    attributes = _read_header(path, lines)
    rows = []
    for number, line in lines:
        if line.startswith("{"):
            refuse(path, number, "the values are written as sparse ones, {index value}; write all of them in each line")
        cells = split_cells(path, number, line)
        if len(cells) != len(attributes):
            refuse(
                path,
                number,
                f"found {counted(len(cells), 'value')}, expected {len(attributes)}, one for each @attribute",
            )
        rows.append(
            [
                _value(path, number, attribute, cell, reading, notes)
                for attribute, cell in zip(attributes, cells, strict=True)
            ]
        )
    if not rows:
        raise UserError(f"{path} has no data: nothing follows @data; give a file with one record per line")
    return attributes, rows


def _read_header(path: Path, lines: Lines) -> list[Attribute]:
    """Reads up to and including the line `@data`."""
    attributes: list[Attribute] = []
    number = 0
    for number, line in lines:
        word = line.split(None, 1)[0].lower()
        if word == "@data":
            if not attributes:
                refuse(path, number, "no @attribute stands before @data, expected one for each value of a line")
            return attributes
        if word == "@attribute":
            attribute = read_attribute(path, number, line)
            if attribute.kind == "relational":
                attribute = attribute._replace(inner=_read_relation(path, number, attribute.name, lines))
            attributes.append(attribute)
        elif word != "@relation":
            refuse(path, number, f"found {short(line)} where the header has @relation, @attribute or @data")
    raise UserError(f"{path} ends at line {number} without a line @data; it is cut short or not an .arff file")


def _read_relation(path: Path, begin: int, name: str, lines: Lines) -> tuple[Attribute, ...]:
    attributes: list[Attribute] = []
    for number, line in lines:
        word = line.split(None, 1)[0].lower()
        if word == "@end" and attributes:
            return tuple(attributes)
        if word != "@attribute":
            refuse(path, number, f"found {short(line)} within {short(name)}, expected @attribute or @end {name}")
        inner = read_attribute(path, number, line)
        if inner.kind != "number":
            refuse(path, number, f"{short(inner.name)} within {short(name)} is {inner.kind}, expected numeric")
        attributes.append(inner)
    raise UserError(f"{path}, line {begin}: the relational attribute {short(name)} is not closed by @end {name}")


def _value(path: Path, number: int, attribute: Attribute, cell: str | None, reading: Reading, notes: Notes) -> Any:
    if cell is None:
        return None
    if attribute.kind == "number":
        value = float(numbers(path, number, [cell], f"the attribute {short(attribute.name)}")[0])
        return None if np.isnan(value) else float(cell)
    if attribute.kind == "nominal" and cell not in attribute.values:
        known = shown(attribute.values)
        refuse(path, number, f"{short(cell)} is not among the values of {short(attribute.name)} ({known})")
    if attribute.kind == "relational":
        return _series(path, number, attribute, cell, reading, notes).tolist()
    return cell


def _series(path: Path, number: int, attribute: Attribute, cell: str, reading: Reading, notes: Notes) -> np.ndarray:
    """The values of a relational attribute, float32 `[time, channels]`."""
    rows, channels = [], _rows_are_channels(attribute, reading)
    for index, line in enumerate(cell.strip("\n").split("\n")):
        values = ["?" if value is None else value for value in split_cells(path, number, line)]
        if channels and len(values) < len(attribute.inner):
            values += ["?"] * (len(attribute.inner) - len(values))
        if len(values) != len(attribute.inner):
            refuse(
                path,
                number,
                f"row {index + 1} of {short(attribute.name)} has {counted(len(values), 'value')}, expected "
                f"{len(attribute.inner)}, one for each of its attributes",
            )
        rows.append(numbers(path, number, values, f"row {index + 1} of {short(attribute.name)}"))
    series = np.stack(rows)
    if channels:
        series = series.T
    present = np.flatnonzero(~np.isnan(series).all(axis=1))
    if not len(present):
        refuse(path, number, "the series has length 0: no value is there, expected at least one")
    end = int(present[-1]) + 1
    notes.add("steps of padding at the end of a series, cut off", len(series) - end)
    return series[:end]


def _rows_are_channels(attribute: Attribute, reading: Reading) -> bool:
    if reading.layout != "auto":
        return reading.layout == "channels-time"
    names = [inner.name for inner in attribute.inner]
    steps = steps_of_series(names, Reading(inputs=("*",)))
    return len(steps) == 1 and len(steps[0].columns) == len(names)
