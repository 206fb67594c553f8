"""Numbers as a network reads them: scaled, with missing values filled and marked."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from unrolled.errors import UserError

Scaling = Literal["none", "standard", "robust", "window"]
BLOCK_VALUES = 1 << 20
"""Numbers scaled at once, in double precision."""


@dataclass(frozen=True)
class Scaler:
    """(x - centre) / spread per channel. Constant channels have a spread of 1.

    `standard`: mean and standard deviation; `robust`: median and interquartile range / 1.349 (equal to the standard
    deviation of normal data, and blind to outliers); `window`: mean and standard deviation of every record by itself,
    so that nothing is learned from level and size (Kim et al. 2022, "Reversible Instance Normalization").
    """

    kind: Scaling
    centre: tuple[float, ...]
    spread: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises `ValueError` unless every channel has both."""
        if len(self.centre) != len(self.spread):
            raise ValueError(f"a scaler has {len(self.centre)} centres and {len(self.spread)} spreads")

    @classmethod
    def fit(cls, values: np.ndarray, kind: Scaling) -> "Scaler":
        """From training values `[steps, channels]`, NaN where missing."""
        channels = values.shape[1]
        if kind in ("none", "window") or not len(values):
            return cls(kind, (0.0,) * channels, (1.0,) * channels)
        pairs = []
        for column in values.T:  # one after the other: in double precision all of them need much memory
            known = column[~np.isnan(column)].astype(np.float64)
            level = (
                (0.0, 1.0) if not len(known) else _robust(known) if kind == "robust" else (known.mean(), known.std())
            )
            pairs.append(level)
        centre = tuple(float(mean) for mean, _ in pairs)
        spread = tuple(float(s) if s > 1e-8 * max(1.0, abs(m)) else 1.0 for m, s in pairs)
        return cls(kind, centre, spread)

    def scale(self, values: np.ndarray) -> np.ndarray:
        """float32 `[steps, channels]`; NaN stays NaN."""
        if self.kind == "window":
            centre, spread = window_statistics(values)
        else:
            centre, spread = np.array(self.centre), np.array(self.spread)
        scaled = np.empty(values.shape, dtype=np.float32)
        rows = max(1, BLOCK_VALUES // max(1, values.shape[1]))
        for begin in range(0, len(values), rows):
            scaled[begin : begin + rows] = (values[begin : begin + rows] - centre) / spread
        return scaled

    def unscale(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `scale`, except for `window`, which forgets level and size."""
        return (values * np.array(self.spread) + np.array(self.centre)).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Scaler":
        return cls(data["kind"], tuple(data["centre"]), tuple(data["spread"]))


def window_statistics(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation per channel of one record, blind to missing values; 0 and 1 without any value."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, values, 0.0).sum(0) / count
    spread = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(0) / count)
    return centre, np.where(spread > 1e-8, spread, 1.0)


def _robust(values: np.ndarray) -> tuple[float, float]:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return middle, (high - low) / 1.349


class NumericState(NamedTuple):
    """What is kept of numbers that come step by step."""

    last: np.ndarray
    """float32 `[channels]`: the last known value of each channel, scaled; 0 before the first"""


@dataclass(frozen=True)
class NumericEncoder:
    """Numeric fields and signals: scaled channels, and for each channel that has gaps one that says where.

    A missing value is filled with the last known value before it, at the beginning with 0, which is the mean of the
    scaled channel (as for irregular clinical series in Che et al. 2018, arXiv:1606.01865, without the decay).
    """

    field: str
    scaler: Scaler
    gaps: tuple[bool, ...]
    """whether a channel has missing values in the training part"""

    def __post_init__(self) -> None:
        """Raises `ValueError` if the scaler is for other channels."""
        if len(self.gaps) != len(self.scaler.centre):
            raise ValueError(f"{self.field} has {len(self.gaps)} channels and a scaler for {len(self.scaler.centre)}")

    @property
    def channels(self) -> int:
        return len(self.gaps) + sum(self.gaps)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """float32 `[time, channels]`, without NaN. One vector `[channels]` counts as one step."""
        return self._rows(values, np.zeros(len(self.gaps), dtype=np.float32))[0]

    def begin(self) -> NumericState:
        """Before the first step. Raises `UserError` for numbers scaled by the whole record."""
        if self.scaler.kind == "window":
            raise UserError(
                f"{self.field} is scaled by the mean and spread of each whole record, which is not known while it "
                "comes; train with --data.scaling standard"
            )
        return NumericState(np.zeros(len(self.gaps), dtype=np.float32))

    def feed(self, values: np.ndarray, state: NumericState) -> tuple[np.ndarray, NumericState]:
        """The rows of the next steps, as `encode` gives them after those before."""
        rows, last = self._rows(values, state.last)
        return rows, NumericState(last)

    def finish(self, state: NumericState) -> np.ndarray:
        """Nothing is held back."""
        return np.zeros((0, self.channels), dtype=np.float32)

    def check(self, state: NumericState) -> None:
        """Raises `ValueError` for a state that no numbers leave behind."""
        if not np.isfinite(state.last).all():
            raise ValueError(f"the saved state holds a last value of {self.field} that is no number")

    def _rows(self, values: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows, and the last known scaled value of each channel after them."""
        values = np.atleast_2d(np.asarray(values, dtype=np.float64))
        if values.shape[1] != len(self.gaps):
            raise UserError(f"field {self.field} has {values.shape[1]} channels, the model expects {len(self.gaps)}")
        scaled = self.scaler.scale(values)
        missing = np.isnan(scaled)
        if not missing.any() and not any(self.gaps):
            return scaled, scaled[-1].copy() if len(scaled) else last
        filled = fill_forward(np.concatenate([last[None], scaled]))[1:]
        marks = missing[:, np.array(self.gaps, dtype=bool)].astype(np.float32)
        return np.concatenate([filled, marks], axis=1), filled[-1].copy() if len(filled) else last

    def to_json(self) -> dict[str, Any]:
        return {"kind": "numeric", "field": self.field, "scaler": self.scaler.to_json(), "gaps": list(self.gaps)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "NumericEncoder":
        return cls(data["field"], Scaler.from_json(data["scaler"]), tuple(data["gaps"]))


def fill_forward(values: np.ndarray) -> np.ndarray:
    """Missing values replaced by the last known one of their channel, or by 0 before the first."""
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, filled, 0.0).astype(np.float32)
