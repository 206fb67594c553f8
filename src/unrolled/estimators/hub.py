"""Trained models by their name on the Hugging Face Hub."""

from collections.abc import Iterable
from pathlib import Path

from unrolled.data.given import given_path
from unrolled.errors import UserError


def model_place(place: str | Path, files: Iterable[str]) -> Path:
    """Where a model is: the folder itself, or for `owner/name`, where nothing here is meant, what the Hub has of it.

    `files` are the names of those that are fetched. Raises `UserError` if the Hub gives none.
    """
    if not _is_hub_name(place):
        return given_path(place, "model")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(str(place), allow_patterns=sorted(files)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"there is no run {place} here, and the Hugging Face Hub gave none: {reason}") from error


def _is_hub_name(place: str | Path) -> bool:
    """Whether it reads like `owner/name` and nothing here is meant, not even a folder to look in."""
    return (
        isinstance(place, str)
        and place.count("/") == 1
        and not place.startswith((".", "/", "~"))
        and not (Path(place).exists() or Path(place).parent.is_dir())
    )
