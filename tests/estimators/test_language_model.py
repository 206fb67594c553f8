"""The language model from Python: the same engine with the protocol of scikit-learn."""

import copy
from pathlib import Path

import pytest

from small_models import TEXT, vocabulary, write_run
from unrolled.errors import UserError
from unrolled.estimators.language import LanguageModel
from unrolled.tasks.language.evaluate import evaluate_part
from unrolled.tasks.language.load import load

SETTINGS = {"family": "gru", "width": 8, "max_steps": 3, "silent": True}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("estimator")
    return LanguageModel(run=folder / "run", cache=str(folder / "cache"), **SETTINGS).fit(TEXT)


def clone(model: LanguageModel) -> LanguageModel:
    """What sklearn.base.clone does, its identity check included."""
    given = {name: copy.deepcopy(value) for name, value in model.get_params(deep=False).items()}
    new = type(model)(**given)
    for name, value in new.get_params(deep=False).items():
        assert value is given[name], f"the constructor changes {name}"
    return new


def test_settings_as_in_scikit_learn() -> None:
    model = LanguageModel(family="gru", width=8, valid=["v.txt"], run="x")
    settings = model.get_params()
    assert (settings["family"], settings["width"], settings["valid"], settings["run"]) == ("gru", 8, ["v.txt"], "x")
    assert settings["learning_rate"] is None, "settings that were not given are there too"
    assert clone(model).get_params() == settings
    assert model.set_params(width=16, silent=True) is model
    assert (model.get_params()["width"], model.get_params()["silent"]) == (16, True)
    assert clone(LanguageModel()).get_params() == LanguageModel().get_params()


@pytest.mark.parametrize("use", [lambda **s: LanguageModel(**s), lambda **s: LanguageModel().set_params(**s)])
def test_an_unknown_setting(use) -> None:
    with pytest.raises(TypeError, match=r"LanguageModel has no setting 'familly'; did you mean 'family'\?"):
        use(familly="gru")
    with pytest.raises(TypeError, match="LanguageModel has no setting 'xyz'; it has accumulate, "):
        use(xyz=1)


def test_a_refused_setting_changes_nothing() -> None:
    model = LanguageModel(width=8)
    with pytest.raises(TypeError):
        model.set_params(width=16, xyz=1)
    assert model.get_params()["width"] == 8


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"family": "lsmt"}, 'family is "lsmt"; did you mean "lstm"?'),
        ({"family": "bidirectional"}, "reads the future"),
        ({"width": "8"}, "width is '8'; give a whole number"),
        ({"width": 8.5}, "width is 8.5; give a whole number"),
        ({"width": True}, "width is True; give a whole number"),
        ({"batch_size": 0}, "batch_size is 0; give a whole number"),
        ({"valid": "v.txt"}, "valid is 'v.txt'; give a list of texts"),
        ({"carry": 1}, "carry is 1; give True or False"),
        ({"max_time": 90}, "max_time is 90; give a text"),
        ({"seed": None}, "seed is None; give a whole number"),
    ],
)
def test_a_value_that_cannot_be(settings: dict, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"family": "gru", **settings}
    # The run-time checks of the tests would find these before the model does; a person has none.
    with pytest.raises(UserError) as refused, _without_type_checks(monkeypatch):
        LanguageModel(**settings).fit(TEXT)
    assert sentence in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def _without_type_checks(monkeypatch: pytest.MonkeyPatch):
    import contextlib

    import jaxtyping

    @contextlib.contextmanager
    def switched_off():
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            yield
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    return switched_off()


def test_before_fit_there_is_nothing() -> None:
    model = LanguageModel()
    for use in (
        lambda: model.generate("a"),
        lambda: model.generate_stream("a"),
        lambda: model.score("a\n"),
        lambda: model.stream(),
        lambda: model.save_pretrained("x"),
    ):
        with pytest.raises(UserError, match=r"not trained yet; call fit, or LanguageModel\.from_pretrained"):
            use()


def test_fit_keeps_what_training_gave(fitted: LanguageModel) -> None:
    assert fitted.result_ is not None
    assert fitted.result_["steps"] == 3
    assert Path(fitted.result_["report"]).is_file()


