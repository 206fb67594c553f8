"""What can be chosen about a model. Light: importing this does not import torch."""

from dataclasses import dataclass
from typing import Any, Literal

from unrolled.settings import COUNT, FRACTION, NOT_NEGATIVE, Condition, setting

_TRANSFORMER = ("transformer",)
_TOKENS = ("token", "text", "categorical")
_WRITES = ("translate", "describe")


def _learns_embedding(here: Any) -> bool:
    return here.model.embedding != "one-hot" and (here.task, here.family) != ("language", "transformer")


@dataclass
class ModelConfig:
    """The model. What is null or "auto" is chosen from the data and printed."""

    family: Literal[
        "auto", "rnn", "lstm", "gru", "transformer", "convolution", "inception", "feedforward", "bidirectional"
    ] = setting("auto", "model family", common=True)
    layers: int | None = setting(None, "number of layers", allowed=COUNT, common=True)
    width: int | None = setting(None, "features per step inside the model", allowed=COUNT, common=True)
    heads: int | None = setting(None, "attention heads", families=_TRANSFORMER, allowed=COUNT)
    kv_heads: int | None = setting(
        None,
        "key and value heads: fewer than heads is grouped-query attention, 1 is multi-query",
        families=_TRANSFORMER,
        allowed=COUNT,
    )
    positions: Literal["auto", "none", "sinusoidal", "learned", "rotary", "alibi"] = setting(
        "auto", "how the model knows the order of steps", families=_TRANSFORMER
    )
    window: int | None = setting(
        None,
        "steps one attention layer sees, its own included; null sees all",
        families=_TRANSFORMER,
        allowed=COUNT,
    )
    feedforward: Literal["swiglu", "gelu"] = setting("swiglu", "form of the feed-forward part", families=_TRANSFORMER)
    qk_norm: bool = setting(True, "normalise queries and keys", families=_TRANSFORMER)
    forget_bias: float | None = setting(
        None,
        "what the bias of the forget gate begins at; null: 1, or 0 in a language model of characters",
        families=("lstm",),
        allowed=NOT_NEGATIVE,
    )
    nonlinearity: Literal["tanh", "relu"] = setting(
        "tanh", "activation of the plain recurrent network", families=("rnn",)
    )
    embedding: str = setting(
        "learned",
        "how a token becomes a vector: learned, one-hot, or a file of word vectors to begin from, in the text format "
        "of word2vec or GloVe",
        but=(*_WRITES, "forecast"),
        inputs=_TOKENS,
    )
    embedding_size: int | None = setting(
        None,
        "features of a learned embedding (a language model that is a transformer takes its width)",
        but=("forecast",),
        inputs=_TOKENS,
        when=Condition("an embedding is learned", _learns_embedding),
        allowed=COUNT,
    )
    tie_weights: bool | None = setting(
        None, "use the embedding table as the output layer too", tasks=("language", "translate")
    )
    dropout: float | None = setting(None, "fraction of features dropped in training", allowed=FRACTION)
    variational: bool = setting(
        False,
        "drop the same features at every step of a chunk (Gal and Ghahramani 2016)",
        families=("rnn", "lstm", "gru", "transformer"),
    )
    causal: bool | None = setting(
        None,
        "go forward only, so that the model can run as a live stream; true chooses the family and the settings that do "
        "that best, false reads each sequence from both ends",
        common=True,
    )
    bidirectional: bool | None = setting(
        None,
        "read each sequence from both ends",
        but=("language", *_WRITES),
        families=("rnn", "lstm", "gru", "transformer", "convolution", "inception"),
    )
    lookahead: int | None = setting(
        None,
        "steps that a causal model waits before it answers for one: its delay in a live stream",
        tasks=("tag", "transcribe"),
        allowed=COUNT,
        when=Condition(
            "the model does not read each record from both ends",
            lambda here: here.model.bidirectional is False and here.family != "bidirectional",
        ),
    )
    attention: Literal["auto", "additive", "multiplicative", "none"] = setting(
        "auto", "how a decoder reads from the source; without it, it gets a summary of it", tasks=("translate",)
    )
    pooling: Literal["auto", "last", "mean", "max", "attention", "position-attention"] = setting(
        "auto", "how the outputs of all steps become one", tasks=("classify", "regress")
    )
    kernel: int | None = setting(
        None,
        "steps one convolution sees",
        families=("convolution", "inception"),
        allowed=COUNT,
    )
    patch: int | None = setting(None, "steps that become one step of the network", tasks=("forecast",), allowed=COUNT)
    channels: Literal["auto", "independent", "mixed"] = setting(
        "auto",
        "independent: every channel is forecast from its own past, by the same weights; mixed: from that of all",
        tasks=("forecast",),
    )
    members: int | None = setting(
        None,
        "networks that are trained side by side and vote",
        but=("language", *_WRITES),
        allowed=COUNT,
    )

    @property
    def sees_unbounded_past(self) -> bool:
        """Whether a step's meaning depends on how far back all others are: absolute positions, or no window."""
        relative = self.window and self.positions in ("none", "rotary", "alibi")
        return self.family == "transformer" and not relative

    @property
    def embedding_file(self) -> bool:
        """Whether the embedding begins from a file of word vectors."""
        return self.embedding not in ("learned", "one-hot")
