"""The settings of a model that its family has."""

from typing import Any

from unrolled.models.config import ModelConfig


def family_settings(config: ModelConfig, steps: int) -> dict[str, Any]:
    """What `build_backbone` takes for the family, beside sizes. `steps` is the table of learned positions."""
    settings: dict[str, Any] = {"dropout": config.dropout or 0.0}
    if config.family == "transformer":
        return settings | {
            "heads": config.heads,
            "kv_heads": config.kv_heads,
            "positions": config.positions,
            "window": config.window,
            "feedforward": config.feedforward,
            "qk_norm": config.qk_norm,
            "causal": not config.bidirectional,
            "max_length": steps,
        }
    if config.family == "convolution":
        return settings | {"kernel_size": config.kernel or 3, "causal": not config.bidirectional}
    if config.family == "inception":
        # Its form is the one that reads ahead, unless that is said to be unwanted.
        return settings | {"kernel_size": config.kernel or 40, "causal": config.bidirectional is False}
    if config.family == "feedforward":
        return settings
    settings["variational"] = config.variational
    if config.family in ("rnn", "lstm", "gru"):
        settings["bidirectional"] = bool(config.bidirectional)
    if config.family == "lstm" and config.forget_bias is not None:
        settings["forget_bias"] = config.forget_bias
    if config.family == "rnn":
        settings["nonlinearity"] = config.nonlinearity
    return settings
