"""What every reader gives: records, read lazily, with fields of a few kinds.

A reader is a function in `unrolled.data.readers` that takes paths (and what the user said about the data) and returns a
`Source`. It looks at names and headers only; values are decoded when a record is asked for.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from unrolled.data.readers.time_formats import TimeFormat

GROUP = "group"
"""the name under which a source gives groups that its data names itself (see `Source.groups`)"""

Kind = Literal["numeric", "categorical", "text", "token", "signal", "frames", "event"]

Shape = Literal[
    "text",
    "texts",
    "labelled-text",
    "parallel-text",
    "tagged-words",
    "wide",
    "long",
    "series",
    "series-rows",
    "sequences",
    "recordings",
    "arrays",
]
"""What some files may hold.

| shape | a record is |
|---|---|
| text | a stretch of running text |
| texts, labelled-text, parallel-text | a file of text; a text and its label; a text and the same in other words |
| tagged-words | a sentence of words with a tag each |
| wide | a row of a table |
| long | the rows of a table that have one id |
| series | a whole table, a step per row |
| series-rows | a series that is told ahead, with its start and step, in one row or line |
| sequences, recordings, arrays | what a format made for records says; a file; an entry of an array |
"""

TargetForm = Literal["label", "number", "steps", "text", "sequence", "none"]
"""What the values of a target are taken for: one or several labels of a record, a number of a record, something for
each of its steps, a text, a text or a list to be written step by step; "none": nothing is a target, and numbers are
amounts."""


class Wish(NamedTuple):
    """What is wanted of data that can be read in several ways. Empty: what it suggests by itself."""

    shapes: tuple[Shape, ...] = ()
    """those that will do, most wanted first"""
    target: TargetForm | None = None
    """what its target is to be taken for"""


ANYTHING = Wish()


@dataclass(frozen=True)
class Field:
    """One field of the records of a source, and what a value of it looks like.

    | kind | one value per record (`timed` False) | one value per step (`timed` True) |
    |---|---|---|
    | numeric | float32 `[channels]` | float32 `[time, channels]`; NaN where a value is missing |
    | categorical | str, or a tuple of str where several labels hold at once | list of str `[time]` |
    | text | - | str, whose steps are what a vocabulary makes of it |
    | token | - | list of str `[time]` |
    | signal | - | float32 `[time, channels]` at `rate` steps per second |
    | frames | - | uint8 `[time, height, width, 3]` at `rate` steps per second |
    | event | - | `Events`: labelled points on the steps of the signal beside it |
    """

    name: str
    kind: Kind
    timed: bool
    channels: tuple[str, ...] = ()
    """names of the columns of a numeric field or a signal"""
    rate: float | None = None
    """steps per second, where it is the same for all records and known"""


class Events(NamedTuple):
    """Points in time with a label each."""

    positions: np.ndarray
    """int64 `[events]`, steps, ascending"""
    labels: tuple[str, ...]


class Record(NamedTuple):
    """One example as read."""

    values: dict[str, Any]
    """by field name; a target that is not known is absent or None"""
    origin: str
    """where it was read, for messages: `heart.csv, row 12` or `clips/7_anna.wav`"""
    rate: float | None = None
    """steps per second of its signal or frames, if it has one"""
    mended: tuple[tuple[str, int], ...] = ()
    """what was mended in decoding it, and how often, as for `Notes.add`: for readers that cannot know before"""


class Source(ABC):
    """Records of one kind. Reading one may decode a file; nothing holds all of them in memory unless they came so."""

    fields: tuple[Field, ...]
    formats: dict[str, tuple[str, str]] | None = None
    """of a table: how its numbers are written, where they are not plain (see `Reading.formats`)"""
    target_guess: str | None = None
    """the field that looks like what is to be learned, by its name or by its place in the format"""
    dated: bool = False
    """whether the steps of a record have times (see `StepSource.times`)"""
    slow: bool = False
    """whether decoding a record is worth a worker process (audio, video)"""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def record(self, index: int) -> Record:
        """Record number `index`. Raises `UserError` naming file and row if it cannot be read."""

    def __iter__(self) -> Iterator[Record]:
        return (self.record(index) for index in range(len(self)))

    def labels(self, name: str) -> list[str] | None:
        """The values of an untimed categorical field for all records, where they are known without decoding them."""
        return None

    def groups(self, name: str) -> list[str] | None:
        """Whom each record belongs to (patient, speaker), by the column the user named; None if there is no such."""
        return None

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


@dataclass
class Notes:
    """What a reader mended or left out, counted, for one line in the log each."""

    counts: dict[str, int] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    """what the user could say to have the data read in another way, a sentence each"""

    def add(self, what: str, number: int = 1) -> None:
        if number:
            self.counts[what] = self.counts.get(what, 0) + number

    def lines(self) -> list[str]:
        return [*self.hints, *(f"{what}: {number:,}" for what, number in self.counts.items())]

    def hint(self, sentence: str) -> None:
        """Add a hint, once."""
        if sentence not in self.hints:
            self.hints.append(sentence)

    def update(self, other: "Notes") -> None:
        """Add what others counted."""
        for what, number in other.counts.items():
            self.add(what, number)
        for sentence in other.hints:
            self.hint(sentence)


@dataclass(frozen=True)
class Reading:
    """What the user said about the data, as far as a reader needs it. Everything may be left open."""

    inputs: tuple[str, ...] = ()
    """columns to learn from; empty: all that are not otherwise used"""
    target: str | None = None
    """column (or kind of label) to learn"""
    id: str | None = None
    """long tables: the column that says which sequence a row belongs to"""
    time: str | None = None
    """column with the time of a step"""
    time_form: TimeFormat | None = None
    """how times of this kind are written, where that is known: it tells the day from the month"""
    group: str | None = None
    """column that says whom a record belongs to; no group is split between training and validation"""
    labels: str | None = None
    """CSV file with a label per file or record name, or a pattern with named groups such as `(?P<label>\\d+)_.*`"""
    wish: Wish = ANYTHING
    """what decides between several ways to read a file"""
    kinds: dict[str, str] | None = None
    """how training read the columns of a table, by name: `words` or `numbers`; truth values may be either"""
    ahead: int = 0
    """steps after the end of a series for which what is known ahead is wanted"""
    rate: float | None = None
    """steps per second to resample signals to"""
    layout: Literal["auto", "time-channels", "channels-time"] = "auto"
    """order of the axes of three-dimensional arrays, after the first"""
    label_separator: str | None = None
    """what stands between several labels of a record in a text; without it `|`"""
    decimal: Literal["auto", "point", "comma"] = "auto"
    """what stands before the decimals of numbers in a table, where their column does not tell"""
    formats: dict[str, tuple[str, str]] | None = None
    """how training read the numbers of a table that are not plain: the mark before decimals and the unit, by column"""
    unlabelled: bool = False
    """records to predict: the target may be missing, and nothing is taken for it that is not named so"""
