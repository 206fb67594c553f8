"""What is learned from what: fields to read and a field to learn."""

from collections.abc import Mapping
from dataclasses import dataclass

from unrolled.data.records import Field


@dataclass(frozen=True)
class Schema:
    """The roles of the fields."""

    task: str
    inputs: tuple[Field, ...]
    target: Field | None
    """None where what comes next is learned"""


def roles_in_words(schema: Schema, facts: Mapping[str, str] | None = None, steps: str = "") -> str:
    """What is learned from what, such as `classify: features and colour -> label`.

    `facts` stand in brackets behind the names they belong to, and how many `steps` there are behind the inputs.
    """
    facts = {name: f" ({fact})" for name, fact in (facts or {}).items() if fact}
    names = " and ".join(field.name + facts.get(field.name, "") for field in schema.inputs)
    target = "" if schema.target is None else f" -> {schema.target.name}{facts.get(schema.target.name, '')}"
    return f"{schema.task}: {names}{' x ' if steps else ''}{steps}{target}"
