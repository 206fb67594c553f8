"""Files opened as records: what the settings say to readers, and the parts that are files of their own."""

from collections.abc import Iterable
from dataclasses import replace

from unrolled.data.config import DataConfig
from unrolled.data.records import GROUP, Reading, Source, Wish


def reading_of(data: DataConfig, wish: Wish) -> Reading:
    """What the settings say to a reader. Columns known ahead are read whatever the inputs are."""
    besides = [name for name in data.known if name not in data.inputs]
    return Reading(
        inputs=(*data.inputs, *besides) if data.inputs else (),
        target=data.target,
        id=data.id,
        time=data.time,
        group=data.group,
        labels=data.labels,
        wish=wish,
        rate=data.rate,
        layout=data.layout,
        label_separator=data.label_separator,
        decimal=data.decimal,
    )


def with_own_groups(data: DataConfig, source: Source) -> DataConfig:
    """The settings with the groups that the data names itself, if nobody named others or how to split.

    Those are `(?P<group>...)` in a pattern of labels, a column `group` in their table, and `groups` in an .npz file.
    """
    if data.group is None and data.split in ("auto", "group") and source.groups(GROUP) is not None:
        return replace(data, group=GROUP)
    return data


def parts_within(source: Source) -> dict[str, Source]:
    """The parts for validation and test that lie in the same file as those for training."""
    parts = {name: getattr(source, f"{name}_part", None) for name in ("valid", "test")}
    return {name: part for name, part in parts.items() if part is not None}


def within_in_words(parts: Iterable[str]) -> str:
    """How those came about; nothing without any."""
    names = " and ".join(parts)
    return f"{names} part found in the file" if names else ""
