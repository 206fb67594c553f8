"""Errors of estimators name settings as Python writes them, wherever they come from."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from unrolled import Forecaster, LanguageModel, SequenceClassifier
from unrolled.errors import UserError
from unrolled.estimators.python_words import in_python
from unrolled.training.applicable import CONFIGS

SOURCE = Path(__file__).parents[2] / "src" / "unrolled"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("--model.width is '8'; give a whole number", "width is '8'; give a whole number"),
        ("--train.max_steps 0 cannot be", "max_steps=0 cannot be"),
        ("--data.valid_fraction 0.2, --train.clip_norm null", "valid_fraction=0.2, clip_norm=None"),
        ("choose --target label if those are labels", 'choose target="label" if those are labels'),
        ("or choose --task translate if they say the same", "or choose Translator if they say the same"),
        ("choose one with --task classify|tag", "choose one with SequenceClassifier or SequenceTagger"),
        ("choose another --target or --task", "choose another target or estimator"),
        ("(--id COLUMN); name some with --inputs, out of a", "(id=COLUMN); name some with inputs, out of a"),
        ("--inputs a,b. Or", 'inputs=["a", "b"]. Or'),
        ("--data.carry is 1; give true or false", "carry is 1; give True or False"),
        ("--model.bidirectional true and --data.vocabulary word", 'bidirectional=True and vocabulary="word"'),
        ("--train.precision 32; --run x/y", 'precision="32"; run="x/y"'),
        ("--data.labels '(?P<label>.)' has", "labels='(?P<label>.)' has"),
        (
            "train one: unrolled train FILE --run x; leave --target out",
            "train one: unrolled train FILE --run x; leave target out",
        ),
        ("--given a=b and --samples 3", "--given a=b and --samples 3"),
        ("true or false", "true or false"),
    ],
)
def test_sentences(sentence: str, expected: str) -> None:
    assert in_python(sentence) == expected
    assert in_python(expected) == expected


def test_no_option_that_the_engine_names_is_left() -> None:
    known = {field.name for config in CONFIGS.values() for field in fields(config)} | {"run", "task"}
    named = set()
    for path in SOURCE.rglob("*.py"):
        if "cli" not in path.parts:
            named |= set(re.findall(r"--(?:data|model|train)\.[a-z_]+", path.read_text()))
    assert len(named) > 20
    for option in named:
        name = option.split(".")[1]
        assert name in known, option
        assert in_python(f"{option} is wrong") == f"{name} is wrong"


X, Y = np.random.default_rng(0).normal(size=(24, 5, 2)), np.array([0, 1] * 12)


def test_errors_of_estimators() -> None:
    for made, data, sentence in (
        (SequenceClassifier(width=0), (X, Y), r"^width is 0; give a whole number"),
        (SequenceClassifier(heads=2, family="gru"), (X, Y), r"^heads=2 would have no effect: it is for family tra"),
        (SequenceClassifier(embedding="nowhere"), (X, Y), r'^embedding is "nowhere", and there is no such file'),
        (Forecaster(horizon=400), (X[0, :, 0],), r"choose a smaller horizon or context"),
        (
            LanguageModel(family="bidirectional", silent=True),
            ("a\nb" * 90,),
            r'^family="bidirectional" reads the future',
        ),
    ):
        with pytest.raises(UserError, match=sentence) as refused:
            made.fit(*data)
        assert "--" not in str(refused.value)
