"""What a task reads of data: in which shapes, which field can be its target, and when it is meant by itself."""

from collections.abc import Sequence
from typing import ClassVar

from unrolled.data.config import DataConfig
from unrolled.data.readers.offers import Offer
from unrolled.data.records import ANYTHING, Field, Shape, Source, Wish
from unrolled.plural import counted
from unrolled.tasks.schema import Schema, roles_in_words
from unrolled.tasks.task import task_named

Described = Offer | Source
"""Data of which the fields are known: an offer of a reader, or records that are open."""


class Reads:
    """What a task reads. Every task has one of these, see `unrolled.tasks.choose_reading`."""

    wish: ClassVar[Wish] = ANYTHING
    """the shapes of data that will do, and what its target is taken for"""
    target: ClassVar[str] = ""
    """what its target has to be, in words; empty if it learns what comes next"""

    def can_be_target(self, field: Field) -> bool:
        return False

    def candidates(self, fields: Sequence[Field]) -> list[Field]:
        """What may be its target where the task was named and the target was not."""
        return [field for field in fields if self.can_be_target(field)]

    def trusts(self, guess: Field) -> bool:
        """Whether what looks like a target by its name or place is taken for one where the task was named."""
        return True

    def obvious(self, data: Described) -> list[Field]:
        """What is a target of this task as it stands there, where neither was named.

        Raises `UserError` for fields that only look so.
        """
        return []

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        """Whether this task, and no other, learns such a target from such fields, where no task was named."""
        return False

    def goes_on_from(self, data: Described) -> bool:
        """Whether data without a target that fits is such as this task learns from, and not records without labels."""
        return False

    def claims(self, data: Described) -> bool:
        """Whether the shape of data says that it is meant, whatever its fields are called."""
        return False

    def asked_for_by(self, settings: DataConfig) -> bool:
        """Whether settings that no other task has ask for it."""
        return False

    def found(self, schema: Schema, source: Source, data: DataConfig) -> str:
        """What is in the training part, in a line: what training says of it, but for what only training knows."""
        return f"{roles_in_words(schema)}; {counted(len(source), 'record')}"

    def found_in_text(self, files: Sequence[str], data: DataConfig) -> str:
        """The same of files of running text: what there is besides one text, as far as names and beginnings tell.

        Raises `UserError` as training would.
        """
        return ""

    def hint(self, data: Described, target: Field | None) -> str:
        """What a person may have meant instead, where no task was named; nothing if that is clear."""
        return ""


def kinds(fields: Sequence[Field]) -> set[str]:
    return {field.kind for field in fields}


def shape_of(data: Described) -> Shape | None:
    """The shape that a reader offers; of records that are open it is not known."""
    return data.shape if isinstance(data, Offer) else None


def reads_of(task: str) -> Reads:
    """What a task reads."""
    return task_named(task).reads()


def wish_of(task: str | None) -> Wish:
    """What a task wants of data; nothing without one."""
    return ANYTHING if task is None else reads_of(task).wish
