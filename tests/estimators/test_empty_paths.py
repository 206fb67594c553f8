"""An empty path or text means nothing, least of all the current folder."""

from pathlib import Path
from typing import Any

import pytest

from unrolled import (
    Forecaster,
    LanguageModel,
    SequenceClassifier,
    SequenceRegressor,
    SequenceTagger,
    Transcriber,
    Translator,
)
from unrolled.errors import UserError

ESTIMATORS = [
    *(SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber),
    *(Forecaster, Translator, LanguageModel),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    Path("a.txt").write_text("the cat sat on the mat\n" * 40)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("empty", ["", "  ", Path(), [Path()]])
def test_an_empty_path(kind: Any, empty: Any) -> None:
    with pytest.raises(UserError, match=r"is empty|empty text becomes too|give at least one|y is missing|a text"):
        kind(max_steps=1, silent=True).fit(empty)
    if not isinstance(empty, list):
        with pytest.raises(UserError, match=r"is empty|empty text becomes too"):
            kind.from_pretrained(empty)
    assert [path.name for path in Path().iterdir()] == ["a.txt"]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_nothing_at_all(kind: Any) -> None:
    with pytest.raises(UserError, match=r"no text was given|X has no records|too little|a step or more|y is missing"):
        kind(max_steps=1, silent=True).fit([])


@pytest.mark.parametrize("text", ["\n", "\n \n\t\n" * 50])
def test_a_text_of_nothing(text: str) -> None:
    with pytest.raises(UserError, match=r"the text holds nothing but white space"):
        LanguageModel(max_steps=1, silent=True).fit(text)
    Path("blank.txt").write_text(text)
    with pytest.raises(UserError, match=r"blank\.txt holds nothing but white space"):
        LanguageModel(max_steps=1, silent=True).fit("blank.txt")
    with pytest.raises(UserError, match=r"X\[1\] is empty"):
        SequenceClassifier(max_steps=1).fit(["good", text], ["a", "b"])


def test_settings_that_are_paths() -> None:
    with pytest.raises(UserError, match=r"the run is empty"):
        LanguageModel(max_steps=1, silent=True, run="").fit("a.txt")
    with pytest.raises(UserError, match=r"the run is empty"):
        SequenceClassifier(max_steps=1, run="").fit(["good", "bad"], ["a", "b"])
    with pytest.raises(UserError, match=r"file held out is empty"):
        SequenceClassifier(max_steps=1, valid=[""]).fit("a.txt")


def test_the_current_folder_can_be_named() -> None:
    model = LanguageModel(max_steps=1, silent=True, width=8, layers=1, run="r", vocabulary="char")
    assert model.fit(".").result_ is not None
    model.save_pretrained("m")
    with pytest.raises(UserError, match=r"the folder is empty"):
        model.save_pretrained("")


def test_a_trained_model_is_not_asked_about_nothing() -> None:
    small = {"max_steps": 1, "width": 8, "layers": 1, "silent": True}
    classifier = SequenceClassifier(**small).fit(["good one", "bad two"] * 5, ["a", "b"] * 5)
    translator = Translator(**small).fit(["a b", "c d", "e f"] * 4, ["x", "y", "z"] * 4)
    model = LanguageModel(**small).fit("the cat sat\n" * 20)
    asked = [classifier.predict, classifier.score, translator.predict, translator.score, model.score]
    for ask in asked:
        for nothing in (
            "",
            "  ",
            Path(),
            *([] if ask == translator.predict else [[]]),
        ):  # no texts have no translations
            with pytest.raises(
                UserError, match=r"is empty|empty text becomes too|no records|no texts|no text|y is missing"
            ):
                ask(nothing)
