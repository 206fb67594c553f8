"""A setting that would be ignored is refused, and what is chosen can be given again."""

import itertools
from dataclasses import fields, replace

import pytest

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.defaults import Facts, choose_for_records
from unrolled.tasks.language.defaults import choose
from unrolled.training.applicable import RULES, Situation, check_applicable
from unrolled.training.config import TrainConfig

EVERYWHERE = {
    "data": {"valid", "test", "valid_fraction"},
    "model": {"family", "layers", "width", "dropout", "causal"},
    "train": {field.name for field in fields(TrainConfig)} - {"label_smoothing", "class_weights"},
}
FAMILIES = ["rnn", "lstm", "gru", "transformer", "convolution", "inception", "feedforward"]
TASKS = ["classify", "regress", "tag", "transcribe"]
CONFIGS = {"data": DataConfig(), "model": ModelConfig(), "train": TrainConfig()}


def refusal(here: Situation, name: str, value: object) -> str | None:
    group, field = name.split(".")
    given = {**CONFIGS, group: replace(CONFIGS[group], **{field: value})}
    here = here._replace(data=given["data"], model=replace(given["model"], family=here.family))  # type: ignore[arg-type]
    try:
        check_applicable(here, *given.values())  # type: ignore[arg-type]
    except UserError as error:
        return str(error)
    return None


def test_every_setting_has_its_place() -> None:
    placed = set(RULES) | {f"{group}.{name}" for group, names in EVERYWHERE.items() for name in names}
    assert placed == {f"{group}.{field.name}" for group, config in CONFIGS.items() for field in fields(config)}


WORDS = Situation("classify", "lstm", frozenset({"text"}), "categorical")
SERIES = Situation("classify", "inception", frozenset({"numeric"}), "categorical")
LANGUAGE = Situation("language", "lstm", frozenset({"text"}))
SOUND = Situation("transcribe", "lstm", frozenset({"signal"}), "text")
BEATS = Situation("tag", "inception", frozenset({"signal"}), "event")
VALUES = Situation("regress", "transformer", frozenset({"numeric"}), "numeric")
AHEAD = Situation("forecast", "transformer", frozenset({"numeric"}), "numeric")

CASES = [
    ("data.carry", False, [LANGUAGE], [WORDS, SERIES, BEATS]),
    ("data.feed", "windows", [LANGUAGE], [WORDS, SERIES]),
    ("data.mels", 40, [SOUND, BEATS], [SERIES, LANGUAGE]),
    ("data.rate", 100.0, [SOUND, BEATS], [SERIES, WORDS]),
    ("data.kmer", 3, [WORDS], [SERIES, SOUND]),
    ("data.scaling", "robust", [SERIES, BEATS], [WORDS, LANGUAGE]),
    ("data.horizon", 4, [Situation("forecast", "lstm", frozenset({"numeric"}))], [SERIES, LANGUAGE, BEATS]),
    ("data.known", ["price"], [Situation("forecast", "gru", frozenset({"numeric"}))], [SERIES, LANGUAGE]),
    ("data.context", 100, [LANGUAGE, BEATS], [SERIES, SOUND]),
    ("data.event_labels", True, [BEATS], [SERIES, WORDS]),
    ("data.batching", "packed", [SERIES, WORDS, BEATS], [SOUND, LANGUAGE, AHEAD]),
    ("data.target", "y", [SERIES, SOUND], [LANGUAGE]),
    ("data.test_fraction", 0.1, [SERIES], [LANGUAGE]),
    ("model.heads", 4, [VALUES, AHEAD], [SERIES, LANGUAGE, AHEAD._replace(family="gru")]),
    ("model.window", 4, [VALUES, AHEAD], [BEATS]),
    ("model.nonlinearity", "relu", [LANGUAGE._replace(family="rnn"), AHEAD._replace(family="rnn")], [LANGUAGE, AHEAD]),
    ("model.kernel", 9, [SERIES, BEATS, AHEAD._replace(family="inception")], [VALUES, LANGUAGE]),
    ("model.pooling", "max", [SERIES, VALUES], [BEATS, LANGUAGE]),
    ("model.embedding", "one-hot", [WORDS, LANGUAGE], [SERIES, SOUND, AHEAD]),
    ("model.embedding_size", 9, [WORDS, LANGUAGE], [SERIES, LANGUAGE._replace(family="transformer")]),
    ("model.bidirectional", True, [WORDS, VALUES, AHEAD, SERIES], [SERIES._replace(family="feedforward")]),
    ("model.variational", True, [WORDS, AHEAD], [SERIES]),
    ("model.tie_weights", True, [LANGUAGE], [WORDS, SERIES]),
    ("model.members", 3, [SERIES, AHEAD], [LANGUAGE]),
    ("train.class_weights", "balanced", [SERIES, WORDS], [BEATS, VALUES, LANGUAGE, SERIES._replace(multilabel=True)]),
    ("train.label_smoothing", 0.1, [SERIES, LANGUAGE, BEATS], [VALUES, SERIES._replace(multilabel=True), SOUND, AHEAD]),
    ("data.group", "who", [SERIES], [AHEAD, LANGUAGE]),
    ("data.split", "time", [SERIES], [AHEAD, LANGUAGE]),
    ("data.labels", "labels.csv", [SERIES, WORDS], [AHEAD, LANGUAGE]),
    ("data.augment", "none", [SERIES, BEATS], [AHEAD, WORDS]),
]


