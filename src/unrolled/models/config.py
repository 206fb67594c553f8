"""What can be chosen about a model. Light: importing this does not import torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class ModelConfig:
    """The model. What is null or "auto" is chosen from the data and printed."""

    family: Literal[
        "auto", "rnn", "lstm", "gru", "transformer", "convolution", "inception", "feedforward", "bidirectional"
    ] = "auto"
    """model family"""
    layers: int | None = None
    """number of layers"""
    width: int | None = None
    """features per step inside the model"""
    heads: int | None = None
    """attention heads (transformer)"""
    kv_heads: int | None = None
    """key and value heads: fewer than heads is grouped-query attention, 1 is multi-query (transformer)"""
    positions: Literal["auto", "none", "sinusoidal", "learned", "rotary", "alibi"] = "auto"
    """how the model knows the order of steps (transformer)"""
    window: int | None = None
    """steps one attention layer sees, its own included; null sees all (transformer)"""
    feedforward: Literal["swiglu", "gelu"] = "swiglu"
    """form of the feed-forward part (transformer)"""
    qk_norm: bool = True
    """normalise queries and keys (transformer)"""
    forget_bias: float | None = None
    """what the bias of the forget gate begins at; null: 1, or 0 in a language model of characters (lstm)"""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """activation of the plain recurrent network (rnn)"""
    embedding: str = "learned"
    """how a token becomes a vector: learned, one-hot, or a file of word vectors to begin from, in the text format of
    word2vec or GloVe"""
    embedding_size: int | None = None
    """features of a learned embedding (transformer: always the width)"""
    tie_weights: bool | None = None
    """use the embedding table as the output layer too"""
    dropout: float | None = None
    """fraction of features dropped in training"""
    variational: bool = False
    """drop the same features at every step of a chunk (Gal and Ghahramani 2016)"""
    bidirectional: bool | None = None
    """read each sequence from both ends (rnn, lstm, gru, transformer)"""
    attention: Literal["auto", "additive", "multiplicative", "none"] = "auto"
    """how a decoder reads from the source (translate); without it, it gets a summary of it"""
    pooling: Literal["auto", "last", "mean", "max", "attention", "position-attention"] = "auto"
    """how the outputs of all steps become one (classify, regress)"""
    kernel: int | None = None
    """steps one convolution sees (convolution, inception)"""
    patch: int | None = None
    """steps that become one step of the network (forecast)"""
    channels: Literal["auto", "independent", "mixed"] = "auto"
    """independent: every channel is forecast from its own past, by the same weights; mixed: from that of all
    (forecast)"""
    members: int | None = None
    """networks that are trained side by side and vote"""

    @property
    def embedding_file(self) -> bool:
        """Whether the embedding begins from a file of word vectors."""
        return self.embedding not in ("learned", "one-hot")
