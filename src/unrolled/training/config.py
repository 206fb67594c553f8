"""What can be chosen about training. Light: importing this does not import torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class TrainConfig:
    """The training. What is null or "auto" is chosen from the data and the model and printed."""

    batch_size: int | None = None
    """sequences per step, over all processes"""
    accumulate: int = 1
    """steps whose gradients are added up before one update"""
    learning_rate: float | None = None
    """peak learning rate (of AdamW; for muon, of the matrices)"""
    optimizer: Literal["auto", "adamw", "muon"] = "auto"
    """adamw, or muon for matrices with adamw for the rest"""
    weight_decay: float | None = None
    """decoupled weight decay of matrices"""
    schedule: Literal["auto", "cosine", "constant", "wsd"] = "auto"
    """learning rate after warm-up; wsd stays flat and then decays linearly"""
    warmup_steps: int | None = None
    """steps over which the learning rate rises from zero"""
    max_steps: int | None = None
    """stop after this many updates"""
    max_epochs: float | None = None
    """stop after this many passes over the training data"""
    max_time: str | None = None
    """stop after this time, such as 90s, 10m or 1h30m; without any limit 10m"""
    clip_norm: float | None = 1.0
    """largest norm of the gradient; null switches it off"""
    clip_value: float | None = None
    """largest absolute value of one gradient entry"""
    label_smoothing: float | None = None
    """part of the target probability spread over all tokens"""
    class_weights: Literal["auto", "none", "balanced"] = "auto"
    """what records of rare classes count; auto: more, where classes are skewed (classify)"""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """auto: bfloat16 for the operations where that is faster here"""
    validate_every: int | None = None
    """updates between validations"""
    patience: int | None = None
    """stop after this many validations without a better loss"""
    checkpoint_every: int | None = None
    """updates between checkpoints"""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """with several processes (torchrun): ddp gives each the whole model, fsdp a shard of it"""
    seed: int = 0
    """seed of everything random"""
    resume: str | None = None
    """auto: go on from the last good checkpoint of the run; or a run or checkpoint folder"""
    tensorboard: bool = False
    """also write TensorBoard events (needs the extra: pip install "unrolled[tensorboard]")"""
