import json
import logging
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.errors import UserError
from unrolled.training.checkpoints import (
    CheckpointDamaged,
    latest_checkpoint,
    load_checkpoint,
    pack_optimizer,
    pack_random_state,
    restore_random_state,
    save_checkpoint,
    unpack_optimizer,
)
from unrolled.training.optimizers import make_optimizers, set_learning_rate


def tensors(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "weight": torch.randn(5, 7, generator=generator),
        "half": torch.randn(3, generator=generator).bfloat16(),
        "count": torch.tensor(7),
        "mask": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
        "transposed": torch.randn(3, 2, generator=generator).T,
    }


META = {"step": 3, "best": 1.0 / 3.0, "rates": [1e-3], "name": "ü", "none": None}


def names(folder):
    return sorted(os.listdir(folder))


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert value.dtype == right[name].dtype, name
        assert torch.equal(value, right[name]), name


def test_round_trip_is_exact(tmp_path):
    path = save_checkpoint(tmp_path / "checkpoints", 1000, tensors(), META)
    assert path == tmp_path / "checkpoints" / "step-00001000"
    loaded, meta = load_checkpoint(path)
    assert_same(loaded, tensors())
    assert meta == META
    assert names(tmp_path / "checkpoints") == ["step-00001000"]


def test_shared_memory_and_gradients_are_stored(tmp_path):
    shared = nn.Parameter(torch.arange(6.0).view(2, 3))
    loaded, _ = load_checkpoint(save_checkpoint(tmp_path, 1, {"a": shared, "b": shared, "c": shared[1]}, {}))
    assert torch.equal(loaded["a"], shared)
    assert torch.equal(loaded["b"], shared)
    assert torch.equal(loaded["c"], shared[1])


def test_keeps_the_newest(tmp_path):
    for step in (5, 10, 15, 20):
        save_checkpoint(tmp_path, step, {}, {"step": step}, keep=3)
    assert names(tmp_path) == ["step-00000010", "step-00000015", "step-00000020"]
    save_checkpoint(tmp_path, 25, {}, {})
    assert names(tmp_path) == ["step-00000020", "step-00000025"]


def test_steps_beyond_eight_digits_sort_by_number(tmp_path):
    for step in (99_999_999, 100_000_000):
        save_checkpoint(tmp_path, step, {}, {"step": step})
    assert latest_checkpoint(tmp_path).meta == {"step": 100_000_000}


def test_a_later_step_left_behind_is_removed(tmp_path):
    """After going on from step 10, the checkpoint of step 30 is not the newest of this run any more."""
    for step in (10, 20, 30):
        save_checkpoint(tmp_path, step, {}, {"run": "first"}, keep=3)
    save_checkpoint(tmp_path, 15, {}, {"run": "second"}, keep=3)
    assert names(tmp_path) == ["step-00000010", "step-00000015"]
    assert latest_checkpoint(tmp_path).meta == {"run": "second"}


def test_same_step_again_replaces(tmp_path):
    save_checkpoint(tmp_path, 1, tensors(), {"time": 1})
    save_checkpoint(tmp_path, 2, tensors(), {"time": 2})
    save_checkpoint(tmp_path, 2, tensors(1), {"time": 3})
    assert names(tmp_path) == ["step-00000001", "step-00000002"]
    checkpoint = latest_checkpoint(tmp_path)
    assert checkpoint.meta == {"time": 3}
    assert_same(checkpoint.tensors, tensors(1))


