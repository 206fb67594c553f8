"""Other files read as the training files were: same reader, target and labels, and fields of the same shape."""

import difflib
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.readers.alignment import align, columns_of
from unrolled.data.readers.registry import open_source
from unrolled.data.records import ANYTHING, Field, Notes, Reading, Record, Source, Wish
from unrolled.errors import UserError
from unrolled.plural import counted

_BY_PLACE = re.compile(r"(channel|feature)_\d+|.+\.\d+|value|audio")
"""Names of channels that readers made up: they say the place and no more, so that their number has to be the same."""


@dataclass(frozen=True)
class Recipe:
    """How the training files were read, kept beside the model."""

    reading: Reading
    """with what was guessed filled in"""
    inputs: tuple[Field, ...]
    """the fields that the model reads"""
    target: Field | None

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.inputs, *([self.target] if self.target else []))

    def to_json(self) -> dict[str, Any]:
        return {
            "reading": asdict(self.reading) | {"wish": self.reading.wish._asdict()},
            "inputs": [asdict(field) for field in self.inputs],
            "target": None if self.target is None else asdict(self.target),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], wish: Wish = ANYTHING) -> "Recipe":
        """The inverse of `to_json`; `wish` is for recipes of earlier versions, which do not say it.

        Raises `ValueError`, `KeyError` or `TypeError` for anything else.
        """
        known = {field.name for field in fields(Reading)}
        reading = {name: value for name, value in data["reading"].items() if name in known}
        inputs = [_field(field) for field in data["inputs"]]
        target = None if data["target"] is None else _field(data["target"])
        if "wish" in reading:
            wish = Wish(tuple(reading["wish"]["shapes"]), reading["wish"]["target"])
        formats = reading.get("formats")
        if formats is not None:
            reading["formats"] = {str(name): (str(decimal), str(unit)) for name, (decimal, unit) in formats.items()}
        return cls(Reading(**reading | {"inputs": tuple(reading["inputs"]), "wish": wish}), tuple(inputs), target)


def _field(data: dict[str, Any]) -> Field:
    return Field(**data | {"channels": tuple(data["channels"])})


def recipe_of(source: Source, inputs: tuple[Field, ...], target: Field | None, data: DataConfig, wish: Wish) -> Recipe:
    """The recipe of an open training part; `wish` is what other files are wanted for."""
    rule = getattr(getattr(source, "files", source), "rule", None)
    name = None if target is None else target.name
    if wish.target == "sequence":  # it may be what a reader made of many columns, which has no name in the file
        name = data.target
    reading = Reading(
        inputs=tuple(data.inputs),
        target=name,
        id=data.id,
        time=data.time,
        group=data.group,
        labels=data.labels or rule,
        wish=wish,
        rate=data.rate,
        layout=data.layout,
        label_separator=data.label_separator,
        decimal=data.decimal,
        formats=source.formats,
    )
    return Recipe(reading, inputs, target)


def reopen(files: list[str], recipe: Recipe, notes: Notes, *, labelled: bool, labels: str | None = None) -> Source:
    """Other files by the recipe: with their targets, or without, whether they have any or not.

    `labels` takes the place of the recipe's, where these files have theirs elsewhere. Columns that the model does not
    read are left out and counted. Raises `UserError` for files that cannot be read, lack a field or a channel that the
    model reads (with the nearest name), or, with `labelled`, lack the target.
    """
    for file in files:
        if not Path(file).exists():
            raise UserError(f"there is no file {file}; give a file or a folder of data")
    # Where nobody named a sequence to write, what a file calls its label is something to read.
    unnamed = recipe.reading.wish.target == "sequence" and recipe.reading.target is None
    reading = replace(recipe.reading, unlabelled=not labelled and not unnamed)
    reading = replace(reading, labels=(labels or reading.labels) if labelled else None, kinds=_kinds(recipe))
    source = _open_grouped([Path(file) for file in files], reading, notes, labelled)
    return fit_source(source, recipe, notes, labelled=labelled, name=", ".join(files))


