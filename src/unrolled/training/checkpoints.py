"""Checkpoints that survive a kill at any moment, and the packing of what an exact resume needs.

A checkpoint is a folder such as `checkpoints/step-00001000/`:

    tensors.safetensors   every tensor: weights, optimiser, random states, carried states
    meta.json             everything else: step, schedule, sampler position, best loss so far
    manifest.json         the format number, and the size and BLAKE2b checksum of the other two

It is written beside its place, synced, and renamed. A kill leaves either the whole checkpoint or a folder with a dot in
front, which the next save removes. There is no pickle, so loading a stranger's checkpoint runs no code of theirs.
"""

import hashlib
import json
import logging
import math
import random
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from unrolled.atomic import cannot_write, sync_folder, write_synced
from unrolled.errors import UserError
from unrolled.untrusted import fits, parse_json

FORMAT = 1
_TENSORS, _META, _MANIFEST = "tensors.safetensors", "meta.json", "manifest.json"
# A `.replaced` folder exists only if a save of a step saved before was killed between its two renames.
_NAME = re.compile(r"step-(\d+)(\.replaced)?")
_LEFTOVERS = (".saving-*", ".discarded-*")

logger = logging.getLogger("unrolled")


class CheckpointDamaged(UserError):
    """A folder is not a whole checkpoint: a file is missing, cut short or changed."""


class Checkpoint(NamedTuple):
    """What `latest_checkpoint` found."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]
    path: Path


def save_checkpoint(
    folder: Path, step: int, tensors: dict[str, Tensor], meta: dict[str, Any], *, keep: int = 2
) -> Path:
    """Save a checkpoint of `step` in `folder` and return its path. The newest `keep` stay.

    One process writes to a folder at a time. Checkpoints of later steps belong to a course of training that was left
    behind (by going on from an earlier step) and are removed, so that the newest is always the one saved last.

    Raises `UserError` if the disk is full or refuses; earlier checkpoints are then untouched.
    """
    target = folder / f"step-{step:08d}"
    saving = folder / f".saving-{target.name}"
    contents = {
        _TENSORS: safetensors.torch.save(_storable(tensors)),
        _META: json.dumps(meta, indent=1).encode(),
    }
    contents[_MANIFEST] = json.dumps({"format": FORMAT, "files": _describe(contents)}, indent=1).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        saving.mkdir()
        for name, content in contents.items():
            write_synced(saving / name, content)
        sync_folder(saving)
        replaced = folder / f"{target.name}.replaced"
        if target.exists():
            _discard(replaced)
            target.rename(replaced)
        saving.rename(target)
        sync_folder(folder)
    except OSError as error:
        shutil.rmtree(saving, ignore_errors=True)
        raise cannot_write(target, error, "earlier checkpoints are untouched; ") from error
    _prune(folder, target, keep)
    return target


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors (on the CPU) and the meta of a checkpoint, checked against its checksums.

    Raises `CheckpointDamaged`, or `UserError` if a newer version of Unrolled wrote it.
    """
    manifest = _read_manifest(path)
    contents = {}
    for name in (_TENSORS, _META):
        try:
            content = (path / name).read_bytes()
        except OSError as error:
            raise _damaged(path, f"{name} cannot be read ({error.strerror})") from error
        expected = manifest.get(name, {})
        if len(content) != expected.get("bytes"):
            raise _damaged(path, f"{name} has {len(content)} bytes, the manifest says {expected.get('bytes')}")
        if _checksum(content) != expected.get("blake2b"):
            raise _damaged(path, f"the content of {name} does not match its checksum")
        contents[name] = content
    try:
        tensors, meta = safetensors.torch.load(contents[_TENSORS]), parse_json(contents[_META])
        if not isinstance(meta, dict):
            raise ValueError(f"{_META} holds no object")
    except (safetensors.SafetensorError, ValueError) as error:
        raise _damaged(path, f"its content is not what the format says ({error})") from error
    return tensors, meta


