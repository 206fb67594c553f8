"""Settings that cannot be, found before anything is read or written. Light: importing this does not import torch."""

import difflib
import math
import types
import typing
from dataclasses import fields
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.settings import Range, choices_of, parts_of, settings_in
from unrolled.training.config import TrainConfig
from unrolled.training.limits import parse_duration

MOST = 1e38
"""Of any number: what single precision holds."""
RANGES: dict[str, Range] = {
    f"{group}.{name}": setting.allowed
    for group, config in (("data", DataConfig), ("model", ModelConfig), ("train", TrainConfig))
    for name, setting in settings_in(config).items()
    if setting.allowed is not None
}
"""Every setting that is a number."""


def check_ranges(data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Raises `UserError` for the first setting that is of a wrong kind, out of its range or contradicts another."""
    check_values(data, model, train)
    _check_heads(model)
    _check_embedding(model)


def check_values(data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Raises `UserError` for the first setting that is of a wrong kind or out of its range."""
    for group, config in (("data", data), ("model", model), ("train", train)):
        hints = typing.get_type_hints(type(config))
        for field in fields(config):
            _check_value(f"{group}.{field.name}", getattr(config, field.name), hints[field.name])
    if train.max_time is not None:
        parse_duration(train.max_time)


def _check_value(name: str, value: Any, hint: Any) -> None:
    if value is None and types.NoneType in typing.get_args(hint):
        return
    choices = choices_of(hint)
    if choices and value not in choices:
        close = difflib.get_close_matches(str(value), choices, n=1)
        known = ", ".join(choices)
        advice = f'did you mean "{close[0]}"? ({known})' if close else f"choose one of {known}"
        raise UserError(f'--{name} is "{value}"; {advice}')
    if not choices and not _is_a(value, hint):
        raise UserError(f"--{name} is {value!r}; give {_words(name, hint)}")
    allowed = RANGES.get(name)
    if allowed is not None and not (math.isfinite(value) and allowed.holds(value)):
        raise UserError(f"--{name} is {value}; give {allowed.words}")
    if allowed is not None and value > MOST:
        raise UserError(f"--{name} is {value}; give at most {MOST:g}")


def _check_heads(model: ModelConfig) -> None:
    if model.family != "transformer":
        return
    width, heads, kv_heads = model.width, model.heads, model.kv_heads
    if width is not None and heads is not None and width % heads:
        raise UserError(
            f"--model.width {width} is not divisible by --model.heads {heads}; "
            f"a width of {-(-width // heads) * heads} is"
        )
    if heads is not None and kv_heads is not None and heads % kv_heads:
        raise UserError(
            f"--model.heads {heads} is not divisible by --model.kv_heads {kv_heads}; "
            "leave kv_heads out or give a divisor"
        )
    rotary = model.positions in ("auto", "rotary")
    if width is not None and heads is not None and rotary and (width // heads) % 2:
        raise UserError(
            f"--model.width {width} over --model.heads {heads} gives heads of {width // heads} features, "
            "and rotary positions need an even number; choose another width or other positions"
        )


def _check_embedding(model: ModelConfig) -> None:
    if model.embedding_file and not Path(model.embedding).is_file():
        close = difflib.get_close_matches(model.embedding, ("learned", "one-hot"), n=1)
        advice = f'did you mean "{close[0]}"?' if close else "give learned, one-hot or a file of word vectors"
        raise UserError(f'--model.embedding is "{model.embedding}", and there is no such file; {advice}')


def _is_a(value: Any, hint: Any) -> bool:
    for part in parts_of(hint):
        if typing.get_origin(part) is list:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return True
        elif part is float:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return True
        elif isinstance(value, part) and (part is bool or not isinstance(value, bool)):
            return True
    return False


def _words(name: str, hint: Any) -> str:
    if name in RANGES:
        return RANGES[name].words
    names = {bool: "true or false", str: "a text"}
    return next((names[part] for part in parts_of(hint) if part in names), "a list of texts")
