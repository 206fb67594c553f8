"""The target y of records that are given as arrays or lists."""

from typing import Any, NamedTuple

import numpy as np

from unrolled.data.records import Field, TargetForm
from unrolled.errors import UserError


class Target(NamedTuple):
    """A target field and its values, one per record."""

    field: Field
    values: list[Any]

    def value(self, index: int) -> Any:
        return self.values[index]

    def labels(self) -> list[str] | None:
        if self.field.kind != "categorical" or self.field.timed:
            return None
        return ["|".join(value) if isinstance(value, tuple) else value or "" for value in self.values]


def read_target(y: Any, records: int, lengths: list[int] | None, wanted: TargetForm | None) -> Target:
    """y as a field, one entry per record.

    | y | field `y` |
    |---|---|
    | words, integers, truth values | categorical; numeric `[1]` where numbers are wanted |
    | floats | numeric `[1]`; categorical where labels are wanted |
    | tuples or sets of labels, or an array `[n, classes]` of 0 and 1 where labels are wanted | categorical, several |
    | array `[n, outputs]` of floats | numeric `[outputs]` |
    | a label or number per step, as long as the record, or where steps are wanted | categorical or numeric per step |
    | texts, where they are wanted | text |

    Raises `UserError` if the number of entries or of steps does not fit, or a number is not finite.
    """
    if hasattr(y, "detach"):
        y = y.detach().cpu().numpy()
    entries = list(y.to_list() if hasattr(y, "to_list") else y)
    if len(entries) != records:
        raise UserError(f"y has {len(entries):,} entries, but X has {records:,} records; give one per record")
    if wanted == "text":
        odd = next((number for number, entry in enumerate(entries) if not isinstance(entry, (str, list, tuple))), None)
        if odd is not None:
            raise UserError(f"y[{odd}] is {entries[odd]}, where a text is expected; give one text per record")
        values = [entry if isinstance(entry, str) else " ".join(map(str, entry)) for entry in entries]
        return Target(Field("y", "text", timed=False), values)
    single = [not isinstance(entry, (list, tuple, set, frozenset, np.ndarray)) for entry in entries]
    if any(single) and not all(single):
        odd = single.index(not single[0])
        raise UserError(
            f"y[{odd}] is {entries[odd]!r}, but y[0] is {entries[0]!r}; give one label, or one list, per record"
        )
    if single[0]:
        return _one_per_record(entries, wanted)
    fits = lengths is not None and all(len(entry) == length for entry, length in zip(entries, lengths, strict=True))
    ordered = not any(isinstance(entry, (set, frozenset, tuple)) for entry in entries)
    if wanted == "steps" or (fits and ordered and wanted is None):
        return _one_per_step(entries, lengths or [])
    return _several_per_record(entries, wanted)


def _one_per_record(entries: list[Any], wanted: TargetForm | None) -> Target:
    if _are_classes(entries, wanted):
        return Target(Field("y", "categorical", timed=False), [word_of(entry) for entry in entries])
    numbers = _numbers(entries)
    return Target(Field("y", "numeric", False, ("y",)), [None if np.isnan(n) else np.array([n]) for n in numbers])


def _one_per_step(entries: list[Any], lengths: list[int]) -> Target:
    for index, (entry, length) in enumerate(zip(entries, lengths, strict=True)):
        if len(entry) != length:
            raise UserError(f"y[{index}] has {len(entry):,} steps, but X[{index}] has {length:,}; give one per step")
    if all(np.asarray(entry).dtype.kind == "f" for entry in entries):
        arrays = [_numbers(entry) for entry in entries]
        values = [array.reshape(len(array), -1) for array in arrays]
        channels = ("y",) if values[0].shape[1] == 1 else tuple(f"y_{n}" for n in range(values[0].shape[1]))
        return Target(Field("y", "numeric", True, channels), values)
    return Target(Field("y", "categorical", timed=True), [[word_of(tag) or "" for tag in entry] for entry in entries])


def _several_per_record(entries: list[Any], wanted: TargetForm | None) -> Target:
    arrays = [np.asarray(list(entry)) for entry in entries]
    numeric = all(array.dtype.kind in "biuf" for array in arrays if len(array))
    same = len({len(array) for array in arrays}) == 1
    if numeric and same and wanted == "label" and all(np.isin(array, (0, 1)).all() for array in arrays):
        held = [tuple(str(label) for label in np.flatnonzero(array)) for array in arrays]
        return Target(Field("y", "categorical", timed=False), held)
    if numeric and same and (wanted == "number" or all(array.dtype.kind == "f" for array in arrays)):
        channels = tuple(f"y_{number}" for number in range(len(arrays[0])))
        return Target(Field("y", "numeric", False, channels), [_numbers(array) for array in arrays])
    if wanted in (None, "label"):
        labels = [sorted(entry, key=str) if isinstance(entry, (set, frozenset)) else entry for entry in entries]
        return Target(
            Field("y", "categorical", timed=False), [tuple(str(label) for label in entry) for entry in labels]
        )
    raise UserError(
        f"y[0] is {entries[0]!r}, several values where one is expected; give one number or label per record"
    )


def _are_classes(entries: list[Any], wanted: TargetForm | None) -> bool:
    if wanted in ("label", "steps"):
        return True
    array = np.asarray([entry for entry in entries if entry is not None])
    return wanted not in ("number", "none") and array.dtype.kind != "f"


def word_of(entry: Any) -> str | None:
    """What a label is called: 3 and 3.0 alike; None if it is missing."""
    if entry is None or (isinstance(entry, float) and entry != entry):
        return None
    if isinstance(entry, bytes):
        return entry.decode(errors="replace")
    if isinstance(entry, (float, np.floating)) and float(entry).is_integer():
        return str(int(entry))
    return str(entry)


def _numbers(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError):
        raise UserError(
            f"y holds {values[0]!r} and the like, where numbers are expected; choose another task"
        ) from None
    if np.isinf(array).any():
        raise UserError(f"y has an infinite value (place {int(np.argmax(np.isinf(array)))}); give finite numbers")
    return array
