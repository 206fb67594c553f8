"""A trained model of records, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.readers.read_like_training import Recipe
from unrolled.models.files import read_model, size_in
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.target import Naive
from unrolled.tasks.load import ADVICE, model_for, task_of
from unrolled.tasks.reads import wish_of
from unrolled.untrusted import read_text, short, sound, typed


class LoadedRecords(NamedTuple):
    model: RecordModel
    recipe: Recipe
    """how other files are read"""
    naive: Naive | None
    """what to compare with"""
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path


def load_records(path: str | Path) -> LoadedRecords:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = model_for(path, "classify", "regress", "tag", "transcribe")

    def build(config: dict[str, Any], settings: Any) -> RecordNetwork:
        inputs = config["inputs"]
        frame = inputs["frame"]
        sizes = typed(InputSizes(inputs["channels"], tuple(inputs["tables"]), None if frame is None else tuple(frame)))
        outputs, steps = size_in(config, "outputs"), size_in(config, "steps")
        if not isinstance(pooled := config["pooled"], bool):
            raise ValueError(f"pooled is {short(pooled)}, expected true or false")
        return RecordNetwork(sizes, outputs, settings, pooled=pooled, steps=steps)

    network, config = read_model(folder, build)
    with sound(f"{folder} holds a damaged encoding.json", ADVICE):
        encoding = typed(RecordEncoding.from_text(read_text(folder / "encoding.json")))
        _check_fit(encoding, network)
    with sound(f"{folder} holds a damaged config.json", ADVICE):
        recipe = typed(Recipe.from_json(config["read"], wish_of(task_of(folder))))
        naive = None if config["naive"] is None else typed(Naive(**config["naive"]))
        model = RecordModel(network, encoding, size_in(config, "window") if encoding.target.per_step else 1)
    return LoadedRecords(model, recipe, naive, config, folder)


def _check_fit(encoding: RecordEncoding, network: RecordNetwork) -> None:
    """Raises `ValueError` unless the encoders give what the network reads, and it what they need."""
    sizes = InputSizes(encoding.channels, encoding.tables, encoding.frame)
    if (sizes, encoding.target.outputs, encoding.target.pooled) != (network.inputs, network.outputs, network.pooled):
        raise ValueError("it is for other inputs or another target than the weights")
