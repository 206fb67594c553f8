"""A trained model of records, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.encoding import Encoding
from unrolled.errors import UserError
from unrolled.inference.loading import find_model
from unrolled.inference.records import RecordModel
from unrolled.models.files import read_model
from unrolled.models.records import InputSizes, RecordNetwork


class LoadedRecords(NamedTuple):
    model: RecordModel
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path


def load_records(place: str | Path) -> LoadedRecords:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = find_model(Path(place))

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
    return LoadedRecords(RecordModel(network, encoding, config["window"]), config, folder)
