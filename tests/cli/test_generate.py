"""`unrolled generate`, as a person uses it."""

import json
import re
from pathlib import Path

import pytest

from small_models import vocabulary, write_run
from unrolled.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run")


def generate(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main(["generate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_text_goes_on_from_the_prompt_and_the_speed_is_told(run: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, err = generate(capsys, run, "--prompt", "The cat", "--length", 30, "--seed", 1)
    assert code == 0
    assert out.startswith("The cat")
    assert len(out) == len("The cat") + 30 + 1
    assert re.fullmatch(r"30 tokens, [\d,]+ tokens/s\n", err)
    assert generate(capsys, run, "--prompt", "The cat", "--length", 30, "--seed", 1)[1] == out
    assert generate(capsys, run, "--prompt", "The cat", "--length", 30, "--seed", 2)[1] != out


def test_several_samples(run: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, err = generate(
        capsys, run, "--prompt", "The cat", "--length", 20, "--samples", 3, "--seed", 0, "--temperature", 2, "--json"
    )
    assert code == 0
    result = json.loads(out)
    assert len(set(result["texts"])) == 3
    assert all(len(text) == 20 for text in result["texts"])
    assert result["prompt"] == "The cat"
    assert result["tokens_per_second"] > 0
    for number, text in enumerate(result["texts"], start=1):
        assert f"--- {number} ---\nThe cat{text}\n" in err
    assert "60 tokens, " in err


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_without_a_prompt(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = write_run(tmp_path / "run", "rnn", vocabulary(kind))
    code, out, _ = generate(capsys, run, "--length", 5, "--json")
    assert code == 0
    assert json.loads(out)["prompt"] == ""


def test_a_text_that_ends_within_a_character_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unrolled.tasks.language.speech.generate_text", lambda *a, **k: iter([["a"], ["\ufffd"]]))
    run = write_run(tmp_path / "run", "rnn", vocabulary("byte"))
    assert generate(capsys, run, "--length", 2)[1] == "a\ufffd\n"


def test_words_outside_the_vocabulary_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = write_run(tmp_path / "run", "rnn", vocabulary("word"))
    code, _, err = generate(capsys, run, "--prompt", "The zebra and the gnu", "--length", 3)
    assert code == 0
    assert "3 words of the prompt are not in the vocabulary and are read as <unk>" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", "a€a"], '"€" (U+20AC) (first at position 1), which the char vocabulary does not know'),
        (["--prompt", "a\udcffb"], "U+DCFF"),
        (["--length", "0"], "--length is 0, which must be at least 1"),
        (["--length", "-5"], "--length is -5, which must be at least 1"),
        (["--samples", "0"], "--samples is 0, which must be at least 1"),
        (["--seed", "-1"], "the seed is -1; give a whole number from 0"),
        (["--temperature", "-1"], "temperature must be 0 or more, got -1.0"),
        (["--temperature", ".nan"], "temperature must be 0 or more, got nan"),
        (["--top_k", "0"], "top_k must be 1 or more, got 0"),
        (["--top_p", "2"], "top_p must be above 0 and at most 1, got 2.0"),
        (["--min_p", "-1"], "min_p must be between 0 and 1, got -1.0"),
        (["--repetition_penalty", "0"], "repetition_penalty must be between 0.01 and 100, got 0.0"),
        (["--temprature", "1"], "unknown option --temprature; did you mean --temperature?"),
        (["--length", "ten"], '--length expects a whole number or null, found "ten"'),
    ],
)
def test_what_cannot_be(run: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture) -> None:
    code, out, err = generate(capsys, run, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("unrolled: ")
    assert err.count("\n") == 1
