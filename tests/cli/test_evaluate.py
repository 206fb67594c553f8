"""`unrolled evaluate`, as a person uses it."""

import json
import math
from pathlib import Path

import pytest
import torch

from small_models import CONTEXT, TEXT, vocabulary, write_run, write_run_of
from unrolled.cli.main import main
from unrolled.tasks.language.load import load


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "poems.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def evaluate(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def loss_of(run: Path, text: str) -> float:
    """One whole forward."""
    model = load(run)
    tokens = torch.tensor(model.vocabulary.encode(text))
    with torch.no_grad():
        logits = model.network(tokens[None, :-1])[0][0].double()
    return float(torch.nn.functional.cross_entropy(logits, tokens[1:]))


def test_any_text(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run, other = write_run(tmp_path / "run"), tmp_path / "other.txt"
    other.write_text("the dog sat on the café", encoding="utf-8")
    code, out, err = evaluate(capsys, run, other, "--json")
    assert code == 0
    result = json.loads(out)
    expected = loss_of(run, "the dog sat on the café")
    assert result["loss"] == pytest.approx(expected, abs=1e-4)
    assert result["perplexity"] == pytest.approx(math.exp(expected), rel=1e-3)
    assert result["bits_per_byte"] == pytest.approx(expected / math.log(2) * 23 / 24, rel=1e-4)
    assert (result["tokens"], result["unknown"]) == (22, 0)
    assert result["policy"] == "state carried through the text"
    assert f"other.txt: {result['loss']:.4f} nats per token, perplexity" in err
    assert "bits per byte" in err
    assert "22 tokens in" in err
    assert "state carried through the text" in err


def test_the_policy_can_be_chosen(tmp_path: Path, text: Path, capsys: pytest.CaptureFixture) -> None:
    run = write_run(tmp_path / "run")
    results = {}
    for name, options in {
        "carried": [],
        "sliding": ["--policy", "sliding"],
        "stride": ["--stride", "2"],
        "streams": ["--streams", "3"],
    }.items():
        code, out, _ = evaluate(capsys, run, text, *options, "--json")
        assert code == 0
        results[name] = json.loads(out)
    assert results["sliding"]["policy"] == f"windows of {CONTEXT} tokens, stride {CONTEXT // 2}"
    assert results["stride"]["policy"] == f"windows of {CONTEXT} tokens, stride 2"
    assert len({result["loss"] for result in results.values()}) == 3  # the text is too short for three streams
    assert {result["tokens"] for result in results.values()} == {len(TEXT) - 1}


def test_without_files_the_run_judges_its_own_validation_part(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture
) -> None:
    run = write_run_of(tmp_path / "run", text, tmp_path / "cache")
    held_out = TEXT.encode()[int(len(TEXT.encode()) * 0.9) :].decode()
    for model_dir in (run, run / "best"):
        code, out, err = evaluate(capsys, model_dir, "--json")
        assert code == 0
        assert json.loads(out)["loss"] == pytest.approx(loss_of(run, held_out), abs=1e-4)
        assert "valid part: " in err
    assert json.loads(evaluate(capsys, run, "--part", "train", "--json")[1])["tokens"] > 700
    code, _, err = evaluate(capsys, run, "--part", "test")
    assert (code, err) == (2, "unrolled: the run has no test part; it has train, valid\n")


def test_unknown_words_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run, other = write_run(tmp_path / "run", "rnn", vocabulary("word")), tmp_path / "other.txt"
    other.write_text("the zebra sat on the gnu\n")
    code, out, err = evaluate(capsys, run, other, "--json")
    assert code == 0
    assert json.loads(out)["unknown"] == 2
    assert "2 tokens are <unk>: the vocabulary does not hold them" in err


def test_what_cannot_be(tmp_path: Path, text: Path, capsys: pytest.CaptureFixture) -> None:
    run = write_run_of(tmp_path / "run", text, tmp_path / "cache")
    learned = write_run(tmp_path / "learned", "learned")
    strange, short = tmp_path / "strange.txt", tmp_path / "short.txt"
    strange.write_text("one\ntwo €", encoding="utf-8")
    short.write_text("a")
    for arguments, sentence in {
        (run, text, "--stride", 0): f"--stride is 0, which must lie between 1 and the context {CONTEXT}",
        (run, text, "--stride", CONTEXT + 1): f"--stride is {CONTEXT + 1}, which must lie between 1 and the context",
        (run, text, "--stride", 2, "--policy", "carried"): "a stride belongs to the sliding policy",
        (run, text, "--streams", 0): "--streams is 0, which must be at least 1",
        (run, text, "--policy", "slidng"): 'unknown policy "slidng" for --policy; did you mean "sliding"?',
        (learned, text, "--policy", "carried"): f"knows only {CONTEXT} steps; use the sliding policy",
        (learned,): "does not say which data it was trained with; name the files to judge",
        (run, strange): f'the text has "€" (U+20AC) (first in {strange}, line 2)',
        (run, short): f"{short} has 1 token(s), too few to predict one",
        (run, tmp_path / "none.txt"): "none.txt does not exist",
        (): "no RUN given; write unrolled evaluate RUN",
    }.items():
        code, out, err = evaluate(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert sentence in err
        assert err.count("\n") == 1


def test_a_run_whose_text_or_config_is_no_longer_what_it_was(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture
) -> None:
    run = write_run_of(tmp_path / "run", text, tmp_path / "cache")
    text.write_text(TEXT + "€", encoding="utf-8")
    code, _, err = evaluate(capsys, run)
    assert code == 2
    assert "has changed since" in err
    text.unlink()
    assert "does not exist" in evaluate(capsys, run)[2]
    for damaged in ("files: [", "- a\n", "files: [a]\ndata: {no: 1}\n", ""):
        (run / "config.yaml").write_text(damaged)
        code, _, err = evaluate(capsys, run)
        assert code == 2
        assert "config.yaml is damaged" in err
        assert err.count("\n") == 1
