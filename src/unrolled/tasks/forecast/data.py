"""From files to scaled series cut in time, and their windows, ready to learn to forecast."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.calendar import useful_cycles
from unrolled.data.encoders.numbers import Scaler, Scaling
from unrolled.data.fields import require_field
from unrolled.data.pieces import in_pieces
from unrolled.data.records import Notes, Source
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.tasks.choose_reading import Opened
from unrolled.tasks.forecast.encoding import ForecastEncoding, fit_words
from unrolled.tasks.forecast.known_ahead import check_known, choose_known, note_missing, without_future
from unrolled.tasks.forecast.naive import naive_periods, naive_spread, seasonal_scale
from unrolled.tasks.forecast.parts_in_time import cut_in_time, read_sizes
from unrolled.tasks.forecast.rules import ForecastRules, choose_sizes
from unrolled.tasks.forecast.series import Columns, Series, columns_of, read_all
from unrolled.tasks.forecast.windows import ForecastWindows
from unrolled.tasks.words import PARTS as SPOKEN

SHORT = 5_000
"""Up to so many windows for training, the calendar helps; beyond, the past says the time of day and year as well."""
PARTS = ("train", "valid", "test")


@dataclass
class ForecastData:
    """Encoded series, their parts, and the windows over them."""

    series: dict[str, list[Series]]
    """of each part: the same series, or those of another file"""
    values: dict[str, list[np.ndarray]]
    """float32 `[time, channels]` each, scaled"""
    known: dict[str, list[np.ndarray] | None]
    bounds: dict[str, list[tuple[int, int]]]
    """of each series, the steps of the part"""
    windows: dict[str, ForecastWindows]
    """train, and valid and test where there are such"""
    encoding: ForecastEncoding
    rules: ForecastRules
    missing: bool
    """whether values are missing in the training part"""
    summary: str
    notes: list[str]
    fingerprint: str

    @property
    def split(self) -> dict[str, Any]:
        """The steps of each part, by series."""
        return {
            name: [
                [series.name, *map(int, bounds)]
                for series, bounds in zip(self.series[name], self.bounds[name], strict=True)
            ]
            for name in self.windows
        }


def prepare_forecast(opened: Opened, data: DataConfig) -> ForecastData:
    """Read, cut in time, and encode. Raises `UserError` for series that cannot be used."""
    notes = opened.notes
    columns, targets, ahead = _roles(opened.sources["train"], data)
    kept = (*columns.numbers, *columns.words)
    read = {name: read_all(source, notes, wanted=kept) for name, source in opened.sources.items()}
    if ahead:
        read = {name: _only_past(series, targets, ahead, notes) for name, series in read.items()}
    training = read["train"]
    given = {name: read[name] for name in read if name != "train"}
    lengths = [len(one_series) for one_series in training]
    shares = {"valid": data.valid_fraction, "test": data.test_fraction}
    shares = {name: share for name, share in shares.items() if name not in given}
    sizes = None if data.parts is None else read_sizes(data.parts, [*shares])
    bounds = cut_in_time(lengths, shares, sizes, least=1)
    levels = read_levels(data.quantiles)

    raw = [
        _columns(one_series, targets)[begin:end]
        for one_series, (begin, end) in zip(training, bounds["train"], strict=True)
    ]
    _check_targets(training[0], targets, raw, notes)
    own = getattr(opened.sources["train"], "horizon", None)
    remark = getattr(opened.sources["train"], "said", "")
    step = next((one_series.step for one_series in training if one_series.step is not None), None)
    wanted = own if data.horizon is None else data.horizon
    rules = choose_sizes(raw, context=data.context, horizon=wanted, step=step)
    if rules.bounded:
        notes.hint(rules.bounded)
    del raw
    if sizes is None:
        bounds = cut_in_time(lengths, shares, None, least=rules.horizon)
    ends = [end for _, end in bounds["train"]]

    check_known(training, ends, ahead)
    words = fit_words(training, ends, ahead)
    scaler = _fit_scaler(training, ends, columns.numbers, data)
    encoding = ForecastEncoding(
        numbers=columns.numbers,
        targets=targets,
        words=words,
        scaler=scaler,
        cycles=_cycles(training, ends, data, sum(ends)),
        step=step,
        period=rules.period,
        levels=levels,
        scale=(),
        reading=_reading(opened.sources["train"], data),
        known_ahead=ahead,
        time_form=next((one_series.form for one_series in training if one_series.form is not None), None),
    )
    values = {"train": [encoding.encode(one_series) for one_series in training]}
    values |= {name: [encoding.encode(one_series, notes) for one_series in series] for name, series in given.items()}
    places = list(encoding.target_channels)
    every = places == list(range(encoding.channels))
    own = [x[:end] if every else x[:end, places] for x, end in zip(values["train"], ends, strict=True)]
    encoding = replace(encoding, scale=seasonal_scale(own, rules.period or 1))
    for name in shares:
        read[name], values[name] = training, values["train"]
    for name, series in given.items():
        bounds[name] = [(0, len(one_series)) for one_series in series]
        for one_series in series:
            encoding.require_step(one_series)
    known = {name: known_of(encoding, read[name]) for name in read}
    windows = {}
    for name in PARTS:
        if name in bounds and any(end > begin for begin, end in bounds[name]):
            part = _windows(name, encoding, rules, values[name], known[name], bounds[name], read[name], notes)
            windows[name] = part
    if levels:
        spread = {
            str(size): naive_spread(values["train"], windows["train"], size, levels)
            for size in naive_periods(rules.period)
        }
        encoding = replace(encoding, naive_spread=spread)
    pieces = in_pieces(x[:end] for x, end in zip(values["train"], ends, strict=True))
    missing = any(bool(np.isnan(piece).any()) for piece in pieces)
    notes.add("columns left out, since they do not change with time or hardly repeat", len(columns.left_out))
    return ForecastData(
        read,
        values,
        known,
        bounds,
        windows,
        encoding,
        rules,
        missing,
        _describe(encoding, rules, training, bounds, windows, "; ".join(filter(None, (remark, opened.how)))),
        notes.lines(),
        _fingerprint(encoding, values, known, windows, bounds),
    )


def read_levels(text: str) -> tuple[float, ...]:
    """Quantiles as given, `0.1,0.5,0.9`, or "none". Raises `UserError` unless they ascend between 0 and 1."""
    if text.strip().lower() == "none":
        return ()
    try:
        levels = tuple(float(part) for part in text.split(","))
    except ValueError:
        levels = ()
    if not levels or any(not 0 < level < 1 for level in levels) or list(levels) != sorted(set(levels)):
        raise UserError(
            f'--data.quantiles is "{text}"; give numbers that ascend between 0 and 1, such as 0.1,0.5,0.9, or none'
        )
    return levels


def _roles(source: Source, data: DataConfig) -> tuple[Columns, tuple[str, ...], tuple[str, ...]]:
    """What is read, the columns to forecast, and those known ahead.

    Forecast are all numbers that are not known ahead, or the one that the user named.
    """
    columns = columns_of(source)
    ahead = choose_known(data, columns) if data.known else getattr(source, "known", ())
    if data.target is not None:
        require_field(data.target, list(columns.numbers))
        return columns, (data.target,), ahead
    own = getattr(source, "targets", columns.numbers)
    targets = tuple(name for name in own if name not in ahead)
    if not targets:
        raise UserError(
            f"all numbers of the data ({', '.join(columns.numbers)}) are known ahead, so none is left to forecast; "
            "name fewer with --data.known"
        )
    return columns, targets, ahead


def _only_past(series: list[Series], targets: tuple[str, ...], ahead: tuple[str, ...], notes: Notes) -> list[Series]:
    """The series up to their last targets: what only columns known ahead have values for is there to be predicted."""
    past = [without_future(one_series, targets, ahead) for one_series in series]
    left_out = sum(map(len, series)) - sum(map(len, past))
    notes.add("steps at the end without a target, taken as the future", left_out)
    note_missing(past, ahead, notes)
    return past


def _columns(series: Series, names: Sequence[str]) -> np.ndarray:
    return np.stack([series.numbers[name] for name in names], axis=1)


def _fit_scaler(training: list[Series], ends: list[int], names: Sequence[str], data: DataConfig) -> Scaler:
    """Column by column, so that never all of them are there twice."""
    kind: Scaling = "robust" if data.scaling == "robust" else "none" if data.scaling == "none" else "standard"
    pairs = list(zip(training, ends, strict=True))
    fitted = [
        Scaler.fit(np.concatenate([series.numbers[name][:end] for series, end in pairs])[:, None], kind)
        for name in names
    ]
    return Scaler(kind, tuple(scaler.centre[0] for scaler in fitted), tuple(scaler.spread[0] for scaler in fitted))


def _check_targets(first: Series, names: tuple[str, ...], raw: list[np.ndarray], notes: Notes) -> None:
    """Raises `UserError` for a target without a value in the training part, and if none of them ever changes."""
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for piece in in_pieces(raw):
        observed = ~np.isnan(piece)
        low = np.minimum(low, np.where(observed, piece, np.inf).min(axis=0))
        high = np.maximum(high, np.where(observed, piece, -np.inf).max(axis=0))
    for name, nothing in zip(names, low > high, strict=True):
        if nothing:
            raise UserError(
                f"{first.origin}: column {name!r} has no value in the training part, so nothing can be learned about "
                "it; leave it out with --inputs, or choose another --target"
            )
    constant = [name for name, same in zip(names, low == high, strict=True) if same]
    if len(constant) == len(names):
        raise UserError(
            f"{first.origin}: {', '.join(constant)} never changes in the training part, so there is nothing to learn; "
            "choose another --target or file"
        )
    notes.add(f"columns that never change in training ({', '.join(constant)})", len(constant))


def _reading(source: Source, data: DataConfig) -> dict[str, Any]:
    """What other files are read by. Plain numbers go without saying, as in the encodings of earlier versions."""
    formats = {name: list(form) for name, form in (source.formats or {}).items()}
    reading: dict[str, Any] = {"id": data.id, "time": data.time}
    if formats:
        reading["formats"] = formats
    if data.decimal != "auto":
        reading["decimal"] = data.decimal
    return reading


def _cycles(training: list[Series], ends: list[int], data: DataConfig, windows: int) -> tuple[str, ...]:
    longest = max(range(len(training)), key=lambda index: ends[index])
    times = training[longest].times
    dated = times is not None and times.dtype.kind == "M"
    if data.calendar == "none" or (data.calendar == "auto" and (windows > SHORT or not dated)):
        return ()
    if not dated or times is None:
        raise UserError(
            f"{training[0].origin} has no dates for --data.calendar all; name their column with --time, or leave it out"
        )
    return useful_cycles(times[: ends[longest]])


def known_of(encoding: ForecastEncoding, series: list[Series]) -> list[np.ndarray] | None:
    """What is known ahead of each series (see `ForecastEncoding.known`); None if the model does without."""
    known = [encoding.known(one_series) for one_series in series]
    return [features for features in known if features is not None] if encoding.features else None


def _windows(
    name: str,
    encoding: ForecastEncoding,
    rules: ForecastRules,
    values: list[np.ndarray],
    known: list[np.ndarray] | None,
    bounds: list[tuple[int, int]],
    series: list[Series],
    notes: Notes,
) -> ForecastWindows:
    context, horizon = rules.context, rules.horizon
    # What comes before a part is known, so only the training part needs the past within it.
    fitting = [
        min(end, len(x)) - max(begin, context) >= horizon for (begin, end), x in zip(bounds, values, strict=True)
    ]
    if not any(fitting):
        longest = int(np.argmax([end - begin for begin, end in bounds]))
        steps = bounds[longest][1] - bounds[longest][0]
        needed = (
            f"a look-back of {context} and a horizon of {horizon}" if name == "train" else f"a horizon of {horizon}"
        )
        what = "series" if len(series) == 1 else "longest series"
        raise UserError(
            f"{series[longest].origin}: the {what} has {steps:,} steps for {SPOKEN[name]}, too few for {needed}; "
            "choose a smaller --data.horizon or --data.context, or give longer series"
        )
    windows = ForecastWindows(
        values,
        context=context,
        horizon=horizon,
        targets=encoding.target_channels,
        known=known,
        parts=bounds,
        stride=rules.stride if name == "train" else 1,
    )
    notes.add(f"series too short for a window, left out of {SPOKEN[name]}", windows.series_without)
    return windows


def _describe(
    encoding: ForecastEncoding,
    rules: ForecastRules,
    training: list[Series],
    bounds: dict[str, list[tuple[int, int]]],
    windows: dict[str, ForecastWindows],
    how: str,
) -> str:
    """What was found, in one line."""
    ahead = encoding.known_ahead
    besides = [name for name in encoding.columns if name not in (*encoding.targets, *ahead)]
    calendar = f", calendar ({', '.join(encoding.cycles)})" if encoding.cycles else ""
    known = f", known ahead: {', '.join(ahead)}" if ahead else ""
    period = f", period {rules.period}" if rules.period else ""
    sizes = [f"{sum(end - begin for begin, end in bounds[name]):,}" for name in windows]
    parts = f"{' / '.join(sizes)} steps for {', '.join(SPOKEN[name] for name in windows)}"
    return (
        f"{_series_in_words(training, len(encoding.targets), besides)}; look-back {rules.context}, horizon "
        f"{rules.horizon}{period}{calendar}{known}; {parts}{f'; {how}' if how else ''}"
    )


def describe_source(source: Source, data: DataConfig) -> str:
    """What is in series that are open, in one line, without what only training knows."""
    columns, targets, ahead = _roles(source, data)
    series = read_all(source, Notes(), wanted=(*columns.numbers, *columns.words))
    if ahead:
        series = _only_past(series, targets, ahead, Notes())
    words = fit_words(series, [len(one_series) for one_series in series], ahead)
    besides = [name for name in (*columns.numbers, *words) if name not in (*targets, *ahead)]
    remark: str = getattr(source, "said", "")
    return _series_in_words(series, len(targets), besides) + (f"; {remark}" if remark else "")


def _series_in_words(series: list[Series], targets: int, besides: list[str]) -> str:
    lengths = [len(one_series) for one_series in series]
    span = f"{lengths[0]:,}" if len(set(lengths)) == 1 else f"{min(lengths):,} to {max(lengths):,}"
    step = next((f"{one_series.step.words()} " for one_series in series if one_series.step is not None), "")
    many = f"{len(series):,} series x " if len(series) > 1 else ""
    beside = f" (reading {', '.join(besides[:6])}{' and more' if len(besides) > 6 else ''} too)" if besides else ""
    return f"forecast: {many}{counted(targets, 'channel')} x {span} {step}steps{beside}"


def _fingerprint(
    encoding: ForecastEncoding,
    values: dict[str, list[np.ndarray]],
    known: dict[str, list[np.ndarray] | None],
    windows: dict[str, ForecastWindows],
    bounds: dict[str, list[tuple[int, int]]],
) -> str:
    """hexadecimal; the same exactly if series, parts and encoding are the same"""
    digest = hashlib.sha256(encoding.to_text().encode())
    for name in windows:
        digest.update(repr((name, bounds[name])).encode())
        for array in (*values[name], *(known[name] or [])):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]
