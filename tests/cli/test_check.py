"""`unrolled check` tells the truth about the machine and about the layers."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from unrolled.cli import check
from unrolled.cli.main import main
from unrolled.layers.families import FAMILIES
from unrolled.layers.layer import Cell


class Forgetful(Cell):
    """Breaks the law of chunking: what `forward` does depends on how long the chunk is."""

    def __init__(self, input_size: int, width: int, layers: int) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, width
        self.linear = torch.nn.Linear(input_size, width)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> tuple:
        return (torch.zeros(batch_size, self.output_size, device=device),)

    def forward(self, x, state=None, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return y / x.shape[1], state

    def cell(self, x, state):
        hidden = 0.5 * state[0] + self.linear(x)
        return hidden, (hidden,)


@pytest.mark.slow
def test_this_machine_is_well() -> None:
    # In a process of its own, as a person runs it: without the shape checks of the tests it takes a fifth of the time.
    done = subprocess.run([Path(sys.executable).parent / "unrolled", "check", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["ok"] is True
    findings = {finding["subject"]: finding for finding in result["findings"]}
    assert set(findings) == {"versions", "processor", "backends", "devices", "threads", *FAMILIES}
    assert version("unrolled") in findings["versions"]["text"]
    assert torch.__version__ in findings["versions"]["text"]
    assert "cpu" in findings["devices"]["text"]
    for law in ("chunking", "mask", "reset", "rows", "causality", "state", "precision", "backends", "export"):
        assert law in findings["gru"]["text"]
    assert "chunking" not in findings["bidirectional"]["text"], "a law that was not checked is not claimed"
    shown = done.stderr.splitlines()
    for finding in result["findings"]:
        assert any(line.split()[:2] == [finding["mark"], finding["subject"] + ":"] for line in shown)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, r"quickest now: .*threads? .*\(.* of it.*\)"),
        (
            {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
            r"quickest now: 2 threads.*; OMP_NUM_THREADS=2, OMP_WAIT_.* holds",
        ),
        ({"OMP_NUM_THREADS": "1"}, r"quickest now: 1 thread; OMP_NUM_THREADS=1 holds, as you asked"),
    ],
)
def test_what_holds_for_threads_is_said(asked: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    threads = torch.get_num_threads()
    torch.set_num_threads(int(asked.get("OMP_NUM_THREADS", 2)))
    try:
        finding = check._threads()
    finally:
        torch.set_num_threads(threads)
    assert re.match(expected, finding.text), finding.text


def test_a_broken_law_fails_the_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("unrolled.layers.families.FAMILIES", {"forgetful": Forgetful})
    threads = torch.get_num_threads()
    assert main(["check"]) == 1
    assert torch.get_num_threads() == threads
    out, err = capsys.readouterr()
    last = out.splitlines()[-1]
    assert last.startswith("failed   forgetful: Forgetful breaks the law of chunking")
    assert err == ""


def test_a_gpu_that_pytorch_does_not_find_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    finding = check._devices()
    assert finding.mark == "warning"
    assert "13.0" in finding.text


def test_a_processor_without_vector_instructions_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"unrolled": "1", "python": "3", "torch": "2", "cpu": "old", "cores": 1, "threads": 1, "cpu features": []}
    monkeypatch.setattr("unrolled.training.environment.environment", lambda: facts)
    versions, processor = check._machine()
    assert (versions.mark, processor.mark) == ("ok", "warning")
