"""A model goes to the Hugging Face Hub and comes back. The Hub itself is made up."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from unrolled import LanguageModel, SequenceClassifier
from unrolled.errors import UserError

X, Y = np.random.default_rng(0).normal(size=(24, 5, 2)), np.array([0, 1] * 12)


class Hub:
    """A folder for each repository, and what was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[tuple[Any, ...]]()

    def api(self, token: str | None = None) -> "Hub":
        self.asked.append(("token", token))
        return self

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> str:
        self.asked.append(("create", repo_id, private, exist_ok))
        (self.folder / repo_id).mkdir(parents=True, exist_ok=exist_ok)
        return f"https://huggingface.co/{repo_id}"

    def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
        self.asked.append(("upload", commit_message))
        shutil.copytree(folder_path, self.folder / repo_id, dirs_exist_ok=True)

    def download(self, name: str, allow_patterns: list[str]) -> str:
        return str(self.folder / name)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.HfApi", hub.api)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.download)
    monkeypatch.chdir(tmp_path)
    return hub


def test_there_and_back(hub: Hub) -> None:
    model = SequenceClassifier(family="gru", width=4, layers=1, max_steps=2).fit(X, Y)
    assert (
        model.push_to_hub("me/beats", private=True, token="abc", message="first") == "https://huggingface.co/me/beats"
    )
    assert hub.asked == [("token", "abc"), ("create", "me/beats", True, True), ("upload", "first")]
    model.save_pretrained("local")
    for path in Path("local").iterdir():
        assert (hub.folder / "me" / "beats" / path.name).read_bytes() == path.read_bytes()
    np.testing.assert_array_equal(
        SequenceClassifier.from_pretrained("me/beats").predict_proba(X), model.predict_proba(X)
    )


def test_a_language_model_too(hub: Hub) -> None:
    model = LanguageModel(family="gru", width=8, max_steps=2, silent=True, run="run").fit("The cat sat.\n" * 50)
    model.push_to_hub("me/poems")
    settings = {"length": 9, "seed": 0}
    assert LanguageModel.from_pretrained("me/poems").generate("T", **settings) == model.generate("T", **settings)


def test_what_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFittedError):
        SequenceClassifier().push_to_hub("me/beats")
    model = SequenceClassifier(family="gru", width=4, layers=1, max_steps=1).fit(X, Y)
    for bad in ("beats", "", "a/b/c", "../x", "a b/c", "/x"):
        with pytest.raises(UserError, match="is no name of a model on the Hugging Face Hub; give owner/name"):
            model.push_to_hub(bad)
    assert hub.asked == []

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("401: no token\nmore about it")

    monkeypatch.setattr(hub, "create_repo", refuse)
    with pytest.raises(UserError, match=r"the Hugging Face Hub did not take me/beats: 401: no token$"):
        model.push_to_hub("me/beats")
