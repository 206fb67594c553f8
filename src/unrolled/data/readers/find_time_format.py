"""Finding how times are written: the formats that a cell allows, and what several cells show of one."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from unrolled.data.readers.time_formats import SHORT, UNITS, ZONE, Order, TimeFormat, month_of, weekday_of

_EPOCH_YEARS = (631_152_000, 4_102_444_800)
"""seconds of the years 1990 to 2099, of which a number must be for an epoch"""
_CLOCK = re.compile(
    r"(?<![0-9])[0-9]{1,3}:[0-9]{1,2}(?P<S>:[0-9]{1,2}(?:[.,][0-9]+)?)?(?:(?P<space> *)(?P<p>[AaPp]\.?[Mm]\.?)"
    rf"(?![A-Za-z]))?(?:(?P<gap> *){ZONE}(?= |$))?(?![0-9:])"
)
_HOUR = re.compile(r"(?<![0-9:.])[0-9]{1,2}(?P<space> *)[AaPp]\.?[Mm]\.?(?![A-Za-z])")
_RUN_ON = re.compile(
    rf"(?P<date>.+?)(?P<join>[Tt_]| +)(?:(?P<dots>[0-9]{{1,2}}\.[0-9]{{2}}(?P<S>\.[0-9]{{2}})?)|(?P<H>[0-9]{{2}})"
    rf"(?P<M>[0-9]{{2}})?(?P<S2>[0-9]{{2}}(?:[.,][0-9]+)?)?)(?:(?P<gap> *){ZONE})?"
)
_PERIODS = (
    (re.compile(r"[0-9]{4}([ -]?)([Qq])[1-4]"), ("%Y", 1, 2, "%q")),
    (re.compile(r"([Qq])[1-4]([ /-]?)[0-9]{4}"), (1, "%q", 2, "%Y")),
    (re.compile(r"[1-4]([Qq])([ /-]?)[0-9]{4}"), ("%q", 1, 2, "%Y")),
    (re.compile(r"[0-9]{4}(-?)(W)[0-9]{2}"), ("%G", 1, 2, "%V")),
    (re.compile(r"[0-9]{4}(-?)(W)[0-9]{2}(-?)[1-7]"), ("%G", 1, 2, "%V", 3, "%u")),
    (re.compile(r"[0-9]{4}([ -]?)(M)[0-9]{2}"), ("%Y", 1, 2, "%m")),
)
_COMPACT = {
    8: ("%Y", "%m", "%d"),
    14: ("%Y", "%m", "%d", "%H", "%M", "%S"),
    12: ("%Y", "%m", "%d", "%H", "%M"),
    10: ("%Y", "%m", "%d", "%H"),
    6: ("%Y", "%m"),
}


def guess(cell: str) -> list[TimeFormat]:
    """The formats in which one cell may be written, the usual ones first; none if it is no time.

    Only where day, month and year are all numbers there are several.
    """
    cell = cell.strip()
    if not 4 <= len(cell) <= 60 or not re.search("[0-9]", cell):
        return []
    clock = _CLOCK.search(cell)
    if clock:
        front, back = cell[: clock.start()], cell[clock.end() :]
        formats = _date(front + "\0" + back)
        return [_with_clock(form, _clock_parts(clock)) for form in formats]
    hour = _HOUR.search(cell)
    if hour:
        formats = _date(cell[: hour.start()] + "\0" + cell[hour.end() :])
        return [_with_clock(form, ("%I", *filter(None, (hour["space"],)), "%p")) for form in formats]
    formats = _date(cell)
    run_on = None if formats else _RUN_ON.fullmatch(cell)
    if run_on:
        parts = _run_on_parts(run_on)
        formats = [replace(form, parts=(*form.parts, *parts)) for form in _date(run_on["date"]) if "%d" in form.parts]
    return formats


def _with_clock(form: TimeFormat, clock: tuple[str, ...]) -> TimeFormat:
    at = form.parts.index("\0")
    return replace(form, parts=(*form.parts[:at], *clock, *form.parts[at + 1 :]))


def _clock_parts(clock: re.Match[str]) -> tuple[str, ...]:
    parts = ["%I" if clock["p"] else "%H", ":", "%M"]
    parts += [":", "%S"] if clock["S"] else []
    parts += [*filter(None, (clock["space"],)), "%p"] if clock["p"] else []
    parts += [*filter(None, (clock["gap"],)), "%z"] if clock["z"] else []
    return tuple(parts)


def _run_on_parts(match: re.Match[str]) -> tuple[str, ...]:
    parts = [match["join"], "%H"]
    if match["dots"]:
        parts += [".", "%M", *((".", "%S") if match["S"] else ())]
    else:
        parts += ["%M"] if match["M"] else []
        parts += ["%S"] if match["S2"] else []
    parts += [*filter(None, (match["gap"],)), "%z"] if match["z"] else []
    return tuple(parts)


def _date(text: str) -> list[TimeFormat]:
    """The formats of what is left of a cell without its time of day, for which `\\0` stands."""
    if text == "\0":
        return [TimeFormat(("\0",))]
    if "\0" not in text:
        for pattern, form in _PERIODS:
            match = pattern.fullmatch(text)
            if match:
                filled = (match[part] if isinstance(part, int) else part for part in form)
                return [TimeFormat(tuple(filter(None, filled)))]
        if text.isdecimal():
            compact = _COMPACT.get(len(text))
            return [TimeFormat(compact)] if compact and text[:2] in ("18", "19", "20") else []
    tokens = re.findall(r"[0-9]+|[A-Za-z]+|\0|[^0-9A-Za-z\0]+", text)
    parts = list(tokens)
    numbers: list[int] = []
    named = False
    for index, token in enumerate(tokens):
        if token.isdecimal():
            numbers.append(index)
        elif token.isalpha():
            month, weekday = month_of(token), weekday_of(token)
            if month and not named:
                parts[index], named = "%b", True
            elif weekday and "%a" not in parts:
                parts[index] = "%a"
            elif token not in ("T", "t") or tokens[index + 1 : index + 2] != ["\0"]:
                return []
        elif token != "\0" and not re.fullmatch(r"[-/. ,:'_]{1,3}", token):
            return []
    lengths = [len(tokens[index]) for index in numbers]
    if lengths == [8] and not named and "\0" in tokens:
        at = numbers[0]
        return [TimeFormat((*parts[:at], *_COMPACT[8], *parts[at + 1 :]))]
    roles = _named_roles(lengths, tokens, numbers) if named else _number_roles(lengths, tokens, numbers)
    formats = []
    for order, codes in roles:
        coded = list(parts)
        for index, code in zip(numbers, codes, strict=True):
            coded[index] = code
        formats.append(TimeFormat(tuple(coded), order))
    return formats


def _named_roles(
    lengths: list[int], tokens: list[str], numbers: list[int]
) -> list[tuple[Order | None, tuple[str, ...]]]:
    if len(lengths) == 2:
        if lengths[0] == 4 and lengths[1] <= 2:
            return [(None, ("%Y", "%d"))]
        if lengths[0] <= 2 and lengths[1] in (2, 4):
            return [(None, ("%d", "%Y" if lengths[1] == 4 else "%y"))]
    if lengths == [4]:
        return [(None, ("%Y",))]
    # Jan-19 and Jan'19 are months; 19-Jan and Jan 19 may be days of a year that is not said.
    if lengths == [2] and "".join(tokens[: numbers[0]])[-1:] in ("-", "'") and "\0" not in tokens:
        return [(None, ("%y",))]
    return []


def _number_roles(
    lengths: list[int], tokens: list[str], numbers: list[int]
) -> list[tuple[Order | None, tuple[str, ...]]]:
    between = {"".join(tokens[a + 1 : b]) for a, b in itertools.pairwise(numbers) if "\0" not in tokens[a + 1 : b]}
    if len(between) != 1 or between.isdisjoint(("-", "/", ".", " ")):
        return []
    short = [length <= 2 for length in lengths]
    if lengths[0] == 4 and all(short[1:]):
        return [(None, ("%Y", "%m", "%d")[: len(lengths)])] if len(lengths) in (2, 3) else []
    if lengths[-1] == 4 and all(short[:-1]):
        if len(lengths) == 2:
            return [(None, ("%m", "%Y"))]
        return [("dmy", ("%d", "%m", "%Y")), ("mdy", ("%m", "%d", "%Y"))] if len(lengths) == 3 else []
    if len(lengths) != 3 or not all(short):
        return []
    roles: list[tuple[Order | None, tuple[str, ...]]] = []
    if lengths[2] == 2:
        roles += [("dmy", ("%d", "%m", "%y")), ("mdy", ("%m", "%d", "%y"))]
    if lengths[0] == 2:
        roles.append(("ymd", ("%y", "%m", "%d")))
    return roles


def styled(form: TimeFormat, cells: Iterable[Mapping[str, str | None]], texts: Iterable[str]) -> TimeFormat:
    """The format with what several cells show of how numbers, names and zones are written.

    `cells` are the groups of `regex`, `texts` the whole cells.
    """
    cells, texts = list(cells), list(texts)
    written = {name: [cell[name] for cell in cells if cell.get(name)] for name in ("b", "a", "z", "f")}
    short = {f"%{code[1]}" for code in SHORT if any(len(cell.get(code[1]) or "12") == 1 for cell in cells)}
    if "%M" not in short and form.is_clock:
        short -= {"%S"}
    names = [str(name) for name in (*written["b"], *written["a"])]
    zones = [str(zone) for zone in written["z"]]
    offsets = [zone for zone in zones if zone[0] in "+-"]
    utc = [zone for zone in zones if zone[0] not in "+-"]
    morning = next((m[0] for text in texts if (m := re.search(r"[AaPp]\.?[Mm]\.?(?![A-Za-z])", text))), "AM")
    decimals = max((len(str(share)) for share in written["f"]), default=0)
    return replace(
        form,
        lasting=form.is_clock and any(int(cell.get("H") or 0) >= 24 for cell in cells),
        unpadded=tuple(sorted(short & set(form.parts))),
        decimals=decimals,
        mark="," if decimals and any(re.search("[0-9],[0-9]", text) for text in texts) else ".",
        capitals="lower"
        if names and all(name.islower() for name in names)
        else "UPPER"
        if names and all(name.isupper() for name in names)
        else "Title",
        whole_names=any(len(name) > 4 for name in names),
        meridiem=morning.translate(str.maketrans("pP", "aA")) if "%p" in form.parts else "AM",
        zone={6: "+00:00", 5: "+0000", 3: "+00"}[len(offsets[0])] if offsets else "+00:00",
        utc=utc[0] if utc else "",
    )


def epoch_of(least: float, most: float) -> int | None:
    """How many of their units are in a second if such numbers count from 1970, in the years 1990 to 2099; else None."""
    for per_second in UNITS:
        if _EPOCH_YEARS[0] * per_second <= least and most < _EPOCH_YEARS[1] * per_second:
            return per_second
    return None
