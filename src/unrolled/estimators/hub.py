"""Trained models by their name on the Hugging Face Hub."""

import re
from collections.abc import Iterable
from pathlib import Path

from unrolled.data.given import given_path
from unrolled.errors import UserError

_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def model_place(model: str | Path, files: Iterable[str]) -> Path:
    """Where a model is: the folder itself, or for `owner/name`, where nothing here is meant, what the Hub has of it.

    `files` are the names of those that are fetched. Raises `UserError` if the Hub gives none.
    """
    if not _is_hub_name(model):
        return given_path(model, "model")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(str(model), allow_patterns=sorted(files)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UserError(
            f"there is no run {model} here, and the Hugging Face Hub gave none: {_reason(error)}"
        ) from error


def upload(folder: Path, name: str, *, private: bool | None, token: str | None, message: str | None) -> str:
    """Put a model directory on the Hub; its address there. Raises `UserError` for no name of a model there, and if the
    Hub refuses."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name of a model on the Hugging Face Hub; give owner/name")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=token)
    try:
        made = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=str(folder), commit_message=message or "Upload a model of Unrolled")
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UserError(f"the Hugging Face Hub did not take {name}: {_reason(error)}") from error
    return str(made)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _is_hub_name(model: str | Path) -> bool:
    """Whether it reads like `owner/name` and nothing here is meant, not even a folder to look in."""
    return (
        isinstance(model, str)
        and model.count("/") == 1
        and not model.startswith((".", "/", "~"))
        and not (Path(model).exists() or Path(model).parent.is_dir())
    )
