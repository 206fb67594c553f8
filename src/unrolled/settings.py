"""What is said beside a setting: what it means, which numbers it may be, and where it does something. Light."""

import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

LARGEST = 10**9
"""No setting that is a whole number is larger, but for the seed."""


class Range(NamedTuple):
    """Which numbers a setting may be."""

    holds: Callable[[float], bool]
    words: str


COUNT = Range(lambda n: 1 <= n <= LARGEST, f"a whole number from 1 to {LARGEST:,}")
COUNT_OR_NONE = Range(lambda n: 0 <= n <= LARGEST, f"a whole number from 0 to {LARGEST:,}")
POSITIVE = Range(lambda x: x > 0, "a number above 0")
NOT_NEGATIVE = Range(lambda x: x >= 0, "0 or a number above it")
FRACTION = Range(lambda x: 0 <= x < 1, "a number from 0 to below 1")


class Condition(NamedTuple):
    """What else must hold for a setting to do something."""

    words: str
    """after "where", such as "the target is events" """
    holds: Callable[[Any], bool]
    """of a situation: `task`, `family`, `inputs`, `target`, `many`, and `data` and `model` as chosen"""


KINDS = {
    "text": "texts",
    "token": "words",
    "categorical": "categories",
    "numeric": "numbers",
    "signal": "signals",
    "frames": "frames",
}
"""Kinds of inputs, see `unrolled.data.records`, in plain words."""


@dataclass(frozen=True)
class Setting:
    """What is known of one setting. It is for every task, family and input, unless it names some."""

    help: str
    allowed: Range | None = None
    tasks: tuple[str, ...] = ()
    """only for these"""
    but: tuple[str, ...] = ()
    """for all tasks but these"""
    families: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    """one of these kinds is among the inputs"""
    when: Condition | None = None
    common: bool = False
    """whether it is among the few that most people need"""

    @property
    def everywhere(self) -> bool:
        return not (self.tasks or self.but or self.families or self.inputs or self.when)

    def fits(self, task: str | None = None, family: str | None = None, inputs: frozenset[str] | None = None) -> bool:
        """Whether it can do something there. What is None is not known yet and rules nothing out."""
        return (
            (task is None or ((not self.tasks or task in self.tasks) and task not in self.but))
            and (family is None or not self.families or family in self.families)
            and (inputs is None or not self.inputs or not inputs.isdisjoint(self.inputs))
        )

    def holds(self, here: Any) -> bool:
        """Whether it does something in a situation, see `Condition`."""
        return self.fits(here.task, here.family, here.inputs) and (self.when is None or self.when.holds(here))

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is for, in a few words each: tasks, families, inputs."""
        kinds = ", ".join(KINDS[kind] for kind in self.inputs)
        return tuple(filter(None, (", ".join(self.tasks), ", ".join(self.families), kinds)))

    @property
    def heading(self) -> str:
        """The first of these places as a title; "" for everything."""
        kind = "" if self.tasks else "family " if self.families else "inputs of "
        return f"{kind}{self.places[0]}" if self.places else ""

    @property
    def where(self) -> str:
        """The same as the end of a sentence, after "it is for"."""
        tasks = _join(self.tasks, "and") or (f"all tasks but {_join(self.but, 'and')}" if self.but else "")
        family = f"family {_join(self.families, 'or')}" if self.families else ""
        inputs = f"inputs of {_join([KINDS[kind] for kind in self.inputs], 'or')}" if self.inputs else ""
        start = " with ".join(filter(None, (tasks, family)))
        scope = " on ".join(filter(None, (start, inputs))) or "runs"
        return f"{scope} where {self.when.words}" if self.when else scope

    def sentence(self, *, below_heading: bool = False) -> str:
        """What it means, and where it is for in brackets, but for what the heading says."""
        places = [*self.places[below_heading:], *([f"not {', '.join(self.but)}"] if self.but else [])]
        return f"{self.help} ({'; '.join(places)})" if places else self.help


def _join(words: Sequence[str], last: str) -> str:
    """`a, b and c`"""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def setting(default: Any, help: str, **known: Any) -> Any:
    """A field of a config dataclass with what is known of it, see `Setting`. A list is copied for every config."""
    metadata = {"setting": Setting(help, **known)}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_in(config: Any) -> dict[str, Setting]:
    """What is known of every field of a config dataclass, by its name."""
    return {attribute.name: attribute.metadata["setting"] for attribute in fields(config)}


def parts_of(kind: Any) -> tuple[Any, ...]:
    """The members of the type of a setting if it is a union, or the type itself."""
    return typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)


def choices_of(kind: Any) -> tuple[str, ...]:
    """The texts that a type names, as in `Literal["auto", "gru"] | None`."""
    literals = [part for part in parts_of(kind) if typing.get_origin(part) is typing.Literal]
    return tuple(choice for part in literals for choice in typing.get_args(part))
