"""What can be chosen about training. Light: importing this does not import torch."""

from dataclasses import dataclass
from typing import Any, Literal

from unrolled.settings import COUNT, COUNT_OR_NONE, FRACTION, NOT_NEGATIVE, POSITIVE, Condition, Range, setting


def _learns_one_of_several(here: Any) -> bool:
    return not here.multilabel and here.target != "numeric"


@dataclass
class TrainConfig:
    """The training. What is null or "auto" is chosen from the data and the model and printed."""

    batch_size: int | None = setting(None, "sequences per step, over all processes", allowed=COUNT)
    accumulate: int = setting(1, "steps whose gradients are added up before one update", allowed=COUNT)
    learning_rate: float | None = setting(
        None, "peak learning rate (of AdamW; for muon, of the matrices)", allowed=POSITIVE, common=True
    )
    optimizer: Literal["auto", "adamw", "muon"] = setting("auto", "adamw, or muon for matrices with adamw for the rest")
    weight_decay: float | None = setting(None, "decoupled weight decay of matrices", allowed=NOT_NEGATIVE)
    schedule: Literal["auto", "cosine", "constant", "wsd"] = setting(
        "auto", "learning rate after warm-up; wsd stays flat and then decays linearly"
    )
    warmup_steps: int | None = setting(
        None, "steps over which the learning rate rises from zero", allowed=COUNT_OR_NONE
    )
    max_steps: int | None = setting(None, "stop after this many updates", allowed=COUNT)
    max_epochs: float | None = setting(None, "stop after this many passes over the training data", allowed=POSITIVE)
    max_time: str | None = setting(
        None, "stop after this time, such as 90s, 10m or 1h30m; without any limit 10m", common=True
    )
    clip_norm: float | None = setting(1.0, "largest norm of the gradient; null switches it off", allowed=POSITIVE)
    clip_value: float | None = setting(None, "largest absolute value of one gradient entry", allowed=POSITIVE)
    label_smoothing: float | None = setting(
        None,
        "part of the target probability spread over all tokens",
        tasks=("language", "classify", "tag", "translate", "describe"),
        when=Condition("one label or token of several is learned", _learns_one_of_several),
        allowed=FRACTION,
    )
    class_weights: Literal["auto", "none", "balanced"] = setting(
        "auto",
        "what records of rare classes count; auto: more, where classes are skewed",
        tasks=("classify",),
        when=Condition("a record has one label", lambda here: not here.multilabel),
    )
    precision: Literal["auto", "32", "bf16"] = setting(
        "auto", "auto: bfloat16 for the operations where that is faster here"
    )
    validate_every: int | None = setting(None, "updates between validations", allowed=COUNT)
    patience: int | None = setting(None, "stop after this many validations without a better loss", allowed=COUNT)
    checkpoint_every: int | None = setting(None, "updates between checkpoints", allowed=COUNT)
    parallel: Literal["ddp", "fsdp"] = setting(
        "ddp", "with several processes (torchrun): ddp gives each the whole model, fsdp a shard of it"
    )
    seed: int = setting(
        0,
        "seed of everything random",
        allowed=Range(lambda n: 0 <= n < 2**63, "a whole number from 0 to below 2^63"),
    )
    resume: str | None = setting(
        None, "auto: go on from the last good checkpoint of the run; or a run or checkpoint folder", common=True
    )
    tensorboard: bool = setting(
        False, 'also write TensorBoard events (needs the extra: pip install "unrolled[tensorboard]")'
    )
