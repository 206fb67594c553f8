"""A trained model of records, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.encoding import Encoding
from unrolled.data.reopening import Recipe
from unrolled.errors import UserError
from unrolled.inference.loading import find_model, task_of
from unrolled.inference.naive import Naive
from unrolled.inference.records import RecordModel
from unrolled.models.files import read_model
from unrolled.models.records import InputSizes, RecordNetwork

TASKS = ("classify", "regress", "tag", "transcribe")
"""What a model of records can be for."""


class LoadedRecords(NamedTuple):
    model: RecordModel
    recipe: Recipe
    """how other files are read"""
    naive: Naive | None
    """what to compare with"""
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path


def load_records(place: str | Path) -> LoadedRecords:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = find_model(Path(place))
    task = task_of(folder)
    if task not in TASKS:
        raise UserError(f"{place} is a model for {task}, not one for {', '.join(TASKS)}")

    def build(config: dict[str, Any], settings: Any) -> RecordNetwork:
        inputs = config["inputs"]
        frame = inputs["frame"]
        sizes = InputSizes(inputs["channels"], tuple(inputs["tables"]), None if frame is None else tuple(frame))
        return RecordNetwork(sizes, config["outputs"], settings, pooled=config["pooled"], steps=config["steps"])

    network, config = read_model(folder, build)
    try:
        encoding = Encoding.from_text((folder / "encoding.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} holds a damaged encoding.json: {error}; use another copy or train again") from error
    try:
        recipe = Recipe.from_json(config["read"])
        naive = None if config["naive"] is None else Naive(**config["naive"])
        model = RecordModel(network, encoding, config["window"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder} holds a damaged config.json: {error}; use another copy or train again") from error
    return LoadedRecords(model, recipe, naive, config, folder)
