"""Which settings belong to which tasks, families and data: one that would be ignored is refused. Light: no torch."""

import functools
import typing
from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig


class Situation(NamedTuple):
    """What is trained, on what."""

    task: str
    family: str
    """the one chosen, not "auto" """
    inputs: frozenset[str]
    """kinds of the fields that are read, see `unrolled.data.records`"""
    target: str | None = None
    """kind of the field that is learned"""
    many: bool = False
    """whether several labels hold at once"""
    data: DataConfig = DataConfig()
    """as chosen"""
    model: ModelConfig = ModelConfig()
    """as chosen"""

    def __str__(self) -> str:
        kinds = " and ".join(sorted(self.inputs)) or "no"
        return f"{self.task} with family {self.family} on {kinds} inputs"


class Rule(NamedTuple):
    """Where a setting does something."""

    where: str
    """in words, after "it is for" """
    holds: Callable[[Situation], bool]


def _task(*tasks: str) -> Rule:
    return Rule(" and ".join(tasks), lambda here: here.task in tasks)


def _family(*families: str) -> Rule:
    return Rule(f"family {' and '.join(families)}", lambda here: here.family in families)


def _inputs(words: str, *kinds: str) -> Rule:
    return Rule(words, lambda here: bool(here.inputs & set(kinds)))


_NOT_PAIRS = Rule("records with an answer each", lambda here: here.task not in ("language", "translate"))
_NOT_WRITTEN = Rule(
    "records whose answer is not written step by step",
    lambda here: here.task not in ("language", "translate", "describe"),
)
_LANGUAGE = _task("language")
_TRANSLATE = _task("translate")
_FORECAST = _task("forecast")
_RECORDS = Rule("records", lambda here: here.task != "language")
_TRANSFORMER = _family("transformer")
_TOKENS = _inputs("inputs of tokens, texts or categories", "token", "text", "categorical")

RULES: dict[str, Rule] = {
    "data.vocabulary": _inputs("inputs of text", "text"),
    "data.vocabulary_size": Rule(
        "a vocabulary of kind bpe", lambda here: "text" in here.inputs and here.data.vocabulary in ("auto", "bpe")
    ),
    "data.spelling": _inputs("inputs of words that come ready cut", "token"),
    "data.min_count": Rule(
        "words, letters and categories",
        lambda here: _TOKENS.holds(here) and here.data.vocabulary not in ("byte", "bpe"),
    ),
    "data.test_fraction": _RECORDS,
    "data.context": Rule(
        "tasks with an answer for every step", lambda here: here.task not in ("classify", "regress", "transcribe")
    ),
    "data.horizon": _FORECAST,
    "data.quantiles": _FORECAST,
    "data.parts": _FORECAST,
    "data.calendar": _FORECAST,
    "data.known": _FORECAST,
    "data.share_vocabulary": _TRANSLATE,
    "data.feed": _LANGUAGE,
    "data.carry": Rule("language fed by streams", lambda here: here.task == "language" and here.data.feed != "windows"),
    "data.cache": _LANGUAGE,
    "data.inputs": _RECORDS,
    "data.target": _RECORDS,
    "data.id": _RECORDS,
    "data.time": _RECORDS,
    "data.group": _NOT_PAIRS,
    "data.labels": _RECORDS,
    "data.label_separator": Rule("records with several labels", lambda here: here.task == "classify" and here.many),
    "data.decimal": Rule(
        "numbers", lambda here: here.task == "forecast" or "numeric" in here.inputs or here.target == "numeric"
    ),
    "data.split": _NOT_PAIRS,
    "data.layout": _RECORDS,
    "data.rate": _inputs("signals", "signal"),
    "data.features": _inputs("signals", "signal"),
    "data.mels": Rule("log-mel spectrograms", lambda here: "signal" in here.inputs and here.data.features != "raw"),
    "data.scaling": _inputs("numbers and signals", "numeric", "signal"),
    "data.kmer": Rule(
        "texts of letters",
        lambda here: (
            "text" in here.inputs
            and here.data.vocabulary in ("auto", "char")
            and here.task not in ("translate", "describe")
        ),
    ),
    "data.event_labels": Rule("a target of events", lambda here: here.target == "event"),
    "data.batching": _task("classify", "regress", "tag"),
    "data.augment": _inputs("numbers and signals", "numeric", "signal", "frames"),
    "model.heads": _TRANSFORMER,
    "model.kv_heads": _TRANSFORMER,
    "model.positions": _TRANSFORMER,
    "model.window": _TRANSFORMER,
    "model.feedforward": _TRANSFORMER,
    "model.qk_norm": _TRANSFORMER,
    "model.nonlinearity": _family("rnn"),
    "model.forget_bias": _family("lstm"),
    "model.embedding": Rule(
        f"tasks that write no sequence, and {_TOKENS.where}",
        lambda here: _TOKENS.holds(here) and here.task not in ("translate", "describe"),
    ),
    "model.embedding_size": Rule(
        "learned embeddings of tokens (a language model that is a transformer takes its width)",
        lambda here: (
            _TOKENS.holds(here)
            and here.model.embedding != "one-hot"
            and (here.task, here.family) != ("language", "transformer")
        ),
    ),
    "model.tie_weights": _task("language", "translate"),
    "model.variational": _family("rnn", "lstm", "gru", "transformer"),
    "model.bidirectional": Rule(
        "family rnn and lstm and gru and transformer and convolution, where nothing is written step by step",
        lambda here: (
            here.family in ("rnn", "lstm", "gru", "transformer", "convolution")
            and here.task not in ("translate", "describe")
        ),
    ),
    "model.attention": _TRANSLATE,
    "model.pooling": _task("classify", "regress"),
    "model.kernel": _family("convolution", "inception"),
    "model.patch": _FORECAST,
    "model.channels": _FORECAST,
    "model.members": _NOT_WRITTEN,
    "train.label_smoothing": Rule(
        "learning one label or token of several",
        lambda here: (
            here.task in ("language", "classify", "tag", "translate", "describe")
            and not here.many
            and here.target != "numeric"
        ),
    ),
    "train.class_weights": Rule(
        "classify with one label per record", lambda here: here.task == "classify" and not here.many
    ),
}
"""Every setting that is not for everything."""

