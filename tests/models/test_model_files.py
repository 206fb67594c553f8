"""A model directory comes back as it was, whole, or is refused in a sentence."""

import json
from pathlib import Path

import pytest
import torch
from test_language import KINDS, VOCABULARY, make

from unrolled.errors import UserError
from unrolled.models.files import recover_folder, replace_folder
from unrolled.tasks.language.load import load_model, save_model


@pytest.mark.parametrize("name", KINDS)
def test_round_trip(tmp_path: Path, name: str) -> None:
    network = make(name).eval()
    save_model(tmp_path / "best", network, facts={"step": 7}, files={"vocabulary.json": "{}", "README.md": "Grüße"})
    loaded, config = load_model(tmp_path / "best")
    assert config["step"] == 7
    assert loaded.config == network.config
    assert not loaded.training
    tokens = torch.randint(VOCABULARY, (2, 8))
    assert torch.equal(loaded(tokens)[0], network(tokens)[0])
    if network.config.tie_weights:
        assert loaded.head.weight is loaded.embedding.weight
    assert (tmp_path / "best" / "README.md").read_text(encoding="utf-8") == "Grüße"
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def saved(tmp_path: Path) -> Path:
    save_model(tmp_path / "best", make("lstm"), facts={}, files={})
    return tmp_path / "best"


def test_saving_again_replaces(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    save_model(folder, make("gru-embedding"), facts={}, files={})
    assert load_model(folder)[0].config.family == "gru"


def test_a_newer_version(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 2}))
    with pytest.raises(UserError, match=r"written by a newer version of Unrolled \(format 2, here 1\)"):
        load_model(folder)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_damage(tmp_path: Path, file: str, damage: object) -> None:
    folder = saved(tmp_path)
    damage(folder / file)  # type: ignore[operator]
    with pytest.raises(UserError, match=r"holds a damaged model|is not a model directory"):
        load_model(folder)


def test_weights_of_another_model(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    save_model(tmp_path / "other", make("rnn"), facts={}, files={})
    (tmp_path / "other" / "model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(UserError, match="damaged model"):
        load_model(folder)


def test_a_replacement_cut_off_between_its_moves(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    folder.rename(tmp_path / ".best.old")
    recover_folder(folder)
    assert load_model(folder)[0].config.family == "lstm"
    recover_folder(folder)
    (tmp_path / "new").mkdir()
    replace_folder(tmp_path / "new", folder)
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
