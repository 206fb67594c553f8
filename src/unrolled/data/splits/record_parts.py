"""Which records are for training, for validation and for the test."""

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.records import Field, Source
from unrolled.data.splits.hold_out import FEW, hold_out
from unrolled.data.splits.in_time import TimeSlice, can_be_cut
from unrolled.errors import UserError
from unrolled.plural import counted


def split_records(
    sources: dict[str, Source], target: Field | None, data: DataConfig, seed: int
) -> tuple[dict[str, tuple[Source, np.ndarray]], str]:
    """The records of each part, as a source and numbers in it, and in words how they were chosen."""
    source = sources["train"]
    given = {name: (other, np.arange(len(other))) for name, other in sources.items() if name != "train"}
    shares = {"test": data.test_fraction, "valid": data.valid_fraction}
    shares = {name: share for name, share in shares.items() if share and name not in given}
    if sum(shares.values()) >= 1:
        raise UserError("--data.valid_fraction and --data.test_fraction leave nothing for training")
    picks = {"train": (source, np.arange(len(source)))}
    if data.split in ("auto", "time") and data.group is None and shares and can_be_cut(source):
        return _cut_in_time(source, shares) | given, _said(shares, "the end of the record")
    ways = []
    for name, share in shares.items():
        whole, kept = picks["train"]
        chosen = data.split != "auto" or data.group is not None or share != DataConfig.valid_fraction
        if name == "valid" and given and not chosen and len(kept) < FEW:
            some = "records are" if len(kept) != 1 else "record is"
            ways.append(f"{len(kept)} {some} too few to hold some out for validation")
            continue
        if len(kept) < 2:
            ways.append("one record, none held out")
            continue
        groups = _groups(source, data, kept)
        labels = None if target is None else labels_of(source, target)
        first, second, way = hold_out(
            len(kept),
            share * len(source) / len(kept),
            seed=seed,
            labels=None if labels is None else [labels[number] for number in kept],
            groups=groups,
            by_time=data.split == "time",
        )
        picks["train"], picks[name] = (whole, kept[first]), (whole, kept[second])
        ways.append(f"{'validation' if name == 'valid' else name}: {counted(len(second), 'record')}, {way}")
    order = [name for name in ("train", "valid", "test") if name in picks | given]
    return {name: (picks | given)[name] for name in order}, "; ".join(ways)


def labels_of(source: Source, target: Field) -> list[str] | None:
    """The label of each record, if the target is one and known without decoding them."""
    return source.labels(target.name) if target.kind == "categorical" and not target.timed else None


def _cut_in_time(source: Source, shares: dict[str, float]) -> dict[str, tuple[Source, np.ndarray]]:
    everything = np.arange(len(source))
    end = 1.0
    parts: dict[str, tuple[Source, np.ndarray]] = {}
    for name, share in shares.items():
        parts[name] = (TimeSlice(source, end - share, end), everything)
        end -= share
    parts["train"] = (TimeSlice(source, 0.0, end), everything)
    return {name: parts[name] for name in ("train", "valid", "test") if name in parts}


def _said(shares: dict[str, float], what: str) -> str:
    parts = [f"{share:.0%} for {'validation' if name == 'valid' else name}" for name, share in reversed(shares.items())]
    return f"{what} held out: {', then '.join(parts)}"


def _groups(source: Source, data: DataConfig, kept: np.ndarray) -> list[str] | None:
    groups = source.groups(data.group) if data.group is not None else None
    if groups is None:
        if data.group is not None:
            raise UserError(f"the data does not say which {data.group!r} a record belongs to; choose another --group")
        if data.split == "group":
            raise UserError("the groups are not known; name their column with --group")
        return None
    return [groups[number] for number in kept]
