"""`unrolled stream`: JSON lines in, JSON lines out, and a state that outlives the process."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from small_models import vocabulary, write_run
from unrolled.cli.main import main
from unrolled.tasks.language.load import load
from unrolled.tasks.task import TASKS, Task

COMMAND = "import sys; from unrolled.cli.main import main; sys.exit(main())"


class Stdin:
    """Standard input that holds these bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    def feed(run: Path, lines: bytes, *options: object) -> tuple[int, list[dict], str]:
        monkeypatch.setattr("sys.stdin", Stdin(lines))
        code = main(["stream", str(run), *map(str, options)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return feed


def test_every_loss_is_that_of_the_forward_pass(run: Path, stream) -> None:
    code, lines, err = stream(run, b'"The "\n{"text": "cat"}\n\n"\xc3\xa9\\n"\n', "--top", 3)
    assert (code, err) == (0, "")
    model = load(run)
    tokens = torch.tensor(model.vocabulary.encode("The caté\n"))
    with torch.no_grad():
        chances = model.network(tokens[None])[0][0].log_softmax(-1)
    assert [line["token"] for line in lines] == list("The caté\n")
    assert [line["step"] for line in lines] == list(range(1, 10))
    assert lines[0]["loss"] is None
    for number, line in enumerate(lines):
        if number:
            assert line["loss"] == pytest.approx(-float(chances[number - 1, tokens[number]]), abs=1e-4)
        best = chances[number].exp().topk(3)
        expected = {model.vocabulary.tokens[t]: p for t, p in zip(best.indices.tolist(), best.values.tolist())}  # noqa: B905
        assert line["next"] == pytest.approx(expected, abs=1e-5)


def test_reset_begins_anew(run: Path, stream) -> None:
    _, lines, _ = stream(run, b'"cat"\n{"reset": true}\n"cat"\n{"text": "cat", "reset": true}\n')
    assert lines[:3] == lines[3:6] == lines[6:]


BAD = {
    b"\xff\xfe": "not UTF-8: byte 0xff at offset 0",
    b"cat": "not JSON",
    b'{"text": "cat"': "not JSON",
    b"[" * 100_000: "not JSON",
    b"9" * 5000: "not JSON",
    b"7": "expected a text",
    b"[]": "expected a text",
    b"{}": "expected a text",
    b"null": "expected a text",
    b'{"txt": "a"}': "expected a text",
    b'{"text": 7}': '"text" must be a string',
    b'{"reset": 1}': '"text" must be a string and "reset" true or false',
    b'{"text": null}': '"text" must be a string',
    '"a€"'.encode(): '"€" (U+20AC)',
    '{"text": "€", "reset": true}'.encode(): '"€" (U+20AC)',
    b'"\\ud800"': "U+D800",
    b'{"\\ud800": 1}': "expected a text",
    b'{"text": NaN}': "NaN is no JSON number",
    b"-Infinity": "Infinity is no JSON number",
    b'{"' + b"a" * 100_000 + b'": 1}': "expected a text",
    b'"' + b"a" * (1 << 24) + b'"': "the line has more than 16,777,216 bytes",
    b'{"a":' * 100_000: "not JSON",
}


def test_bad_lines_are_answered_and_change_nothing(run: Path, stream) -> None:
    good = [b'"The"', b'" cat"']
    _, expected, _ = stream(run, b"\n".join(good))
    code, lines, err = stream(run, b"\n".join([good[0], *BAD, good[1]]))
    assert (code, err) == (0, "")
    errors = [line for line in lines if "error" in line]
    assert [line for line in lines if "error" not in line] == expected
    assert [line["line"] for line in errors] == list(range(2, len(BAD) + 2))
    for line, sentence in zip(errors, BAD.values(), strict=True):
        assert sentence in line["error"]
        assert len(line["error"]) < 700


def test_with_json_the_lines_go_to_stderr(run: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b'"cat"\noops\n'))
    assert main(["stream", str(run), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"lines": 2, "steps": 3, "errors": 1}
    assert [json.loads(line).get("token") for line in err.splitlines()] == ["c", "a", "t", None]


@pytest.mark.parametrize("kind", ["gru", "learned", "window"])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(kind: str, tmp_path: Path, stream) -> None:
    run, state, last, whole = write_run(tmp_path / "run", kind), tmp_path / "a", tmp_path / "b", tmp_path / "c"
    text = "The cat sat on"
    _, expected, _ = stream(run, json.dumps(text).encode(), "--save-state", whole)
    _, first, _ = stream(run, json.dumps(text[:8]).encode(), "--save-state", state)
    _, second, _ = stream(run, json.dumps(text[8:]).encode(), "--load-state", state, "--save-state", last)
    assert first + second == expected
    assert last.read_bytes() == whole.read_bytes(), "logits and state are equal bit for bit"
    assert {path.name for path in tmp_path.iterdir()} == {"run", "a", "b", "c"}


def test_a_state_that_cannot_be_used(run: Path, tmp_path: Path, stream) -> None:
    other, state = write_run(tmp_path / "other", seed=1), tmp_path / "state"
    stream(other, b'"a"', "--save-state", state)
    broken = tmp_path / "broken"
    broken.write_bytes(state.read_bytes()[:-3])
    own = tmp_path / "own"
    stream(run, b'"a"', "--save-state", own)
    tensors = safetensors.torch.load(own.read_bytes())

    def changed(name: str, value: torch.Tensor) -> Path:
        path = tmp_path / f"changed-{len(list(tmp_path.iterdir()))}"
        path.write_bytes(safetensors.torch.save(tensors | {name: value}))
        return path

    logits = next(name for name, tensor in tensors.items() if tensor.shape[-1:] == (len(load(run).vocabulary),))
    hidden = next(name for name in tensors if name.startswith("stream.network") or ".network." in name)
    steps = next(name for name, tensor in tensors.items() if name.endswith("steps") and tensor.dtype == torch.long)
    for arguments, sentence in {
        ("--load-state", state): f"{state} cannot be used with this model: another model saved this state",
        ("--load-state", broken): f"{broken} cannot be used with this model: not a saved state",
        ("--load-state", changed(logits, tensors[logits] * float("nan"))): "numbers that are not finite",
        ("--load-state", changed(hidden, tensors[hidden] * float("inf"))): "numbers that are not finite",
        ("--load-state", changed(hidden, tensors[hidden][..., :-1])): "this model needs",
        ("--load-state", changed(steps, tensors[steps] * 0 - 5)): "has come to step -5",
        ("--load-state", changed("more", torch.zeros(1))): "it alone has more",
        ("--load-state", tmp_path / "none"): f"cannot read the state {tmp_path / 'none'}: No such file",
        ("--load-state", tmp_path): "cannot read the state",
        ("--save-state", tmp_path / "no" / "x"): "there is no folder for the state",
        ("--top", 0): "--top is 0, which must be at least 1",
    }.items():
        code, lines, err = stream(run, b'"a"', *arguments)
        assert (code, lines) == (2, [])
        assert sentence in err
        assert err.count("\n") == 1


def test_tokens_that_are_no_text_have_readable_names(tmp_path: Path, stream) -> None:
    run = write_run(tmp_path / "run", "rnn", vocabulary("byte"))
    _, lines, _ = stream(run, '"é"'.encode())
    assert [line["token"] for line in lines] == ["\\xc3", "\\xa9"]


def test_answers_come_at_once_and_a_reader_that_leaves_is_no_trouble(run: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "stream", str(run), "--save-state", str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(b'"c"\n')
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["token"] == "c"  # while its input is still open
    process.stdout.close()
    process.stdin.write(b'"at"\n')
    process.stdin.close()
    assert process.wait() == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert state.is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_state(number: signal.Signals, run: Path, tmp_path: Path, stream) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "stream", str(run), "--save-state", str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'"The"\n')
    process.stdin.flush()
    assert [json.loads(process.stdout.readline())["token"] for _ in "The"] == ["T", "h", "e"]
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == 128 + number
    assert err == b"unrolled: stopped\n"
    _, whole, _ = stream(run, b'"The cat"')
    _, rest, _ = stream(run, b'" cat"', "--load-state", state)
    assert rest == whole[3:]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


class Sort(Task):
    """A task without a live stream."""

    name = "sort"


def test_a_task_that_does_not_stream_says_what_to_do(tmp_path: Path, stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.tasks.load.TASKS", {**TASKS, "sort": ""})
    monkeypatch.setattr("unrolled.tasks.load.task_named", lambda name: Sort())
    folder = tmp_path / "sorter"
    folder.mkdir()
    (folder / "config.json").write_text('{"format": 1, "task": "sort"}')
    code, lines, err = stream(folder, b"1\n")
    assert (code, lines) == (2, [])
    assert f"is a model to sort, which has no live stream; give it whole records: unrolled predict {folder}" in err
