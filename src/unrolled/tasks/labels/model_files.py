"""A model of records as a directory, and back."""

from pathlib import Path
from typing import Any

from torch import Tensor

from unrolled.models.files import write_model
from unrolled.models.records import RecordNetwork
from unrolled.tasks.labels.encoding import RecordEncoding


def save_record_model(
    folder: Path,
    network: RecordNetwork,
    encoding: RecordEncoding,
    *,
    facts: dict[str, Any],
    card: str,
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write config.json, model.safetensors, encoding.json and README.md, whole or not at all."""
    sizes = {
        "task": encoding.task,
        "inputs": network.inputs._asdict(),
        "outputs": network.outputs,
        "pooled": network.pooled,
        "steps": network.steps,
    }
    write_model(
        folder,
        network,
        facts=sizes | facts,
        files={"encoding.json": encoding.to_text(), "README.md": card},
        weights=weights,
    )
