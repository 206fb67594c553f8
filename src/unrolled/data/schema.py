"""What is in the data and what to learn from it: inputs, target and task, guessed where the user did not say."""

import difflib
import fnmatch
from dataclasses import dataclass

from unrolled.data.records import Field, Notes, Source
from unrolled.errors import UserError

TASKS = ("classify", "regress", "tag", "language", "forecast", "translate", "transcribe", "describe")


@dataclass(frozen=True)
class Schema:
    """The roles of the fields."""

    task: str
    inputs: tuple[Field, ...]
    target: Field | None
    """None for tasks that learn what comes next (language, forecast)"""


def infer_schema(source: Source, *, task: str | None, target: str | None, inputs: list[str]) -> Schema:
    """The schema of some records. What is given holds; the rest is guessed from the kinds of the fields.

    Raises `UserError` for a field that does not exist, a task that the fields do not allow, and for records that allow
    several readings, with the flag that chooses one.
    """
    if target is not None:
        require_field(target, [field.name for field in source.fields])
    found = _target(source, task, target)
    if found is not None and found.name in inputs:
        raise UserError(f"{found.name} is both an input and the target; leave it out of --inputs")
    chosen = _inputs([field for field in source.fields if field != found], inputs)
    if not chosen:
        raise UserError(f"there is nothing to learn {found.name if found else 'it'} from: the data has no other field")
    schema = Schema(task or _task(chosen, found), chosen, found)
    _require_fit(schema)
    return schema


def _inputs(fields: list[Field], wanted: list[str]) -> tuple[Field, ...]:
    """The fields that hold what is wanted, all of them without any wish.

    A wish is the name of a field or of a channel in one, also with `*`. Readers of columns have chosen by then, and may
    have given columns that count steps the name of what they have in common.
    """
    fields = [field for field in fields if field.kind != "event"]  # they can be learned, and not read
    if not wanted:
        return tuple(fields)
    known = [name for field in fields for name in dict.fromkeys((field.name, *field.channels))]
    for name in wanted:
        if "*" not in name:
            require_field(name, known)
    return tuple(
        field
        for field in fields
        if any(fnmatch.fnmatchcase(name, wish) for name in (field.name, *field.channels) for wish in wanted)
        or (field.timed and field.kind == "numeric" and any("*" in wish for wish in wanted))
    )


def hint_at_forecast(schema: Schema, source: Source, task: str | None, notes: Notes) -> None:
    """A hint for numbers per step of a series with times, where nobody said tag: they may be meant to be forecast."""
    target = schema.target
    if task is not None or schema.task != "tag" or target is None or target.kind != "numeric":
        return
    times = getattr(source, "times", None)
    if times is not None and times(0) is not None:
        notes.hint(f"tag tells {target.name} from the other columns of the same step; --task forecast tells it ahead")


def require_field(name: str, names: list[str]) -> None:
    """Raises `UserError` with the nearest name if a field does not exist."""
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
        raise UserError(f"the data has no field {name!r}; {advice}")


def _target(source: Source, task: str | None, target: str | None) -> Field | None:
    if target is not None:
        return source.field(target)
    if task in ("language", "forecast"):
        return None
    guess = getattr(source, "target_guess", None)
    if guess is not None and (task != "describe" or _is_sequence(source.field(guess))):
        return source.field(guess)
    wanted = {
        "classify": [f for f in source.fields if f.kind == "categorical" and not f.timed],
        "regress": [f for f in source.fields if f.kind == "numeric" and not f.timed],
        "tag": [f for f in source.fields if f.timed and f.kind in ("categorical", "event")],
        "translate": [f for f in source.fields if f.kind == "text"][1:],
        "transcribe": [f for f in source.fields if f.kind == "text"],
        "describe": [f for f in source.fields if _is_sequence(f)],
    }
    orders = [wanted[task]] if task else [wanted["classify"], [f for f in wanted["tag"] if f.kind == "event"]]
    for candidates in orders:
        if len(candidates) == 1:
            return candidates[0]
        if len(candidates) > 1:
            raise UserError(
                f"the target could be any of {', '.join(f.name for f in candidates)}; choose one with --target"
            )
    if task:
        raise UserError(f"nothing in the data can be the target of {task}; name a field with --target")
    texts = [field for field in source.fields if field.kind == "text"]
    if len(texts) >= 2 or (texts and any(field.kind == "signal" for field in source.fields)):
        return texts[-1]
    if any(field.kind == "token" for field in source.fields):
        return next((f for f in source.fields if f.timed and f.kind == "categorical"), None)
    return None


def _task(inputs: tuple[Field, ...], target: Field | None) -> str:
    kinds = {field.kind for field in inputs}
    if target is None:
        if kinds <= {"text", "token"}:
            return "language"
        if "numeric" in kinds:
            return "forecast"
        raise UserError("the data has no label to learn; name one with --target, or give --labels")
    if target.kind in ("categorical", "event"):
        return "tag" if target.timed else "classify"
    if target.kind == "numeric":
        return "tag" if target.timed else "regress"
    if target.kind == "text" and "signal" in kinds:
        return "transcribe"
    if target.kind == "text" and kinds == {"text"}:
        return "translate"
    raise UserError(f"several tasks could fit the target {target.name}; choose one with --task {'|'.join(TASKS)}")


def _is_sequence(field: Field) -> bool:
    """Whether it is something to write one step at a time."""
    return field.kind == "text" or (field.timed and field.kind in ("token", "categorical", "numeric"))


_FITTING = {
    "classify": ("a label per record", lambda f: f.kind == "categorical" and not f.timed),
    "regress": ("a number per record", lambda f: f.kind == "numeric" and not f.timed),
    "tag": (
        "a label, a number or an event per step",
        lambda f: f.timed and f.kind in ("categorical", "numeric", "event"),
    ),
    "translate": ("a text", lambda f: f.kind == "text"),
    "transcribe": ("a text", lambda f: f.kind == "text"),
    "describe": ("a text, words or numbers over time", lambda f: _is_sequence(f)),
}


def _require_fit(schema: Schema) -> None:
    if schema.task not in _FITTING or schema.target is None:
        if schema.target is None and schema.task in _FITTING:
            raise UserError(f"{schema.task} needs a target; name a field with --target")
        return
    words, fits = _FITTING[schema.task]
    if not fits(schema.target):
        shape = "per step" if schema.target.timed else "per record"
        raise UserError(
            f"{schema.task} needs {words} as its target, and {schema.target.name} is {schema.target.kind} {shape}; "
            "choose another --target or --task"
        )
