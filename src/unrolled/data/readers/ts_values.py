"""The values of one channel of one series in a `.ts` file."""

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from unrolled.data.readers.times import read_time, read_times
from unrolled.errors import UserError

_PAIR = re.compile(r"\(\s*([^(),]*?)\s*,\s*([^(),]*?)\s*\)")


def read_channel(path: Path, number: int, text: str, index: int, timed: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """The values of one channel, and the times if the file has them."""
    where = f"channel {index}"
    if not text.strip():
        refuse(path, number, f"{where} has length 0, expected at least one value")
    if not (timed or text.lstrip().startswith("(")):
        return numbers(path, number, text.split(","), where), None
    pairs = _PAIR.findall(text)
    if not pairs or _PAIR.sub("", text).strip(", "):
        refuse(path, number, f"{where} is {short(text)}, expected pairs (time,value) separated by commas")
    times = _times(path, number, [time for time, _ in pairs], where)
    if len(times) > 1 and not (np.diff(times) > 0).all():
        step = int(np.flatnonzero(np.diff(times) <= 0)[0]) + 1
        refuse(path, number, f"{where}: the time {short(pairs[step][0])} is not after the one before; sort the steps")
    return numbers(path, number, [value for _, value in pairs], where), times


def _times(path: Path, number: int, times: list[str], where: str) -> np.ndarray:
    """Seconds, or the unit of the file where the times are numbers."""
    try:
        return np.array(times, dtype=np.float64)
    except ValueError:
        pass
    try:
        read = read_times(pl.Series("time", times), lambda step: f"step {step + 1}").values
    except UserError:
        wrong = next((time for time in times if read_time(time) is None), times[0])
        refuse(path, number, f"{where}: {short(wrong)} is no time, expected a number or 2001-12-31 23:59:59")
    return read.astype("datetime64[us]").astype(np.int64) / 1e6


def numbers(path: Path, number: int, texts: list[str], where: str) -> np.ndarray:
    """float32 values, NaN where they are missing."""
    try:
        exact = np.array(list(map(float, texts)))
    except ValueError:
        exact = np.array([_number(path, number, text, where) for text in texts])
    with np.errstate(over="ignore"):  # found below
        values = exact.astype(np.float32)
    if np.isinf(values).any():
        step = int(np.flatnonzero(np.isinf(values))[0])
        refuse(path, number, f"{where}, step {step + 1} is {short(texts[step].strip())}, expected a finite number")
    return values


def _number(path: Path, number: int, text: str, where: str) -> float:
    try:
        return np.nan if text.strip() == "?" else float(text)
    except ValueError:
        refuse(path, number, f"{where}: {short(text.strip())} is not a number; write ? for a missing value")


def refuse(path: Path, number: int, what: str) -> NoReturn:
    raise UserError(f"{path}, line {number}: {what}")


def short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