def _kinds(recipe: Recipe) -> dict[str, str]:
    kinds = {field.name: "words" for field in recipe.fields if field.kind == "categorical"}
    return kinds | {
        channel: "numbers" for field in recipe.inputs if field.kind == "numeric" for channel in field.channels
    }


def _open_grouped(paths: list[Path], reading: Reading, notes: Notes, labelled: bool) -> Source:
    """Files with their groups, where they have any: only intervals of scores need them."""
    alone = replace(reading, group=None)
    if reading.group is None or not labelled:
        return open_source(paths, alone, notes)
    own = Notes()
    try:
        source = open_source(paths, reading, own)
    except UserError:
        source = open_source(paths, alone, notes)  # if that is refused too, groups are not what is wrong
        notes.add(f"files without {reading.group}, the groups of training: their intervals are over records", 1)
        return source
    notes.update(own)
    return source


def fit_source(source: Source, recipe: Recipe, notes: Notes, *, labelled: bool, name: str) -> Source:
    """The records of an open source with the fields of the recipe; see `reopen`.

    Where there is one field to learn from, here as there, its name may be another one.
    """
    if not len(source):
        raise UserError(f"{name} has no record")
    target = recipe.reading.target
    given = {field.name: field for field in source.fields if field.name != target}
    if len(recipe.inputs) == 1 and len(given) == 1 and recipe.inputs[0].name not in given:
        only = next(iter(given.values()))
        source = RenamedSource(source, only.name, recipe.inputs[0].name)
        given = {recipe.inputs[0].name: replace(only, name=recipe.inputs[0].name)}
    for wanted in recipe.inputs:
        _require_like(wanted, given, name)
    if labelled and target is not None and target not in (field.name for field in source.fields):
        others = [other for other in given if other not in {field.name for field in recipe.inputs}]
        raise UserError(f"{name} has no {target} to compare with; {_advice(target, others) or 'it has no labels'}")
    return align(source, columns_of(recipe.fields if labelled else recipe.inputs), notes, part=name)


class RenamedSource(Source):
    """The records of a source with another name for one of their fields."""

    def __init__(self, source: Source, old: str, new: str) -> None:
        self._source, self._old, self._new = source, old, new
        self.fields = tuple(replace(field, name=new) if field.name == old else field for field in source.fields)
        self.slow = source.slow

    def __len__(self) -> int:
        return len(self._source)

    def record(self, index: int) -> Record:
        record = self._source.record(index)
        values = {self._new if name == self._old else name: value for name, value in record.values.items()}
        return record._replace(values=values)

    def labels(self, name: str) -> list[str] | None:
        return self._source.labels(name)

    def groups(self, name: str) -> list[str] | None:
        return self._source.groups(name)


def _require_like(wanted: Field, given: dict[str, Field], name: str) -> None:
    given_field = given.get(wanted.name)
    if given_field is None:
        names = [other for field in given.values() for other in (field.name, *field.channels)]
        raise UserError(f"{name} has no {wanted.name}, which the model reads; {_advice(wanted.name, names)}")
    if _values(given_field) != _values(wanted):
        raise UserError(
            f"{name} has {_values(given_field)} in {given_field.name}, and the model reads {_values(wanted)}; "
            "give data of the kind it was trained with"
        )
    by_place = wanted.channels and all(_BY_PLACE.fullmatch(channel) for channel in wanted.channels)
    if by_place and len(given_field.channels) != len(wanted.channels):
        raise UserError(
            f"{name} has {_count(given_field)} in {given_field.name}, and the model reads {_count(wanted)}; "
            "give as many as it was trained with"
        )


def _values(field: Field) -> str:
    """What values of a field are, as far as encoders care."""
    if field.kind == "text" or (field.kind == "categorical" and not field.timed):
        return "a text"
    if field.kind in ("token", "categorical"):
        return "a list of words"
    return {"numeric": "numbers", "signal": "a signal", "frames": "pictures"}.get(field.kind, "events")


def _advice(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}" if names else ""


def _count(field: Field) -> str:
    return counted(len(field.channels), "channel")
