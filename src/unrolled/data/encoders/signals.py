"""Signals and frames as a network reads them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unrolled.data.encoders.numbers import NumericEncoder, Scaler

SignalForm = Literal["log-mel", "raw"]


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

    @property
    def channels(self) -> int:
        return len(self.scaler.centre)

    @property
    def steps_per_second(self) -> float:
        """Of what the network reads."""
        return self.rate if self.form == "raw" else 1 / self.hop

    def encode(self, signal: np.ndarray, rate: float) -> np.ndarray:
        """float32 `[steps, channels]` of a signal `[time, channels]` at `rate` steps per second."""
        return NumericEncoder(self.field, self.scaler, (False,) * self.channels).encode(
            transform(signal, rate, self.rate, self.form, self.mels, self.hop)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "signal",
            "field": self.field,
            "rate": self.rate,
            "form": self.form,
            "mels": self.mels,
            "hop": self.hop,
            "scaler": self.scaler.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SignalEncoder":
        scaler = Scaler.from_json(data["scaler"])
        return cls(data["field"], data["rate"], data["form"], data["mels"], data["hop"], scaler)


def transform(signal: np.ndarray, rate: float, to_rate: float, form: SignalForm, mels: int, hop: float) -> np.ndarray:
    """A signal `[time, channels]` resampled and, if so wished, as a log-mel spectrogram `[frames, mels * channels]`."""
    from unrolled.data.encoders.resample import resample
    from unrolled.data.encoders.spectrogram import log_mel

    if rate != to_rate:
        signal = resample(signal, rate, to_rate)
    return signal if form == "raw" else log_mel(signal, to_rate, mels=mels, hop_seconds=hop)


@dataclass(frozen=True)
class FramesEncoder:
    """Pictures of a clip, each as one step: values from -1 to 1, flattened from `[3, height, width]`."""

    field: str
    height: int
    width: int

    @property
    def channels(self) -> int:
        return 3 * self.height * self.width

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """float32 `[time, 3 * height * width]` of uint8 `[time, height, width, 3]`."""
        return (frames.transpose(0, 3, 1, 2).reshape(len(frames), -1) / np.float32(127.5) - 1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "frames", "field": self.field, "height": self.height, "width": self.width}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FramesEncoder":
        return cls(data["field"], data["height"], data["width"])
