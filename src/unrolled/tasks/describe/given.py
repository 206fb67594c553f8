"""What a person knows of a sequence to write, as `name=value`, and back."""

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.numbers import NumericEncoder
from unrolled.data.records import Record
from unrolled.errors import UserError
from unrolled.tasks.describe.load import LoadedDescription


def condition_of(loaded: LoadedDescription, given: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What is given as `name=value` for every field that the model reads, as it reads it; see `condition_from`."""
    fields = _fields(loaded)
    values: dict[str, str] = {}
    for condition in given:
        name, equals, value = condition.partition("=")
        if not equals:
            raise UserError(f'--given "{condition}" is not of the form name=value; the model reads {", ".join(fields)}')
        if name in values:
            raise UserError(f"--given {name} stands there twice; leave out one of the two")
        values[name] = value
    return condition_from(loaded, values, "--given ")


def condition_from(loaded: LoadedDescription, values: dict[str, str], flag: str) -> tuple[np.ndarray, np.ndarray]:
    """The value of every field that the model reads, as it reads it; `flag` stands before each in messages.

    Raises `UserError` for a field that it does not read, a label that training did not see (with the nearest), what is
    no number, and a field that is missing.
    """
    fields = _fields(loaded)
    for name, value in values.items():
        if name not in fields:
            raise UserError(f"{flag}{name}={value}: the model reads no {name}; {_nearest(name, list(fields))}")
    missing = [name for name in fields if name not in values]
    if missing:
        example = f"{flag}{missing[0]}={_example(fields[missing[0]])}"
        raise UserError(f"the model has to know {', '.join(missing)} too; add for example {example}")
    record: dict[str, Any] = {}
    for encoder in loaded.encoding.known.inputs:
        if isinstance(encoder, TokenTable):
            label = values[encoder.field]
            if label not in encoder.tokens:
                advice = _nearest(label, list(encoder.tokens))
                raise UserError(f"{flag}{encoder.field}={label}: training had no such {encoder.field}; {advice}")
            record[encoder.field] = label
        else:
            record[encoder.field] = np.array(
                [_number(name, values[name], flag) for name in _channels(loaded, encoder.field)]
            )
    return loaded.encoding.condition(Record(record, "what is given"))


def known_in_words(loaded: LoadedDescription, condition: tuple[np.ndarray, np.ndarray]) -> str:
    """The inverse: `style=jig, key=D`."""
    numbers, categories = list(condition[0]), list(condition[1])
    words = []
    for encoder in loaded.encoding.known.inputs:
        if isinstance(encoder, TokenTable):
            number = int(categories.pop(0))
            words.append(f"{encoder.field}={encoder.tokens[number - 1] if number else '(unknown)'}")
        elif isinstance(encoder, NumericEncoder):
            own = np.array([numbers.pop(0) for _ in encoder.gaps])
            del numbers[: sum(encoder.gaps)]
            names = _channels(loaded, encoder.field)
            words += [f"{n}={v:.4g}" for n, v in zip(names, encoder.scaler.unscale(own[None])[0], strict=True)]
    return ", ".join(words)


def _fields(loaded: LoadedDescription) -> dict[str, TokenTable | None]:
    """What has to be known, by name: the labels of each, None for a number."""
    fields: dict[str, TokenTable | None] = {}
    for encoder in loaded.encoding.known.inputs:
        if isinstance(encoder, TokenTable):
            fields[encoder.field] = encoder
        else:
            fields |= dict.fromkeys(_channels(loaded, encoder.field))
    return fields


def _channels(loaded: LoadedDescription, name: str) -> tuple[str, ...]:
    return next(field.channels for field in loaded.recipe.inputs if field.name == name)


def _example(table: TokenTable | None) -> str:
    return "1.5" if table is None else table.tokens[0]


def _number(name: str, text: str, flag: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f'{flag}{name}={text}: expected a number, found "{text}"') from None
    if not math.isfinite(value):
        raise UserError(f"{flag}{name}={text}: expected a finite number")
    return value


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    shown = f"{', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
    return f"did you mean {close[0]!r}?" if close else f"it knows {shown}"
