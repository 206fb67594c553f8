"""A model as a directory: config.json, model.safetensors, and what else belongs to it. No pickle."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from torch import Tensor, nn

from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.weights import build_within, check_finite, shapes_in
from unrolled.untrusted import fits, parse_json, read_text, short, sound, typed

Network = TypeVar("Network", bound=nn.Module)

_ADVICE = "use another checkpoint or train again"

LARGEST_SIZE = 2**40

FORMAT = 1
"""Version of the directory's layout; raised when an older reader could not read it."""


def write_model(
    folder: Path,
    network: Any,
    *,
    facts: dict[str, Any],
    files: dict[str, str],
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write a model directory beside its place and move it there, so that readers see the old one or the new one.

    `facts` is kept in config.json (the task, sizes, how the model was trained), beside `network.config`; `files` are
    further texts by name (vocabulary, card); `weights` are the network's, unless it is sharded and they had to be
    gathered first.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        if beside.exists():
            shutil.rmtree(beside)
        beside.mkdir()
        config = {"format": FORMAT, **facts, "model": asdict(network.config)}
        (beside / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        if weights is None:
            weights = {name: parameter.detach() for name, parameter in network.named_parameters()}
        weights = weights | {name: buffer for name, buffer in lasting_buffers(network).items() if name not in weights}
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


def model_settings(saved: dict[str, Any]) -> ModelConfig:
    """The settings in config.json; those that are unknown here are left out. Raises `ValueError` for those that cannot
    be."""
    known = {field.name for field in fields(ModelConfig)}
    return typed(ModelConfig(**{key: value for key, value in saved.items() if key in known}))


def read_model(
    folder: Path,
    build: Callable[[dict[str, Any], Any], Network],
    settings: Callable[[dict[str, Any]], Any] = model_settings,
    *,
    name_today: Callable[[str], str] = str,
) -> tuple[Network, dict[str, Any]]:
    """The network that `build` makes of config.json, with its weights, in evaluation mode; and config.json.

    `build` is given all of it, and what `settings` makes of the `model` in it. `name_today` says of a tensor in the
    file how it is called in the network, where older versions called it otherwise. Raises `UserError` for a directory
    that is not a model's, is damaged, or was written by a newer version.
    """
    config = read_config(folder)
    with sound(f"{folder} holds a damaged model", _ADVICE):
        shapes = {name_today(name): shape for name, shape in shapes_in(folder / "model.safetensors").items()}
        network = build_within(lambda: build(config, settings(config["model"])), shapes)
        tensors = dict(network.named_parameters()) | lasting_buffers(network)
        expected = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if shapes != expected:
            differing = sorted({name for name, _ in shapes.items() ^ expected.items()})
            raise ValueError(f"config.json and model.safetensors differ in {', '.join(differing[:5])}")
        saved = safetensors.torch.load_file(folder / "model.safetensors")
        weights = {name_today(name): tensor for name, tensor in saved.items()}
        check_finite(weights)
        network.load_state_dict(weights, strict=False)  # a tied head is the embedding, which is there
    return network.eval(), config


def read_config(folder: Path) -> dict[str, Any]:
    """config.json. Raises `UserError` if it is not there, is damaged, or was written by a newer version."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{folder} is not a model directory: it has no config.json")
    with sound(f"{folder} holds a damaged model", _ADVICE):
        config = parse_json(read_text(path))
        version = config["format"]
        if version > FORMAT:
            raise UserError(
                f"{folder} was written by a newer version of Unrolled (format {version}, here {FORMAT}); "
                "upgrade with: pip install -U unrolled"
            )
    return config


def size_in(config: dict[str, Any], name: str, default: int | None = None) -> int:
    """A size in config.json. Raises `ValueError` unless it is a whole number from 1 to `LARGEST_SIZE`."""
    size: Any = config.get(name, default)
    if not fits(size, int) or not 1 <= size <= LARGEST_SIZE:
        raise ValueError(f"{name} is {short(size)}, expected a whole number from 1 to {LARGEST_SIZE:,}")
    return size


def lasting_buffers(network: nn.Module) -> dict[str, Tensor]:
    """Buffers that belong to the model (running statistics), by name."""
    # Not by way of state_dict(): with sharded weights that frees the whole ones, which are being saved.
    return {
        f"{prefix}.{name}" if prefix else name: buffer
        for prefix, module in network.named_modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name not in module._non_persistent_buffers_set
    }


def replace_folder(new: Path, folder: Path) -> None:
    """Move `new` to `folder`, where an older directory may stand. If cut off in between, `recover_folder` mends it."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Bring back the older directory if a replacement was cut off between its two moves."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        os.rename(old, folder)
