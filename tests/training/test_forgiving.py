"""Progress goes on where nobody can read it any more."""

import io
import sys
from pathlib import Path

import pytest

from unrolled.errors import UserError
from unrolled.training.forgiving import Forgiving
from unrolled.training.progress import Progress


class Refusing(io.StringIO):
    """A stream that takes so many writes and no more."""

    def __init__(self, writes: int, error: Exception) -> None:
        super().__init__()
        self.left, self.error = writes, error

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), OSError(5, "gone"), ValueError("closed")])
def test_what_cannot_be_written_is_dropped(error: Exception) -> None:
    refusing = Refusing(1, error)
    stream = Forgiving(refusing)
    assert stream.write("one\n") == 4
    assert not stream.dropped
    assert stream.write("two\n") == 4
    stream.flush()
    assert stream.dropped
    assert refusing.getvalue() == "one\n"


def test_other_errors_are_not_forgiven() -> None:
    with pytest.raises(TypeError):
        Forgiving(Refusing(0, TypeError())).write("x")


def test_no_stream_at_all() -> None:
    stream = Forgiving(None)
    stream.write("x")
    stream.flush()
    assert not stream.isatty()
    assert getattr(stream, "encoding", None) is None


@pytest.mark.parametrize("stream", [None, Refusing(0, BrokenPipeError())], ids=["none", "refusing"])
def test_progress_without_a_listener_still_writes_its_log(
    stream: io.StringIO | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(log=tmp_path / "log.txt") as progress:
        progress.message("first")
        progress.train(1, 1.0, 2.0, 3.0, 4.0)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[0].endswith("first")
    assert "training 100% | step 1" in lines[1]
    assert capsys.readouterr().out == "", "what belongs to standard error is not said on standard output"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_is_named() -> None:
    with Progress(silent=True, log=Path("/dev/full")) as progress, pytest.raises(UserError) as told:
        progress.message("first")
    assert str(told.value).startswith("/dev/full could not be written: No space left on device")
