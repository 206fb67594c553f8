"""Signals and frames as a network reads them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from unrolled.data.encoders.numbers import NumericEncoder, NumericState, Scaler
from unrolled.data.encoders.resample import Edges, Resampler, ResampleState, resample
from unrolled.data.encoders.spectrogram import MelFrames, MelState, log_mel
from unrolled.data.encoders.step_alone import StepAlone
from unrolled.errors import UserError

SignalForm = Literal["log-mel", "raw"]
LONGEST_RATIO = 200_000
"""A filter between two rates in the ratio of greater whole numbers is not made for a stream."""


@dataclass(frozen=True)
class SignalEncoder:
    """A signal, resampled to one rate; raw, or as the logarithm of its mel spectrogram; then scaled per channel."""

    field: str
    rate: float
    """steps per second it is resampled to"""
    form: SignalForm
    mels: int
    hop: float
    """seconds between two frames of a spectrogram"""
    scaler: Scaler
    edges: Edges = "line"
    """how it is resampled at its ends (see `resample`); a `line` needs the whole signal"""

    @property
    def channels(self) -> int:
        return len(self.scaler.centre)

    @property
    def steps_per_second(self) -> float:
        """Of what the network reads."""
        return self.rate if self.form == "raw" else 1 / self.hop

    def encode(self, signal: np.ndarray, rate: float) -> np.ndarray:
        """float32 `[steps, channels]` of a signal `[time, channels]` at `rate` steps per second."""
        return self.numbers.encode(transform(signal, rate, self.rate, self.form, self.mels, self.hop, edges=self.edges))

    @cached_property
    def numbers(self) -> NumericEncoder:
        """What scales the resampled signal or its spectrogram."""
        return NumericEncoder(self.field, self.scaler, (False,) * self.channels)

    @property
    def signal_channels(self) -> int:
        """Channels of the signal itself."""
        return self.channels if self.form == "raw" else self.channels // self.mels

    def at(self, rate: float | int) -> "SignalSteps":
        """The same for a signal of `rate` steps per second that comes piece by piece.

        Raises `UserError` where that needs the whole signal.
        """
        return SignalSteps(self, rate)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "signal",
            "field": self.field,
            "rate": self.rate,
            "form": self.form,
            "mels": self.mels,
            "hop": self.hop,
            "edges": self.edges,
            "scaler": self.scaler.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SignalEncoder":
        """Without a word on edges it is from when there was only the line. Raises `ValueError` for unknown ones."""
        scaler, edges = Scaler.from_json(data["scaler"]), data.get("edges", "line")
        if edges not in ("line", "hold"):
            raise ValueError(f"edges {edges!r}, expected line or hold")
        return cls(data["field"], data["rate"], data["form"], data["mels"], data["hop"], scaler, edges)


class SignalState(NamedTuple):
    """What is kept of a signal that comes piece by piece; a part that is not needed stays as it begins."""

    resampled: ResampleState
    frames: MelState
    numbers: NumericState


class SignalSteps:
    """`SignalEncoder.encode` of a signal of one rate that comes in pieces of any size: what `feed` returns, and at last
    `finish`, joined, is the whole at once (to rounding)."""

    def __init__(self, encoder: SignalEncoder, rate: float | int) -> None:
        if rate != encoder.rate and encoder.edges == "line":
            raise UserError(
                f"{encoder.field} comes at {rate:g} steps per second and the model reads {encoder.rate:g}, by a filter "
                "that takes away the line through both ends of a record, which a stream does not know; send "
                f"{encoder.rate:g} steps per second, or train again"
            )
        self.encoder, self.rate, channels = encoder, rate, encoder.signal_channels
        resampler = Resampler(rate, encoder.rate, channels)
        if max(resampler.up, resampler.down) > LONGEST_RATIO:
            raise UserError(
                f"{encoder.field} comes at {rate:g} steps per second and the model reads {encoder.rate:g}, which "
                f"have no simple ratio; send {encoder.rate:g} steps per second"
            )
        self._before = resampler.begin()
        self._resampler = resampler if rate != encoder.rate else None
        self._frames: MelFrames | None = None
        if encoder.form == "log-mel":
            self._frames = MelFrames(encoder.rate, channels, mels=encoder.mels, hop_seconds=encoder.hop)

    @property
    def delay(self) -> float:
        """Seconds of the signal that must have come after the beginning of a row until it is ready."""
        seconds = 0.0 if self._resampler is None else self._resampler.delay / self.rate
        return seconds if self._frames is None else seconds + self._frames.window_seconds

    def begin(self) -> SignalState:
        """Before the first step. Raises `UserError` for a signal scaled by the whole record."""
        nothing = np.zeros((0, self.encoder.signal_channels), dtype=np.float32)
        return SignalState(self._before, MelState(np.array(0), nothing), self.encoder.numbers.begin())

    def feed(self, values: np.ndarray, state: SignalState) -> tuple[np.ndarray, SignalState]:
        """The next steps `[time, channels]` of the signal to the rows that are ready, float32 `[rows, channels]`."""
        resampled, frames, numbers = state
        signal = np.asarray(values, dtype=np.float32)
        if self._resampler is not None:
            signal, resampled = self._resampler.feed(signal, resampled)
        if self._frames is not None:
            signal, frames = self._frames.feed(signal, frames)
        rows, numbers = self.encoder.numbers.feed(signal, numbers)
        return rows, SignalState(resampled, frames, numbers)

    def finish(self, state: SignalState) -> np.ndarray:
        """The rows that were held back."""
        signal = np.zeros((0, self.encoder.signal_channels), dtype=np.float32)
        if self._resampler is not None:
            signal = self._resampler.finish(state.resampled)
        if self._frames is not None:
            full, frames = self._frames.feed(signal, state.frames)
            signal = np.concatenate([full, self._frames.finish(frames)])
        return self.encoder.numbers.feed(signal, state.numbers)[0]

    def check(self, state: SignalState) -> None:
        """Raises `ValueError` for a state that no signal leaves behind."""
        if self._resampler is not None:
            self._resampler.check(state.resampled)
        if self._frames is not None:
            self._frames.check(state.frames)
        self.encoder.numbers.check(state.numbers)


def transform(
    signal: np.ndarray,
    rate: float,
    to_rate: float,
    form: SignalForm,
    mels: int,
    hop: float,
    *,
    edges: Edges = "line",
) -> np.ndarray:
    """A signal `[time, channels]` resampled and, if so wished, as a log-mel spectrogram `[frames, mels * channels]`."""
    if rate != to_rate:
        signal = resample(signal, rate, to_rate, edges=edges)
    return signal if form == "raw" else log_mel(signal, to_rate, mels=mels, hop_seconds=hop)


@dataclass(frozen=True)
class FramesEncoder(StepAlone):
    """Pictures of a clip, each as one step: values from -1 to 1, flattened from `[3, height, width]`."""

    field: str
    height: int
    width: int

    @property
    def channels(self) -> int:
        return 3 * self.height * self.width

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """float32 `[time, 3 * height * width]` of uint8 `[time, height, width, 3]`."""
        pixels = frames.transpose(0, 3, 1, 2).reshape(len(frames), self.channels)
        return (pixels / np.float32(127.5) - 1).astype(np.float32)

    def finish(self, state: tuple[()]) -> np.ndarray:
        """Nothing is held back."""
        return np.zeros((0, self.channels), dtype=np.float32)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "frames", "field": self.field, "height": self.height, "width": self.width}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FramesEncoder":
        return cls(data["field"], data["height"], data["width"])
