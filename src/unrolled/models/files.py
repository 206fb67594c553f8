"""A model as a directory: config.json, model.safetensors, and what else belongs to it. No pickle."""

import json
import os
import shutil
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork

FORMAT = 1
"""Version of the directory's layout; raised when an older reader could not read it."""


def save_model(
    folder: Path,
    network: LanguageNetwork,
    *,
    facts: dict[str, Any],
    files: dict[str, str],
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write a model directory beside its place and move it there, so that readers see the old one or the new one.

    `facts` is kept in config.json (how the model was trained); `files` are further texts by name (vocabulary, card);
    `weights` are the network's, unless it is sharded and they had to be gathered first.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        if beside.exists():
            shutil.rmtree(beside)
        beside.mkdir()
        config = {
            "format": FORMAT,
            "task": "language",
            "vocabulary_size": network.vocabulary_size,
            "context": network.context,
            "model": asdict(network.config),
            **facts,
        }
        (beside / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        if weights is None:
            weights = {name: parameter.detach() for name, parameter in network.named_parameters()}
        weights = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
        # Not save_file: a full disk makes it raise an error of its own, which is no OSError.
        content = safetensors.torch.save(weights, metadata={"format": "pt"})
        (beside / "model.safetensors").write_bytes(content)
        for name, text in files.items():
            (beside / name).write_text(text, encoding="utf-8")
        replace_folder(beside, folder)
    except OSError as error:
        raise UserError(f"cannot write the model to {folder}: {error.strerror}; free some space and resume") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def load_model(folder: Path) -> tuple[LanguageNetwork, dict[str, Any]]:
    """The network (in evaluation mode) and config.json. Raises `UserError` for a directory that is not a model's."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{folder} is not a model directory: it has no config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        version = config["format"]
        if version > FORMAT:
            raise UserError(
                f"{folder} was written by a newer version of Unrolled (format {version}, here {FORMAT}); "
                "upgrade with: pip install -U unrolled"
            )
        known = {field.name for field in fields(ModelConfig)}
        settings = ModelConfig(**{key: value for key, value in config["model"].items() if key in known})
        network = LanguageNetwork(config["vocabulary_size"], settings, context=config.get("context", 1024))
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        expected = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder} holds a damaged model: {error}; use another checkpoint or train again") from error
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if found != expected:
        differing = sorted({name for name, _ in found.items() ^ expected.items()})
        raise UserError(
            f"{folder} holds a damaged model: config.json and model.safetensors differ in {', '.join(differing[:5])}; "
            "use another checkpoint or train again"
        )
    network.load_state_dict(weights, strict=False)  # a tied head is the embedding, which is there
    return network.eval(), config


def replace_folder(new: Path, place: Path) -> None:
    """Move `new` to `place`, where an older directory may stand. If cut off in between, `recover_folder` mends it."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        os.rename(place, old)
    os.rename(new, place)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(place: Path) -> None:
    """Bring back the older directory if a replacement was cut off between its two moves."""
    old = place.with_name(f".{place.name}.old")
    if old.exists() and not place.exists():
        os.rename(old, place)
