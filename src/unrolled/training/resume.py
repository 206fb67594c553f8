"""Everything an exact resume needs, into a checkpoint and back."""

import math
from contextlib import AbstractContextManager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import torch
from torch import Tensor

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.models.config import ModelConfig
from unrolled.models.files import lasting_buffers
from unrolled.training.checkpoints import (
    Checkpoint,
    pack_optimizer,
    pack_random_state,
    restore_random_state,
    save_checkpoint,
    unpack_optimizer,
)
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position, Training
from unrolled.training.parallel import full_tensor, gathered, sharded_like
from unrolled.untrusted import fits, short, sound, typed

MAY_CHANGE = {
    "train": {
        "max_steps",
        "max_epochs",
        "max_time",
        "patience",
        "validate_every",
        "checkpoint_every",
        "tensorboard",
        "resume",
        "parallel",
    },
    "data": {"cache", "valid", "test"},
}
"""Settings of a resumed run that need not be those it began with: limits, and what does not touch the weights. Files
may have moved: what is in them is compared by its fingerprint."""


def write_checkpoint(run: Training, folder: Path, settings: dict[str, Any]) -> None:
    """Save the run as it stands. All processes take part, the first one writes."""
    tensors: dict[str, Tensor] = {
        f"network.{name}": full_tensor(parameter.detach()) for name, parameter in run.network.named_parameters()
    }
    tensors |= {f"network.{name}": buffer for name, buffer in lasting_buffers(run.network).items()}
    meta: dict[str, Any] = {"position": asdict(run.position), "settings": settings, "optimizers": []}
    for number, optimizer in enumerate(run.optimizers):
        packed, numbers = pack_optimizer(optimizer)
        # Sorted, since after a resume the order differs between processes, and gathering shards must not.
        tensors |= {f"optimizer{number}.{name}": full_tensor(packed[name]) for name in sorted(packed)}
        meta["optimizers"].append(numbers)
    if run.state is not None:
        for name, leaf in states.named_leaves(run.state):
            tensors[f"state.{name}"] = gathered(leaf, run.accelerator)
    random, numbers = pack_random_state()
    # Random states differ by process: each one's dropout draws from its own.
    for process, own in enumerate(_every_process(random, run)):
        tensors |= {f"random{process}.{name}": tensor for name, tensor in own.items()}
    meta["random"] = numbers
    if run.accelerator.is_main_process:
        save_checkpoint(folder, run.position.step, tensors, meta)
    run.accelerator.wait_for_everyone()


def sound_checkpoint(checkpoint: Checkpoint) -> AbstractContextManager[None]:
    """Whatever the content of a checkpoint makes the code within raise becomes a `UserError` that names it."""
    return sound(
        f"{checkpoint.path} is not a whole checkpoint", "use an earlier one, or train into another folder with --run"
    )


def check_meta(meta: Any) -> None:
    """Raises an error unless it is of the form that `write_checkpoint` gives it, which what follows relies on."""
    position, settings = typed(Position(**meta["position"])), meta["settings"]
    _ = meta["position"]["step"]
    if not all(math.isfinite(number) for number in asdict(position).values() if number is not None):
        raise ValueError("its position has numbers that are not finite")
    if min(position.step, position.batch, position.tokens, position.best_step, position.elapsed) < 0:
        raise ValueError("its position has numbers below zero")
    for group in ("data", "model", "train"):
        if not isinstance(settings[group], dict):
            raise ValueError(f"its settings of {group} are {short(settings[group])}")
    forms = {"threads": int, "processes": int, "fingerprint": str, "files": dict[str, list[int]], "noun": str}
    for name, form in forms.items():
        if name in settings and not fits(settings[name], form):
            raise ValueError(f"its {name} are {short(settings[name])}")
    if not 1 <= settings.get("threads", 1) <= MOST_THREADS:
        raise ValueError(f"its threads are {short(settings['threads'])}")
    if not fits(meta["optimizers"], list[dict[str, Any]]) or not fits(meta["random"], dict[str, Any]):
        raise ValueError("it lacks the state of its optimizer or of its random numbers")


def restore(run: Training, checkpoint: Checkpoint) -> None:
    """Put a checkpoint into a run that was built with the same settings; it goes on bit for bit.

    Raises `UserError` for one that does not fit.
    """
    with sound_checkpoint(checkpoint):
        _restore(run, checkpoint)


