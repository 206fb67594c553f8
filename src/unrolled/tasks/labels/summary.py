"""What was found in some records, in words."""

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import EventTarget
from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Field
from unrolled.data.schema import Schema
from unrolled.plural import counted


def describe_records(schema: Schema, encoding: Encoding, parts: dict[str, Examples], how: str) -> str:
    """What was found, in one line."""
    train = parts["train"]
    shortest, longest = min(train.lengths), max(train.lengths)
    steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    what = " and ".join(_in_words(field, encoding) for field in schema.inputs)
    target = ""
    if encoding.target is not None:
        labels = getattr(encoding.target, "labels", None)
        target = f" -> {_labels_in_words(encoding, len(labels))}" if labels else f" -> {encoding.target.field}"
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    timed = "" if longest == 1 else f" x {steps} steps"
    records = "record" if sum(map(len, parts.values())) == 1 else "records"
    return f"{schema.task}: {what}{timed}{target}; {counts} {records}{f'; {how}' if how else ''}"


def _labels_in_words(encoding: Encoding, count: int) -> str:
    if isinstance(encoding.target, EventTarget):
        return "events" if count == 1 else f"events of {count} kinds"
    return f"{count} tags" if encoding.per_step else f"{count} classes"


def _in_words(field: Field, encoding: Encoding) -> str:
    encoder = next(one for one in encoding.inputs if one.field == field.name)
    channels = getattr(encoder, "channels", 0)
    if field.kind in ("numeric", "signal"):
        return f"{counted(channels, 'channel')} of {field.name}"
    if field.kind == "frames":
        return "pictures"
    return f"{field.name} ({len(encoder):,} tokens)"  # type: ignore[arg-type]
