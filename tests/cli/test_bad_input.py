"""What a person can get wrong: one sentence, exit code 2, and nothing half-written."""

import json
from pathlib import Path

import pytest

from small_models import TEXT, write_run
from unrolled.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a text in it."""
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("UNROLLED_CACHE", str(directory / "cache"))
    Path("poems.txt").write_text(TEXT, encoding="utf-8")
    return directory


def refused(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """The sentence; and it is one, on stderr, with exit code 2, and no trace of a run is left."""
    before = {path for path in Path().rglob("*") if "cache" not in path.parts}
    code = main(list(arguments))
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("unrolled: ")
    assert err.count("\n") == 1
    assert {path for path in Path().rglob("*") if "cache" not in path.parts} == before
    # An encoding that is complete may stay for the next try; half of one may not.
    kept = {"store.json", "vocabulary.json", "train.bin", "valid.bin"}
    for entry in Path("cache").glob("*") if Path("cache").exists() else ():
        names = {path.name for path in entry.iterdir()}
        assert "store.json" in names
        assert names <= kept
    return err.removeprefix("unrolled: ").rstrip("\n")


LATIN = "caf\xe9".encode("latin-1")
FILES = {
    "empty": (b"", "bad.txt is empty; give a file with some text in it"),
    "only a byte order mark": (b"\xef\xbb\xbf", "bad.txt is empty"),
    "binary": (b"PK\x03\x04\0\0", "bad.txt is not text: it has a NUL byte at offset 4"),
    "latin-1": (b"one\n" * 1000 + LATIN, "bad.txt is not UTF-8: byte 0xe9 at offset 4,003 (line 1,001)"),
    "utf-16": ("hello".encode("utf-16"), "bad.txt is UTF-16, not UTF-8; convert it: iconv"),
    "one character": (b"a", "part of bad.txt has 1 token(s), too few to predict one; give a longer text"),
    "two characters": (b"ab", "token(s), too few to predict one; give a longer text"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_use(name: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    content, sentence = FILES[name]
    Path("bad.txt").write_bytes(content)
    assert sentence in refused(capsys, "train", "bad.txt")
    assert not list(Path("cache").glob("*")) or "too few" in sentence


def test_places_that_are_not_there(folder: Path, capsys: pytest.CaptureFixture) -> None:
    Path("empty folder").mkdir()
    Path("empty folder", "picture.png").write_bytes(b"\x89PNG\0")
    for arguments, sentence in {
        ("none.txt",): "there is no file none.txt; give a file or a folder of data",
        ("empty folder",): "empty folder holds no text file",
        ("x" * 5000,): "file name too long",
        ("poems.txt", "--data.valid", "none.txt"): "none.txt does not exist",
        ("poems.txt", "--data.test", "none.txt"): "none.txt does not exist",
        ("poems.txt", "--data.valid", "poems.txt"): "poems.txt is given for training and for validation",
        ("--config", "none.yaml"): "there is no config file none.yaml",
        ("poems.txt", "--run", "poems.txt"): "poems.txt already exists",
        ("poems.txt", "--train.resume", "none"): "--train.resume none ",
        (): "no FILE given; write unrolled train FILE... [options]",
    }.items():
        assert sentence in refused(capsys, "train", *arguments)


WHOLE = "give a whole number from 1 to 1,000,000,000"
OPTIONS = {
    "--modl.width 8": "unknown option --modl.width; did you mean --model.width?",
    "--model.familly gru": "unknown option --model.familly; did you mean --model.family?",
    "--width 8": "unknown option --width; did you mean --model.width?",
    "--model.family lsmt": 'unknown family "lsmt" for --model.family; did you mean "lstm"?',
    "--model.family bidirectional": "--model.family bidirectional reads the future, which a language model has to "
    "predict; use rnn, lstm, gru or transformer",
    "--data.vocabulary chars": 'unknown vocabulary "chars" for --data.vocabulary; did you mean "char"?',
    "--model.family transformer --model.width 130 --model.heads 4": "--model.width 130 is not divisible by "
    "--model.heads 4; a width of 132 is",
    "--model.family transformer --model.width 130 --model.heads 130": "gives heads of 1 features",
    "--model.family transformer --model.heads 3": "is not divisible by 3 heads",
    "--model.family transformer --model.heads 4 --model.kv_heads 3": "--model.heads 4 is not divisible by "
    "--model.kv_heads 3",
    "--model.family transformer --data.feed streams": "add --model.window 64 and --model.positions rotary",
    "--model.tie_weights true --model.embedding_size 8 --model.width 16": "tied weights need",
    "--train.max_time soon": "--train.max_time is 'soon', which is no duration above zero; write for example 90s",
    "--train.max_time 0s": "--train.max_time is '0s'",
    "--train.max_time=-5m": "--train.max_time is '-5m'",
    "--train.batch_size 0": f"--train.batch_size is 0; {WHOLE}",
    "--train.batch_size=-4": f"--train.batch_size is -4; {WHOLE}",
    "--train.batch_size 2.5": '--train.batch_size expects a whole number or null, found "2.5"',
    "--train.batch_size 100000000000": f"--train.batch_size is 100000000000; {WHOLE}",
    "--train.accumulate 0": f"--train.accumulate is 0; {WHOLE}",
    "--train.learning_rate 0": "--train.learning_rate is 0.0; give a number above 0",
    "--train.learning_rate=-0.1": "--train.learning_rate is -0.1; give a number above 0",
    "--train.learning_rate .nan": "--train.learning_rate is nan; give a number above 0",
    "--train.learning_rate 1e308": "--train.learning_rate is 1e+308; give at most 1e+38",
    "--train.learning_rate .inf": "--train.learning_rate is inf; give a number above 0",
    "--train.weight_decay=-1": "--train.weight_decay is -1.0; give 0 or a number above it",
    "--train.warmup_steps=-1": "--train.warmup_steps is -1; give a whole number from 0",
    "--train.max_steps 0": f"--train.max_steps is 0; {WHOLE}",
    "--train.max_epochs 0": "--train.max_epochs is 0.0; give a number above 0",
    "--train.clip_norm 0": "--train.clip_norm is 0.0; give a number above 0",
    "--train.clip_value=-1": "--train.clip_value is -1.0; give a number above 0",
    "--train.label_smoothing 1": "--train.label_smoothing is 1.0; give a number from 0 to below 1",
    "--train.validate_every 0": f"--train.validate_every is 0; {WHOLE}",
    "--train.patience 0": f"--train.patience is 0; {WHOLE}",
    "--train.checkpoint_every 0": f"--train.checkpoint_every is 0; {WHOLE}",
    "--train.seed=-1": "--train.seed is -1; give a whole number from 0 to below 2^63",
    "--data.valid_fraction 2": "--data.valid_fraction is 2.0; give a number from 0 to below 1",
    "--data.valid_fraction=-0.1": "--data.valid_fraction is -0.1; give a number from 0 to below 1",
    "--data.context 0": f"--data.context is 0; {WHOLE}",
    "--data.min_count 0": f"--data.min_count is 0; {WHOLE}",
    "--data.vocabulary_size 10": "--data.vocabulary_size is 10; give 256 (the number of bytes) or more",
    "--model.layers 0": f"--model.layers is 0; {WHOLE}",
    "--model.width=-8": f"--model.width is -8; {WHOLE}",
    "--model.heads 0": f"--model.heads is 0; {WHOLE}",
    "--model.kv_heads 0": f"--model.kv_heads is 0; {WHOLE}",
    "--model.window 0": f"--model.window is 0; {WHOLE}",
    "--model.embedding_size 0": f"--model.embedding_size is 0; {WHOLE}",
    "--model.dropout 1.5": "--model.dropout is 1.5; give a number from 0 to below 1",
    "--model.dropout=-0.5": "--model.dropout is -0.5; give a number from 0 to below 1",
    "--model.width 900000000": "not enough memory; choose a smaller --model.width",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_that_cannot_be(options: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert OPTIONS[options] in refused(capsys, "train", "poems.txt", *options.split())


def test_a_value_in_a_config_file_is_checked_too(folder: Path, capsys: pytest.CaptureFixture) -> None:
    Path("run.yaml").write_text("train:\n  batch_size: 0\n")
    assert "--train.batch_size is 0" in refused(capsys, "train", "poems.txt", "--config", "run.yaml")


@pytest.mark.parametrize("verb", ["generate", "evaluate", "stream"])
def test_a_run_that_is_none(verb: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    Path("folder").mkdir()
    Path("unfinished", "checkpoints").mkdir(parents=True)
    for path, sentence in {
        "missing": "there is no run missing; train one with: unrolled train FILE --run missing",
        "folder": "folder is not a run: it holds neither best/config.json nor config.json",
        "poems.txt": "poems.txt is not a run",
        "unfinished": "the run unfinished has no model yet",
    }.items():
        assert sentence in refused(capsys, verb, path)


@pytest.mark.parametrize("verb", ["generate", "evaluate", "stream"])
def test_a_run_that_is_damaged_or_newer(verb: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    best = write_run(Path("run"), "rnn") / "best"
    weights, config = (best / "model.safetensors").read_bytes(), (best / "config.json").read_text()
    (best / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "run/best holds a damaged model" in refused(capsys, verb, "run")
    (best / "model.safetensors").write_bytes(weights)
    (best / "config.json").write_text(config[:-20])
    assert "run/best holds a damaged model" in refused(capsys, verb, "run")
    (best / "config.json").write_text(json.dumps({**json.loads(config), "format": 2}))
    sentence = refused(capsys, verb, "run")
    assert "was written by a newer version of Unrolled (format 2, here 1); upgrade with: pip install -U" in sentence
