"""What can be chosen about a forecasting network. Light: importing this does not import torch."""

from dataclasses import dataclass, fields
from typing import Literal

from unrolled.models.config import ModelConfig


@dataclass(frozen=True)
class ForecastConfig:
    """Sizes and form of a forecasting network. Values are standardised before they reach it."""

    context: int
    """steps of the past the network reads (look-back)"""
    horizon: int
    """steps it forecasts at once; 1 makes it purely recursive"""
    channels: int
    """channels of a series, those known only in the past included"""
    targets: tuple[int, ...]
    """channels to forecast, by number"""
    known: int = 0
    """features known also for the future: of the calendar, then those of `known_channels`"""
    known_channels: tuple[int, ...] = ()
    """channels whose values are known also for the future"""
    missing: bool = False
    """whether every channel comes with a second one that says whether its value was there"""
    family: str = "gru"
    """family of the backbone"""
    width: int = 128
    """features per segment inside the network"""
    layers: int = 1
    """layers of the backbone"""
    heads: int = 4
    """attention heads (transformer)"""
    kv_heads: int | None = None
    """key and value heads (transformer)"""
    positions: Literal["none", "sinusoidal", "learned", "rotary", "alibi"] = "rotary"
    """how the network knows the order of segments (transformer)"""
    window: int | None = None
    """segments one attention layer sees, its own included; None: all (transformer)"""
    feedforward: Literal["swiglu", "gelu"] = "swiglu"
    """form of the feed-forward part (transformer)"""
    qk_norm: bool = True
    """normalise queries and keys (transformer)"""
    kernel: int | None = None
    """segments one convolution sees (convolution, inception)"""
    forget_bias: float | None = None
    """what the bias of the forget gate begins at; None: 1 (lstm)"""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """activation of the plain recurrent network (rnn)"""
    bidirectional: bool | None = None
    """read the segments of a window from both ends: all of it is past"""
    variational: bool = False
    """drop the same features at every segment"""
    members: int = 1
    """networks that read the same windows, trained side by side; the forecast is the mean of theirs"""
    patch: int = 48
    """steps of a segment, which the backbone reads as one step"""
    channel_independent: bool = True
    """every target a row of its own with shared weights (it sees the channels that are no targets, not the others)"""
    normalise: Literal["none", "last", "mean", "standard"] = "last"
    """what is taken out of each window and put back into its forecast: the last value, the mean, or mean and scale"""
    linear: bool = True
    """a linear map from window to horizon beside the backbone"""
    decoder: Literal["auto", "steps", "flatten"] = "auto"
    """steps: one step of the backbone for each segment ahead; flatten: one linear map of all its outputs"""
    dropout: float = 0.5
    """part of the features dropped before the head and between layers"""
    loss: Literal["mse", "mae", "huber"] = "mae"
    """what a forecast without quantiles is trained for"""
    quantiles: tuple[float, ...] = ()
    """levels to forecast, ascending; none: one value per step"""


SHARED = sorted(
    {field.name for field in fields(ForecastConfig)} & {field.name for field in fields(ModelConfig)} - {"channels"}
)
"""Settings that mean the same in a `ModelConfig`."""


def model_config(config: ForecastConfig) -> ModelConfig:
    """The settings that the network shares with other models."""
    return ModelConfig(**{name: getattr(config, name) for name in SHARED})