def latest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None. Damaged ones are passed over with a warning in the log."""
    for path in reversed(_checkpoints(folder)):
        try:
            return Checkpoint(*load_checkpoint(path), path)
        except CheckpointDamaged as error:
            logger.warning("%s", error)
    return None


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of an optimiser as tensors named `parameter.entry` (such as `3.exp_avg`) and JSON for the rest.

    Works for optimisers whose state is tensors and numbers per parameter, as in AdamW and Muon.
    """
    packed = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for parameter, entries in packed["state"].items():
        for name, value in entries.items():
            packed_as: dict[str, Any] = tensors if isinstance(value, Tensor) else numbers
            packed_as[f"{parameter}.{name}"] = value
    return tensors, {"groups": packed["param_groups"], "numbers": numbers}


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Put a packed state into an optimiser of the same kind over the same parameters; it goes on bit for bit.

    Raises `UserError` if the optimiser is of another kind or the parameters differ.
    """
    groups = []
    current = optimizer.state_dict()["param_groups"]
    for ours, saved in zip(current, meta["groups"], strict=False):
        if ours.keys() != saved.keys() or ours["params"] != saved["params"]:
            break
        # JSON turns tuples such as betas into lists.
        groups.append({k: tuple(v) if isinstance(ours[k], tuple) else v for k, v in saved.items()})
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | meta["numbers"]).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value.clone() if isinstance(value, Tensor) else value
    fits = all(
        index < len(parameters) and (not isinstance(value, Tensor) or value.shape in ((), parameters[index].shape))
        for index, entries in state.items()
        for value in entries.values()
    )
    if not fits or not len(groups) == len(current) == len(meta["groups"]):
        raise UserError(
            "the checkpoint holds the state of another optimizer or of another model; "
            "resume with the settings the run began with"
        )
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def pack_random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The random states of this process: Python, NumPy (global), PyTorch on the CPU and on every GPU.

    All that differs between processes is in the tensors, whose shapes are fixed; the JSON only names the algorithms.
    """
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "python.gauss": torch.tensor([math.nan if gauss is None else gauss], dtype=torch.float64),
        "numpy": torch.tensor([*np.asarray(keys).tolist(), int(position), int(has_gauss)], dtype=torch.int64),
        "numpy.gauss": torch.tensor([float(cached)], dtype=torch.float64),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors |= {f"cuda.{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return tensors, {"python": version, "numpy": kind}


def restore_random_state(tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Put back what `pack_random_state` gave. States of GPUs that this machine lacks are passed over."""
    gauss = tensors["python.gauss"].item()
    random.setstate((meta["python"], tuple(tensors["python"].tolist()), None if math.isnan(gauss) else gauss))
    *keys, position, has_gauss = tensors["numpy"].tolist()
    words = np.array(keys, dtype=np.uint32)
    np.random.set_state((meta["numpy"], words, position, has_gauss, tensors["numpy.gauss"].item()))
    torch.set_rng_state(tensors["torch"])
    for index in range(torch.cuda.device_count()):
        if (state := tensors.get(f"cuda.{index}")) is not None:
            torch.cuda.set_rng_state(state, index)


def _storable(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, contiguous, and each with memory of its own (tied weights share theirs)."""
    storable, seen = {}, set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        address = plain.untyped_storage().data_ptr()
        storable[name] = plain.clone() if address in seen else plain
        seen.add(address)
    return storable


def _describe(contents: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: {"bytes": len(data), "blake2b": _checksum(data)} for name, data in contents.items()}


def _checksum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    try:
        manifest = parse_json((path / _MANIFEST).read_bytes())
        number, files = manifest["format"], manifest["files"]
        if not fits(number, int) or not all(isinstance(entry, dict) for entry in files.values()):
            raise ValueError("unexpected content")
    except OSError as error:
        raise _damaged(path, f"{_MANIFEST} cannot be read ({error.strerror})") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{_MANIFEST} is not a manifest ({error})") from error
    if number > FORMAT:
        raise UserError(
            f"{path} was written by a newer version of unrolled (checkpoint format {number}, this version reads "
            f"up to {FORMAT}); update unrolled to go on from it"
        )
    return files


def _damaged(path: Path, what: str) -> CheckpointDamaged:
    return CheckpointDamaged(f"{path} is not a whole checkpoint: {what}; use an earlier checkpoint")


def _checkpoints(folder: Path) -> list[Path]:
    """Oldest first. A replaced one comes before its replacement."""
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.glob("step-*"))
    return [path for *_, path in sorted((int(match[1]), not match[2], path) for match, path in matches if match)]


def _prune(folder: Path, newest: Path, keep: int) -> None:
    paths = _checkpoints(folder)
    position = paths.index(newest)
    earlier = [path for path in paths[:position] if not path.name.endswith(".replaced")]
    kept = {newest, *earlier[len(earlier) - max(keep - 1, 0) :]}
    for path in paths:
        if path not in kept:
            _discard(path)


def _discard(path: Path) -> None:
    """Remove a checkpoint. It is renamed first, so that a kill in between leaves no torn checkpoint behind."""
    if path.exists():
        hidden = path.with_name(f".discarded-{path.name}")
        try:
            path.rename(hidden)
            shutil.rmtree(hidden)
        except OSError as error:
            logger.warning("the old checkpoint %s could not be removed: %s", path, error.strerror)


def _remove_leftovers(folder: Path) -> None:
    for pattern in _LEFTOVERS:
        for path in folder.glob(pattern):
            shutil.rmtree(path)