def test_generate(fitted: LanguageModel) -> None:
    text = fitted.generate("The cat", length=20, seed=1, temperature=1.0)
    assert len(text) == 20
    assert fitted.generate("The cat", length=20, seed=1, temperature=1.0) == text
    assert "".join(fitted.generate_stream("The cat", length=20, seed=1, temperature=1.0)) == text
    assert len(fitted.generate(length=7)) == 7
    assert fitted.generate("The cat", length=0) == ""
    with pytest.raises(TypeError, match=r"no sampling setting 'temprature'; did you mean 'temperature'\?"):
        fitted.generate("a", temprature=1.0)
    with pytest.raises(UserError, match="temperature must be 0 or more"):
        fitted.generate("a", temperature=-1.0)
    with pytest.raises(UserError, match="length is -1"):
        fitted.generate("a", length=-1)
    with pytest.raises(UserError, match=r"U\+20AC"):
        fitted.generate_stream("€")  # at once, not at the first piece


def test_score_of_a_file_and_of_a_text(fitted: LanguageModel, tmp_path: Path) -> None:
    text = "The dog\nsat on the cat's hat."
    file = tmp_path / "other.txt"
    file.write_text(text, encoding="utf-8")
    score = fitted.score(text)
    assert score.tokens == len(text) - 1
    assert fitted.score(file).loss == fitted.score(str(file)).loss == fitted.score([file]).loss == score.loss
    assert fitted.score([file, str(file)]).loss == pytest.approx(score.loss, rel=1e-5)
    assert fitted.score(text, policy="sliding", stride=1).policy.endswith("stride 1")


@pytest.mark.parametrize("missing", ["no such file", "a long text without a line break, " * 500])
def test_a_text_without_a_line_break_is_a_path(missing: str, fitted: LanguageModel) -> None:
    for use in (fitted.score, LanguageModel(**SETTINGS).fit):
        with pytest.raises(UserError, match=r"there is no file .*; a text itself is told from a path by a line break"):
            use(missing)


def test_a_stream_says_what_the_score_says(fitted: LanguageModel) -> None:
    stream = fitted.stream(top=2)
    text = "The dog\nsat"
    steps = [*stream.feed_text(text[:4]), *stream.feed_text(text[4:])]
    losses = [step.loss for step in steps if step.loss is not None]
    assert sum(losses) / len(losses) == pytest.approx(fitted.score(text).loss, abs=1e-4)
    assert all(len(step.next) == 2 for step in steps)
    saved, before = stream.save(), stream.state
    with pytest.raises(UserError):
        stream.feed_text("a€")
    assert stream.state is before
    other = fitted.stream(top=2)
    other.load(saved)
    assert other.feed_text(" on") == stream.feed_text(" on")


def test_saved_and_opened_again(fitted: LanguageModel, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    fitted.save_pretrained(folder)
    fitted.save_pretrained(str(folder))  # over itself
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "vocabulary.json",
        "README.md",
    }
    opened = LanguageModel.from_pretrained(folder)
    settings = {"length": 20, "seed": 0}
    assert opened.generate("The ", **settings) == fitted.generate("The ", **settings)
    assert LanguageModel.from_pretrained(fitted.result_["run"]).generate("The ", **settings) == opened.generate(
        "The ", **settings
    )
    state = fitted.stream()
    state.feed_text("The ")
    opened.stream().load(state.save())  # the same model


def test_saving_never_removes_other_files(fitted: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files than a model's, which would be lost; choose another"):
        fitted.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="holds other files"):
        fitted.save_pretrained(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_model_without_a_card_can_be_saved(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "best" / "README.md").unlink()
    LanguageModel.from_pretrained(run).save_pretrained(tmp_path / "copy")
    assert not (tmp_path / "copy" / "README.md").exists()


def test_no_run_and_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def offline(name: str, **_: object) -> str:
        asked.append(name)
        raise OSError("no network\nmore about it")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no run someone/poems here, and the Hugging Face Hub gave none: no network"):
        LanguageModel.from_pretrained("someone/poems")
    assert asked == ["someone/poems"]
    Path("runs").mkdir()
    for local in ("runs/poems", "./a/b", "poems", Path("someone/poems")):
        with pytest.raises(UserError, match="there is no run"):
            LanguageModel.from_pretrained(local)
    assert len(asked) == 1, "a path of this machine is nobody else's business"


def test_a_model_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    best = write_run(tmp_path / "run") / "best"
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, allow_patterns: str(best))
    assert len(LanguageModel.from_pretrained("someone/poems").generate(length=3)) == 3


def test_the_score_is_that_of_the_engine(tmp_path: Path) -> None:
    from unrolled.tasks.language.text_data import encode_text

    run = write_run(tmp_path / "run", "window", vocabulary("byte"))
    model = load(run)
    expected = evaluate_part(model.network, encode_text(TEXT, model.vocabulary))
    score = LanguageModel.from_pretrained(run).score(TEXT)
    assert (score.loss, score.bits_per_byte, score.policy) == (expected.loss, expected.bits_per_byte, expected.policy)
