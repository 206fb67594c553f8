"""Sequence models that train unrolled, all time steps in parallel, and run rolled, one step at a time.

The names below are loaded when they are first used, so that `import unrolled` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from unrolled.openmp import spin_briefly

if TYPE_CHECKING:
    from unrolled.errors import UserError
    from unrolled.estimators.describer import SequenceDescriber
    from unrolled.estimators.forecaster import Forecaster
    from unrolled.estimators.language import LanguageModel
    from unrolled.estimators.records import SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber
    from unrolled.estimators.translator import Translator
    from unrolled.layers.attention import Attention
    from unrolled.layers.bidirectional import Bidirectional
    from unrolled.layers.combinators import Pointwise, Residual, Stack
    from unrolled.layers.gru import GRU
    from unrolled.layers.layer import Cell, SequenceLayer
    from unrolled.layers.lstm import LSTM
    from unrolled.layers.rnn import RNN
    from unrolled.layers.transformer import Transformer

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Attention",
    "Bidirectional",
    "Cell",
    "Forecaster",
    "LanguageModel",
    "Pointwise",
    "Residual",
    "SequenceClassifier",
    "SequenceDescriber",
    "SequenceLayer",
    "SequenceRegressor",
    "SequenceTagger",
    "Stack",
    "Transcriber",
    "Transformer",
    "Translator",
    "UserError",
]

_HOMES = {
    "GRU": "layers.gru",
    "LSTM": "layers.lstm",
    "RNN": "layers.rnn",
    "Attention": "layers.attention",
    "Bidirectional": "layers.bidirectional",
    "Cell": "layers.layer",
    "Forecaster": "estimators.forecaster",
    "LanguageModel": "estimators.language",
    "Pointwise": "layers.combinators",
    "Residual": "layers.combinators",
    "SequenceClassifier": "estimators.records",
    "SequenceDescriber": "estimators.describer",
    "SequenceLayer": "layers.layer",
    "SequenceRegressor": "estimators.records",
    "SequenceTagger": "estimators.records",
    "Stack": "layers.combinators",
    "Transcriber": "estimators.records",
    "Transformer": "layers.transformer",
    "Translator": "estimators.translator",
    "UserError": "errors",
}

spin_briefly()  # before torch is imported, which reads it once


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unrolled' has no attribute {name!r}")
    return getattr(importlib.import_module(f"unrolled.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
