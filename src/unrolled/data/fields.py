"""Fields by their names."""

import difflib
import fnmatch
from collections.abc import Sequence

from unrolled.data.records import Field
from unrolled.errors import UserError


def choose_inputs(fields: Sequence[Field], wanted: Sequence[str]) -> tuple[Field, ...]:
    """The fields that hold what is wanted, all of them without any wish.

    A wish is the name of a field or of a channel in one, also with `*`. Readers of columns have chosen by then, and may
    have given columns that count steps the name of what they have in common. Raises `UserError` for a name that is not
    there.
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


def require_field(name: str, names: Sequence[str]) -> None:
    """Raises `UserError` with the nearest name if a field does not exist."""
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
        raise UserError(f"the data has no field {name!r}; {advice}")
