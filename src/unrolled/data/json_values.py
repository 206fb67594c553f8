"""Values for JSON, and JSON from strangers."""

import json
import math
from typing import Any, NoReturn


def finite(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_line(value: Any, encoding: str | None = "utf-8") -> str:
    """One line of JSON that can be written in an encoding: what it lacks, and half a character, is escaped."""
    line = json.dumps(finite(value), ensure_ascii=False, allow_nan=False)
    try:
        line.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        line = json.dumps(finite(value), allow_nan=False)
    return line + "\n"


def strict_json(text: str) -> Any:
    """The value of a JSON text. Raises `ValueError` also for `NaN` and `Infinity`, which Python reads and JSON lacks,
    and for one that is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None


def excerpt(text: str, most: int = 60) -> str:
    """What was found, short enough for a sentence."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number, write null for a missing value")