@pytest.mark.parametrize(("name", "value", "good", "bad"), CASES, ids=[case[0] for case in CASES])
def test_where_a_setting_is_for(name: str, value: object, good: list[Situation], bad: list[Situation]) -> None:
    for here in good:
        assert refusal(here, name, value) is None, here
    for here in bad:
        sentence = refusal(here, name, value)
        assert sentence is not None, here
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        assert sentence.startswith(f"--{name} {shown} would have no effect: it is for ")
        assert sentence.endswith(f", and this is {here}; leave it out")
        assert "\n" not in sentence


def test_settings_that_make_another_one_idle() -> None:
    idle = [
        (LANGUAGE, DataConfig(feed="windows", carry=False), ModelConfig(), "--data.carry"),
        (SOUND, DataConfig(features="raw", mels=40), ModelConfig(), "--data.mels"),
        (WORDS, DataConfig(vocabulary="byte", kmer=3), ModelConfig(), "--data.kmer"),
        (WORDS, DataConfig(vocabulary="word", vocabulary_size=300), ModelConfig(), "--data.vocabulary_size"),
        (WORDS, DataConfig(vocabulary="byte", min_count=3), ModelConfig(), "--data.min_count"),
        (WORDS, DataConfig(), ModelConfig(embedding="one-hot", embedding_size=8), "--model.embedding_size"),
    ]
    for here, data, model, name in idle:
        with pytest.raises(UserError, match=name):
            check_applicable(here._replace(data=data, model=model), data, model, TrainConfig())


def test_defaults_are_never_refused() -> None:
    for here in (WORDS, SERIES, LANGUAGE, SOUND, BEATS, VALUES):
        check_applicable(here, *CONFIGS.values())  # type: ignore[arg-type]


@pytest.mark.parametrize(("task", "family"), list(itertools.product(TASKS, FAMILIES)))
@pytest.mark.parametrize("kind", ["numeric", "text", "signal"])
def test_what_is_chosen_for_records_can_be_given(task: str, family: str, kind: str) -> None:
    if kind == "text" and task == "transcribe":
        return
    text = kind == "text"
    for steps in (1, 50):
        facts = Facts(task, 100, steps, 0 if text else 2, text, kind == "signal", text)
        chosen = choose_for_records(DataConfig(), ModelConfig(family=family), TrainConfig(), facts)  # type: ignore[arg-type]
        target = {"classify": "categorical", "regress": "numeric", "tag": "categorical", "transcribe": "text"}[task]
        check_applicable(Situation(task, family, frozenset({kind}), target, data=chosen[0], model=chosen[1]), *chosen)


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("words", [60, 9000])
def test_what_is_chosen_for_language_can_be_given(family: str, words: int) -> None:
    given = DataConfig(), ModelConfig(family=family), TrainConfig()  # type: ignore[arg-type]
    chosen = choose(*given, tokens=10_000, vocabulary_size=words)
    check_applicable(LANGUAGE._replace(family=family, data=chosen[0], model=chosen[1]), *chosen)
