"""What was found in some records, in words."""

from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Field
from unrolled.data.schema import Schema
from unrolled.plural import counted
from unrolled.tasks.labels.encoding import RecordEncoding


def describe_records(schema: Schema, encoding: RecordEncoding, parts: dict[str, Examples], how: str) -> str:
    """What was found, in one line."""
    train = parts["train"]
    shortest, longest = min(train.lengths), max(train.lengths)
    steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    what = " and ".join(_in_words(field, encoding) for field in schema.inputs)
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    timed = "" if longest == 1 else f" x {steps} steps"
    records = "record" if sum(map(len, parts.values())) == 1 else "records"
    return f"{schema.task}: {what}{timed} -> {encoding.target.in_words}; {counts} {records}{f'; {how}' if how else ''}"


def _in_words(field: Field, encoding: RecordEncoding) -> str:
    encoder = next(encoder for encoder in encoding.inputs if encoder.field == field.name)
    channels = getattr(encoder, "channels", 0)
    if field.kind in ("numeric", "signal"):
        return f"{counted(channels, 'channel')} of {field.name}"
    if field.kind == "frames":
        return "pictures"
    return f"{field.name} ({len(encoder):,} tokens)"  # type: ignore[arg-type]