def _restore(run: Training, checkpoint: Checkpoint) -> None:
    tensors, meta, _ = checkpoint
    run.position = Position(**meta["position"])
    with torch.no_grad():
        for name, parameter in run.network.named_parameters():
            parameter.copy_(sharded_like(tensors[f"network.{name}"], parameter))
        for name, buffer in lasting_buffers(run.network).items():
            buffer.copy_(tensors[f"network.{name}"])
    for number, optimizer in enumerate(run.optimizers):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        packed = _below(f"optimizer{number}.", tensors)
        unpack_optimizer(optimizer, packed, meta["optimizers"][number])
        for index, parameter in enumerate(parameters):
            entries = optimizer.state.get(parameter, {})
            for name, value in entries.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    entries[name] = sharded_like(packed[f"{index}.{name}"], parameter)
    leaves = _below("state.", tensors)
    if leaves:
        rows = len(next(iter(leaves.values()))) // run.accelerator.num_processes
        mine = slice(run.accelerator.process_index * rows, (run.accelerator.process_index + 1) * rows)
        network: Any = run.network
        like = network.initial_state(rows, device=run.accelerator.device)
        names = [name for name, _ in states.named_leaves(like)]
        run.state = states.rebuild(like, [leaves[name][mine].to(run.accelerator.device) for name in names])
    random = _below(f"random{run.accelerator.process_index}.", tensors)
    if not random:
        raise UserError(
            "the checkpoint was written by fewer processes than run now; resume with the same number of processes"
        )
    restore_random_state(random, meta["random"])


MOST_THREADS = 4096
"""More than any machine has."""

LIMITS = {"max_steps", "max_epochs", "max_time"}

DEFAULTS = {"data": asdict(DataConfig()), "model": asdict(ModelConfig()), "train": asdict(TrainConfig())}
"""What a setting was in a run that began before there was such a setting."""

Config = TypeVar("Config", DataConfig, ModelConfig, TrainConfig)


def as_begun(config: Config, saved: dict[str, Any]) -> Config:
    """What is left to be chosen becomes what was chosen when the run began. New limits replace all old ones.

    Raises `ValueError` for a saved value that cannot be.
    """
    open_ = {field.name for field in fields(config) if getattr(config, field.name) in (None, "auto")}
    if not open_ >= LIMITS:
        open_ -= LIMITS
    chosen = {name: saved[name] for name in open_ & saved.keys()}
    for name, hint in get_type_hints(type(config)).items():
        if name in chosen and not fits(chosen[name], hint):
            raise ValueError(f"its {name} is {short(chosen[name])}")
    return replace(config, **chosen)


def require_same_settings(saved: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raises `UserError` if a resumed run would go on with other settings than it began with."""
    before = {group: default | saved[group] for group, default in DEFAULTS.items()}
    changed = [
        f"--{group}.{name} was {_said(values[name])}, now {_said(wanted[group][name])}"
        for group, values in before.items()
        for name in wanted[group]
        if name not in MAY_CHANGE.get(group, set()) and values[name] != wanted[group][name]
    ]
    if saved.get("fingerprint") != wanted.get("fingerprint"):
        changed.append(f"the {wanted.get('noun', 'data')} is another one{_changed_files(saved, wanted)}")
    if saved.get("processes") != wanted.get("processes"):
        changed.append(f"processes were {saved.get('processes')}, now {wanted.get('processes')}")
    if changed:
        raise UserError(
            f"cannot resume, since the run began otherwise: {'; '.join(changed)}; "
            "use the old settings (the run's config.yaml holds them), or train into another folder with --run"
        )


def file_facts(files: list[str]) -> dict[str, list[int]]:
    """Of each file or folder its bytes and when it was changed last, in nanoseconds: to say later which has changed."""
    facts = {}
    for file in files:
        root = Path(file)
        inside = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else [root]
        stats = [path.stat() for path in inside if path.is_file()]
        facts[str(root.resolve())] = [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]
    return facts


def _changed_files(saved: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Which files are others, where that is known."""
    before, now = saved.get("files") or {}, wanted.get("files") or {}
    if before and before.keys() != now.keys():
        return f" (it was {', '.join(sorted(before))}, now {', '.join(sorted(now)) or 'given from Python'})"
    told = [
        f"{name} had {before[name][0]:,} bytes, now {now[name][0]:,}"
        for name in sorted(before)
        if before[name] != now[name]
    ]
    return f" ({', '.join(told)})" if told else ""


def _said(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _every_process(mine: dict[str, Tensor], run: Training) -> list[dict[str, Tensor]]:
    if run.accelerator.num_processes == 1:
        return [mine]
    all_of_them: list[Any] = [None] * run.accelerator.num_processes
    torch.distributed.all_gather_object(all_of_them, mine)
    return all_of_them