def test_no_checkpoint(tmp_path):
    assert latest_checkpoint(tmp_path / "missing") is None
    (tmp_path / "step-notes").mkdir()
    assert latest_checkpoint(tmp_path) is None
    with pytest.raises(CheckpointDamaged, match=r"manifest\.json cannot be read"):
        load_checkpoint(tmp_path / "missing")


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "tensor byte": lambda p: flip(p / "tensors.safetensors", -1),
    "header byte": lambda p: flip(p / "tensors.safetensors", 9),
    "cut short": lambda p: os.truncate(p / "tensors.safetensors", 40),
    "empty": lambda p: os.truncate(p / "tensors.safetensors", 0),
    "meta byte": lambda p: flip(p / "meta.json", 12),
    "no tensors": lambda p: (p / "tensors.safetensors").unlink(),
    "no meta": lambda p: (p / "meta.json").unlink(),
    "no manifest": lambda p: (p / "manifest.json").unlink(),
    "manifest cut": lambda p: os.truncate(p / "manifest.json", 30),
    "manifest of another kind": lambda p: (p / "manifest.json").write_text("[1]"),
    "manifest without files": lambda p: (p / "manifest.json").write_text('{"format": 1, "files": {}}'),
    "manifest with odd files": lambda p: (p / "manifest.json").write_text('{"format": 1, "files": {"meta.json": 3}}'),
    "file in its place": lambda p: (shutil.rmtree(p), p.write_text("x")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found_and_the_one_before_is_used(tmp_path, caplog, damage):
    save_checkpoint(tmp_path, 1, tensors(), META)
    newest = save_checkpoint(tmp_path, 2, tensors(1), META)
    damage(newest)
    with pytest.raises(CheckpointDamaged, match="step-00000002 is not a whole checkpoint"):
        load_checkpoint(newest)
    with caplog.at_level(logging.WARNING, logger="unrolled"):
        checkpoint = latest_checkpoint(tmp_path)
    assert checkpoint.path.name == "step-00000001"
    assert_same(checkpoint.tensors, tensors())
    assert "step-00000002" in caplog.text


def test_newer_format_is_refused_not_passed_over(tmp_path):
    save_checkpoint(tmp_path, 1, {}, {})
    manifest = save_checkpoint(tmp_path, 2, {}, {}) / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    with pytest.raises(UserError, match="newer version of unrolled"):
        latest_checkpoint(tmp_path)


class Killed(BaseException):
    """Stands for a kill: no handler of the code under test may catch it."""


def die_at_call(patch, number):
    """Let the `number`-th change to the file system, counted from now, never happen, nor any later one."""
    calls = 0

    def guard(function):
        def guarded(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls >= number:
                raise Killed
            return function(*args, **kwargs)

        return guarded

    patch.setattr(os, "fsync", guard(os.fsync))
    patch.setattr(shutil, "rmtree", guard(shutil.rmtree))
    for name in ("mkdir", "rename", "open"):
        patch.setattr(pathlib.Path, name, guard(getattr(pathlib.Path, name)))


@pytest.mark.parametrize("saved_before", [False, True], ids=["new step", "step saved before"])
def test_a_kill_at_any_call_leaves_a_whole_checkpoint(tmp_path, saved_before):
    outcomes = set()
    for number in range(1, 100):
        folder = tmp_path / str(number)
        if saved_before:  # the only checkpoint is the one being replaced
            save_checkpoint(folder, 2, tensors(), {"which": "old"})
        else:
            save_checkpoint(folder, 0, tensors(), {"which": "oldest"})
            save_checkpoint(folder, 1, tensors(), {"which": "old"})
        killed = False
        with pytest.MonkeyPatch.context() as patch:
            die_at_call(patch, number)
            try:
                save_checkpoint(folder, 2, tensors(1), {"which": "new"})
            except Killed:
                killed = True
        checkpoint = latest_checkpoint(folder)
        outcomes.add(checkpoint.meta["which"])
        assert_same(checkpoint.tensors, tensors(1 if checkpoint.meta["which"] == "new" else 0))
        save_checkpoint(folder, 3, tensors(1), {})
        assert set(names(folder)) <= {"step-00000001", "step-00000002", "step-00000003"}
        if not killed:
            break
    assert number > 8
    assert outcomes == {"old", "new"}


@pytest.mark.parametrize("error", [28, 13])
def test_refused_writes_leave_earlier_checkpoints(tmp_path, monkeypatch, error):
    save_checkpoint(tmp_path, 1, tensors(), META)

    def refuse(_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UserError, match=r"step-00000002 could not be written: .*; earlier checkpoints are untouched"):
        save_checkpoint(tmp_path, 2, tensors(), META)
    assert names(tmp_path) == ["step-00000001"]
    assert latest_checkpoint(tmp_path).meta == META


def test_a_file_that_does_not_fit(tmp_path):
    """A real refusal by the system: this process may not write files above 64 kB."""
    save_checkpoint(tmp_path, 1, {}, META)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        with pytest.raises(UserError, match="File too large"):
            save_checkpoint(tmp_path, 2, {"big": torch.zeros(100_000)}, META)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == ["step-00000001"]


def test_kill_minus_nine(tmp_path):
    """A real process that saves without a pause, killed at an arbitrary moment."""
    code = """
import sys, torch, itertools, pathlib
from unrolled.training.checkpoints import save_checkpoint
for step in itertools.count(1):
    value = torch.full((200_000,), float(step))
    save_checkpoint(pathlib.Path(sys.argv[1]), step, {"value": value}, {"step": step})
"""
    for attempt in range(2):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen([sys.executable, "-c", code, str(folder)])
        while not list(folder.glob("step-*")) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in folder.glob("step-*"):
            loaded, meta = load_checkpoint(path)
            assert (loaded["value"] == meta["step"]).all()
        checkpoint = latest_checkpoint(folder)
        save_checkpoint(folder, checkpoint.meta["step"] + 1, {}, {})
        assert len(names(folder)) == 2


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.hidden = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 11)

    def forward(self, x):
        return self.head(self.norm(torch.tanh(self.hidden(self.embedding(x)))))


def train(model, optimizers, steps):
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        x = torch.randint(11, (16,), generator=generator)
        nn.functional.cross_entropy(model(x), (x + 3) % 11).backward()
        set_learning_rate(optimizers, 1 / (step + 1))
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_an_optimizer_goes_on_bit_for_bit(tmp_path, kind):
    torch.manual_seed(0)
    model = Small()
    optimizers = make_optimizers(model, kind, 0.01, 0.1)
    train(model, optimizers, range(5))
    packed = [pack_optimizer(optimizer) for optimizer in optimizers]
    everything = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, (state, _) in enumerate(packed):
        everything |= {f"{index}.{name}": value for name, value in state.items()}
    path = save_checkpoint(tmp_path, 5, everything, {"optimizers": [numbers for _, numbers in packed]})
    train(model, optimizers, range(5, 10))

    loaded, meta = load_checkpoint(path)
    resumed = Small()
    resumed.load_state_dict({name[6:]: value for name, value in loaded.items() if name.startswith("model.")})
    again = make_optimizers(resumed, kind, 0.01, 0.1)
    for index, optimizer in enumerate(again):
        mine = {name[2:]: value for name, value in loaded.items() if name.startswith(f"{index}.")}
        unpack_optimizer(optimizer, mine, meta["optimizers"][index])
        assert [type(group.get("betas")) for group in optimizer.param_groups] == [
            type(group.get("betas")) for group in optimizers[index].param_groups
        ]
    train(resumed, again, range(5, 10))
    assert_same(resumed.state_dict(), model.state_dict())


def test_without_the_optimizer_state_weights_differ():
    """The test above can fail: fresh optimisers do not give the same weights."""
    torch.manual_seed(0)
    model = Small()
    train(model, make_optimizers(model, "adamw", 0.01, 0.1), range(5))
    other = Small()
    other.load_state_dict(model.state_dict())
    optimizers = make_optimizers(model, "adamw", 0.01, 0.1)
    train(model, optimizers, range(5))
    train(model, optimizers, range(5, 6))
    train(other, make_optimizers(other, "adamw", 0.01, 0.1), range(5, 6))
    assert not torch.equal(model.hidden.weight, other.hidden.weight)


def test_an_unpacked_state_is_a_copy():
    model = Small()
    (optimizer,) = make_optimizers(model, "adamw", 0.01, 0.1)
    train(model, [optimizer], range(1))
    state, numbers = pack_optimizer(optimizer)
    before = {name: value.clone() for name, value in state.items()}
    (other,) = make_optimizers(twin := Small(), "adamw", 0.01, 0.1)
    unpack_optimizer(other, state, numbers)
    train(twin, [other], range(1, 3))
    assert_same(state, before)


def test_another_optimizer_or_model_is_refused():
    model = Small()
    muon, adamw = make_optimizers(model, "muon", 0.01, 0.1)
    (all_adamw,) = make_optimizers(model, "adamw", 0.01, 0.1)
    train(model, [muon, adamw], range(1))
    with pytest.raises(UserError, match="another optimizer"):
        unpack_optimizer(adamw, *pack_optimizer(muon))
    with pytest.raises(UserError, match="another optimizer"):
        unpack_optimizer(all_adamw, *pack_optimizer(adamw))
    wider = torch.optim.Muon([nn.Parameter(torch.zeros(9, 9))])
    with pytest.raises(UserError, match="another model"):
        unpack_optimizer(wider, *pack_optimizer(muon))


def draw():
    return [random.random(), random.gauss(0, 1), np.random.normal(), np.random.rand(), *torch.rand(3).tolist()]


@pytest.mark.parametrize("waiting", [False, True])
def test_random_states_go_on(tmp_path, waiting):
    random.seed(1)
    np.random.seed(1)
    if waiting:  # a normal number leaves a second one waiting for the next call
        random.gauss(0, 1)
        np.random.normal()
    python = random.getstate()  # the type checks of these tests draw from Python's generator between calls
    packed = pack_random_state()
    random.setstate(python)
    expected = draw()
    path = save_checkpoint(tmp_path, 1, *packed)
    draw()
    restore_random_state(*load_checkpoint(path))
    assert draw() == expected
    assert draw() != expected


def test_random_states_of_two_processes_share_their_json():
    """A checkpoint of several processes keeps tensors for each, and one JSON for all."""
    random.seed(1)
    np.random.seed(1)
    first, meta = pack_random_state()
    random.gauss(0, 1)
    np.random.normal(size=5)
    second, other = pack_random_state()
    assert meta == other
    assert {name: value.shape for name, value in first.items()} == {name: v.shape for name, v in second.items()}