NOT_IN_FORECASTS = {
    *("data.group", "data.split", "data.labels", "data.augment", "data.rate"),
    *("model.kv_heads", "model.positions", "model.window", "model.feedforward", "model.qk_norm", "model.nonlinearity"),
    *("model.bidirectional", "model.variational", "model.kernel", "model.members", "model.embedding"),
    *("model.embedding_size", "model.forget_bias", "train.label_smoothing"),
}
"""Settings of records that forecasts, whose network has a form of its own, do not have."""


_ANY_INPUT = frozenset(["numeric", "categorical", "text", "token", "signal", "frames"])
_INPUTS_OF = {
    "language": frozenset(["text"]),
    "forecast": frozenset(["numeric"]),
    "translate": frozenset(["text"]),
    "describe": frozenset(["numeric", "categorical", "text"]),
}
"""kinds of the fields that tasks can read, where they cannot read all"""
_TARGETS_OF: dict[str, list[str | None]] = {
    "language": [None],
    "forecast": ["numeric"],
    "regress": ["numeric"],
    "tag": ["categorical", "numeric", "event"],
    "translate": ["text"],
    "transcribe": ["text"],
    "describe": ["text", "numeric", "token"],
}


@functools.cache
def settings_of(task: str) -> frozenset[str]:
    """The settings, without their group, that do something for a task: with some family, on some data."""
    families = typing.get_args(typing.get_type_hints(ModelConfig)["family"])
    inputs, targets = _INPUTS_OF.get(task, _ANY_INPUT), _TARGETS_OF.get(task, ["categorical"])
    situations = [
        Situation(task, family, inputs, target, many)
        for family in families
        for target in targets
        for many in ([False, True] if task == "classify" else [False])
    ]
    found = set()
    for group, config in (("data", DataConfig), ("model", ModelConfig), ("train", TrainConfig)):
        for name in (field.name for field in fields(config)):
            rule = RULES.get(f"{group}.{name}")
            if task == "forecast" and f"{group}.{name}" in NOT_IN_FORECASTS:
                continue
            if rule is None or any(rule.holds(here) for here in situations):
                found.add(name)
    return frozenset(found)


def check_applicable(here: Situation, data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Raises `UserError` for the first setting, as given, that differs from its default and would be ignored."""
    for group, config in (("data", data), ("model", model), ("train", train)):
        default = type(config)()
        for field in fields(config):
            rule = RULES.get(f"{group}.{field.name}")
            value = getattr(config, field.name)
            if value == getattr(default, field.name):
                continue
            if here.task == "forecast" and f"{group}.{field.name}" in NOT_IN_FORECASTS:
                rule = Rule("other tasks", lambda here: False)
            if rule is not None and not rule.holds(here):
                raise UserError(
                    f"--{group}.{field.name} {_said(value)} would have no effect: it is for {rule.where}, and this is "
                    f"{here}; leave it out"
                )


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
