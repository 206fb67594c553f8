"""The benchmarks run, compute the same on both sides, and write only if asked to."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("defaults/*.py")])


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Imports a script or a module of the folder as the scripts themselves do."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def import_it(name: str) -> ModuleType:
        __import__(name)
        return sys.modules[name]

    yield import_it
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(FOLDER)):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_benchmark_runs_quickly_and_writes_nothing(script: Path) -> None:
    before = sorted(FOLDER.glob("**/results/*"))
    done = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Machine: " in done.stdout
    assert "torch " in done.stdout
    assert any(line.startswith("|--") for line in done.stdout.splitlines()), done.stdout
    assert "UserWarning" not in done.stderr
    assert sorted(FOLDER.glob("**/results/*")) == before


def test_a_result_is_written_with_date_and_machine_but_never_a_quick_one(load, tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    result = load("harness.result")
    result.publish("name", "Title", ["text"], write=False, quick=False, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit):
        result.publish("name", "Title", ["text"], write=True, quick=True, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    result.publish("name", "Title", ["text"], write=True, quick=False, folder=tmp_path)
    written = (tmp_path / "name.md").read_text()
    assert written.startswith("# Title\n\ntext\n\nDate: 20")
    assert result.machine() in written
    assert "text" in capsys.readouterr().out


def test_the_text_is_the_one_given_or_one_every_python_has(load, tmp_path) -> None:  # type: ignore[no-untyped-def]
    options = load("harness.options")
    mine = tmp_path / "mine.txt"
    mine.write_text("text")
    with options.workplace(mine, quick=True) as (folder, text):
        assert text == mine
        assert folder.is_dir()
    assert not folder.exists()
    with options.workplace(None, quick=True) as (_, text):
        assert len(text.read_text(encoding="utf-8")) == options.QUICK_CHARACTERS
    with (
        pytest.raises(SystemExit, match="no-such-file"),
        options.workplace(tmp_path / "no-such-file", quick=True),
    ):
        pass


def test_spreads_and_turns(load) -> None:  # type: ignore[no-untyped-def]
    result = load("harness.result")
    assert result.ratios([2, 4, 9, 8, 10], [1, 1, 1, 1, 1]) == (4, 8, 9, 5)
    assert result.spread([1.5]).say() == "1.50"
    with pytest.raises(ValueError, match="finite"):
        result.spread([1.0, float("nan")])
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return len(calls)

    assert result.alternate(2, lambda: side("a"), lambda: side("b")) == [[1, 4], [2, 3]]
    assert calls == ["a", "b", "b", "a"]


class SeesItsPast(nn.Module):
    """Logits that depend on every token of the window so far."""

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.one_hot(tokens, 5).float().cumsum(1).sin()


@pytest.mark.parametrize("length", [2, 7, 8, 9, 13, 16, 17, 50, 700])
def test_sliding_loss_scores_every_token_once_in_its_window(load, length: int) -> None:  # type: ignore[no-untyped-def]
    context, stride = 8, 4
    tokens = np.random.default_rng(0).integers(0, 5, length).astype(np.uint8)
    model, losses = SeesItsPast(), []
    for target in range(1, length):
        end = context
        while end < target:
            end += stride
        start = max(0, min(end, length - 1) - context)
        seen = torch.from_numpy(tokens[start:target].astype(np.int64))
        losses.append(functional.cross_entropy(model(seen[None])[0, -1], torch.tensor(int(tokens[target]))).item())
    loss = load("nanogpt_cpu").sliding_loss(model, tokens, context, stride)
    assert loss == pytest.approx(np.mean(losses), abs=1e-6)


def test_the_peer_is_causal_tied_and_begins_near_a_blind_guess(load) -> None:  # type: ignore[no-untyped-def]
    nanogpt = load("peers.nanogpt")
    torch.manual_seed(0)
    model = nanogpt.GPT(65)
    # 4 blocks of 12 width² and 2 norms, a last norm, the token table (also the head) and the positions.
    assert sum(parameter.numel() for parameter in model.parameters()) == 4 * (12 * 128**2 + 256) + 128 + (65 + 64) * 128
    tokens = torch.randint(65, (2, 64))
    changed = tokens.clone()
    changed[:, 40] = (changed[:, 40] + 1) % 65
    before, after, unseen = model(tokens), model(changed), torch.randint(65, (128,))
    torch.testing.assert_close(before[:, :40], after[:, :40])
    assert not torch.allclose(before[:, 40:], after[:, 40:])
    assert functional.cross_entropy(before.flatten(0, 1), unseen).item() == pytest.approx(np.log(65), abs=0.1)
    assert [nanogpt.rate(step, 2000) for step in (0, 100, 1050, 2000)] == pytest.approx(
        [1e-3 / 101, 1e-3, 5.5e-4, 1e-4]
    )


@pytest.mark.parametrize("spoil", [None, "clip", "state"])
def test_the_plain_lstm_computes_the_same_and_a_difference_shows(load, monkeypatch, tmp_path, spoil) -> None:  # type: ignore[no-untyped-def]
    script = load("wikitext_lstm")
    text = tmp_path / "words.txt"
    text.write_text("the cat sat on the mat and the dog sat on the cat\n" * 700)
    tokens = script.prepare_text([text], script.DataConfig(vocabulary="word", cache=str(tmp_path / "cache")))
    feed = script.StreamFeed(tokens.train, batch_size=4, context=10, seed=0)
    model = script.ModelConfig(family="lstm", layers=2, width=8, embedding_size=8, tie_weights=False, dropout=0.2)
    plain_step = script.PlainLoop.step
    if spoil == "clip":
        monkeypatch.setattr(nn.utils, "clip_grad_norm_", lambda *_: None)
    if spoil == "state":

        def forgetful(self, batch):  # type: ignore[no-untyped-def]
            self.state = None
            return plain_step(self, batch)

        monkeypatch.setattr(script.PlainLoop, "step", forgetful)
    chosen = SimpleNamespace(rate=1e-2, precision="32")
    times, apart = script.same_steps(feed, len(tokens.vocabulary), model, 25, chosen)
    assert [len(series) for series in times] == [20, 20]
    assert (apart < script.AGREEMENT) == (spoil is None), apart
