"""Finding the model in a folder, and saying in one sentence why there is none."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from small_models import KINDS, vocabulary, write_run
from unrolled.errors import UserError
from unrolled.tasks.language.load import load


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_and_its_model_folder_give_the_same_model(kind: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", kind)
    loaded, other = load(run), load(run / "best")
    tokens = torch.tensor([loaded.start * 3])
    assert torch.equal(loaded.network(tokens)[0], other.network(tokens)[0])
    assert not loaded.network.training
    assert loaded.start == vocabulary().encode("\n").tolist()
    assert loaded.folder == other.folder == run / "best"


def test_a_replacement_that_was_cut_off_is_mended(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "best").rename(run / ".best.old")
    assert load(run).folder == run / "best"


def change(name: str, **values: object) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        path = run / "best" / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return damage


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda run: (run / "best" / name).write_bytes(content) and None


def cut(name: str) -> Callable[[Path], None]:
    return lambda run: write(name, (run / "best" / name).read_bytes()[:-9])(run)


def wider(run: Path) -> None:
    path = run / "best" / "config.json"
    config = json.loads(path.read_text())
    config["model"]["width"] = 24
    path.write_text(json.dumps(config))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated weights": (cut("model.safetensors"), "damaged model"),
    "no weights": (lambda run: (run / "best" / "model.safetensors").unlink(), "damaged model"),
    "weights that are none": (write("model.safetensors", b"hello"), "damaged model"),
    "broken json": (cut("config.json"), "damaged model"),
    "json of another kind": (write("config.json", b"[1, 2]"), "damaged model"),
    "model of another kind": (change("config.json", model=[]), "damaged model"),
    "unknown family": (change("config.json", model={"family": "lsmt", "width": 4, "layers": 1}), "damaged model"),
    "config not UTF-8": (write("config.json", b"\xff\xfe"), "damaged model"),
    "another width": (wider, "config.json and model.safetensors differ in"),
    "no start": (change("config.json", start=None), "config.json has start None"),
    "start outside": (change("config.json", start=[9999]), r"config.json has start \[9999\]"),
    "newer": (change("config.json", format=99), "written by a newer version of Unrolled .* upgrade with: pip"),
    "newer vocabulary": (change("vocabulary.json", version=99), "has format version 99.*update unrolled"),
    "truncated vocabulary": (cut("vocabulary.json"), "vocabulary .* is damaged"),
    "no vocabulary": (lambda run: (run / "best" / "vocabulary.json").unlink(), "vocabulary .* cannot be read"),
    "another vocabulary": (write("vocabulary.json", vocabulary("char", "ab").to_text().encode()), "has 2 tokens"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_model_is_named(name: str, tmp_path: Path) -> None:
    damage, sentence = DAMAGES[name]
    run = write_run(tmp_path / "run")
    damage(run)
    with pytest.raises(UserError, match=sentence) as refused:
        load(run)
    assert str(run / "best") in str(refused.value)


def test_what_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no run .*; train one with: unrolled train FILE"):
        load(tmp_path / "missing")
    with pytest.raises(UserError, match="is not a run: it holds neither"):
        load(tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="is not a run"):
        load(file)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(UserError, match="has no model yet"):
        load(tmp_path)
