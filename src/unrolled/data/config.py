"""What can be chosen about the data. Light: importing this does not import torch."""

from dataclasses import dataclass
from typing import Any, Literal

from unrolled.settings import COUNT, FRACTION, LARGEST, POSITIVE, Condition, Range, setting

_TOKENS = ("token", "text", "categorical")
_NUMBERS = ("numeric", "signal", "frames")
_NO_RECORDS = ("language",)
_NO_GROUPS = ("language", "translate", "forecast")


def _has_numbers(here: Any) -> bool:
    return "numeric" in here.inputs or here.target == "numeric"


@dataclass
class DataConfig:
    """The data. What is null or "auto" is chosen from the files and printed."""

    inputs: list[str] = setting(
        [], "fields to learn from; without any, all that are not used otherwise", but=_NO_RECORDS, common=True
    )
    target: str | None = setting(None, "field to learn", but=_NO_RECORDS, common=True)
    id: str | None = setting(
        None,
        "tables with a row per step: the column that says which sequence a row belongs to; several with commas between",
        but=_NO_RECORDS,
        common=True,
    )
    time: str | None = setting(None, "column with the time of a step", but=_NO_RECORDS)
    group: str | None = setting(
        None,
        "column that says whom a record belongs to (patient, speaker): no group is on both sides of a split",
        but=_NO_GROUPS,
    )
    labels: str | None = setting(
        None,
        "labels of files: a CSV file with file,label, or a pattern such as (?P<label>[a-z]+)_.*",
        but=("language", "forecast"),
        common=True,
    )
    label_separator: str | None = setting(
        None,
        'what stands between the labels of one record in a cell of a table, such as ";"; by default |',
        tasks=("classify",),
        when=Condition("a record has several labels", lambda here: here.multilabel),
    )
    decimal: Literal["auto", "point", "comma"] = setting(
        "auto",
        "what stands before decimals in a table, where numbers such as 1.230 leave it open",
        but=("language", "translate"),
        when=Condition("numbers are read or learned", _has_numbers),
    )
    layout: Literal["auto", "time-channels", "channels-time"] = setting(
        "auto", "order of the axes of arrays after the first", but=_NO_RECORDS
    )
    valid: list[str] = setting(
        [], "files to validate on; without them the last part of each training file is used", common=True
    )
    test: list[str] = setting([], "files for a final test", common=True)
    split: Literal["auto", "random", "group", "time"] = setting(
        "auto", "how records are held out for validation", but=_NO_GROUPS
    )
    valid_fraction: float = setting(
        0.1,
        "part held out for validation: the end of each text file or long series, or so many of the records",
        allowed=FRACTION,
    )
    test_fraction: float = setting(
        0.0,
        "part of the records, or of the end of long ones, held out for a final test",
        but=_NO_RECORDS,
        allowed=FRACTION,
    )
    parts: str | None = setting(
        None,
        "steps for training, validation and test in the order of time, such as 8640,2880,2880, or fractions such as "
        "0.7,0.1,0.2; what is over is left out",
        tasks=("forecast",),
    )
    vocabulary: Literal["auto", "char", "byte", "word", "bpe"] = setting("auto", "what one token is", inputs=("text",))
    vocabulary_size: int = setting(
        8192,
        "tokens of a bpe vocabulary",
        inputs=("text",),
        when=Condition("the vocabulary is bpe", lambda here: here.data.vocabulary in ("auto", "bpe")),
        allowed=Range(lambda n: 256 <= n <= LARGEST, "256 (the number of bytes) or more"),
    )
    min_count: int = setting(
        1,
        "a word seen less often than this becomes <unk>",
        inputs=_TOKENS,
        when=Condition(
            "the vocabulary is neither byte nor bpe", lambda here: here.data.vocabulary not in ("byte", "bpe")
        ),
        allowed=COUNT,
    )
    kmer: int = setting(
        1,
        "letters of one step of a text of single letters, such as DNA",
        but=("translate", "describe"),
        inputs=("text",),
        when=Condition("tokens are letters", lambda here: here.data.vocabulary in ("auto", "char")),
        allowed=COUNT,
    )
    spelling: bool | None = setting(
        None,
        "show the network also how words that come ready cut are spelled: lower case, capitals and digits, first and "
        "last letters; by default to tag words of which many come only once",
        inputs=("token",),
    )
    share_vocabulary: bool = setting(False, "one vocabulary and one embedding for both languages", tasks=("translate",))
    event_labels: bool = setting(
        False,
        "events: tell their labels apart, and not only where they are",
        tasks=("tag",),
        when=Condition("the target is events", lambda here: here.target == "event"),
    )
    rate: float | None = setting(
        None, "steps per second that signals are resampled to", inputs=("signal",), allowed=POSITIVE
    )
    features: Literal["auto", "log-mel", "raw"] = setting(
        "auto", "what a network reads of a signal; auto takes log-mel for sound", inputs=("signal",)
    )
    mels: int = setting(
        64,
        "bands of a log-mel spectrogram",
        inputs=("signal",),
        when=Condition("features are log-mel", lambda here: here.data.features != "raw"),
        allowed=COUNT,
    )
    scaling: Literal["auto", "none", "standard", "robust", "window"] = setting(
        "auto",
        "numbers: by mean and standard deviation, by median and quartiles, or each record by itself (window)",
        inputs=("numeric", "signal"),
    )
    augment: Literal["auto", "none", "signal", "noise"] = setting(
        "auto",
        "vary numbers in training; signal: scale, a little noise, stretch, blank pieces; noise: scale and more noise",
        but=("forecast",),
        inputs=_NUMBERS,
    )
    context: int | None = setting(
        None,
        "steps in one training window or chunk; how far a forecast looks back",
        but=("transcribe",),
        when=Condition(
            "records are not read whole (those with one answer are, unless --data.feed streams)",
            lambda here: here.task not in ("classify", "regress") or here.data.feed == "streams",
        ),
        allowed=COUNT,
    )
    horizon: int | None = setting(
        None, "steps ahead to forecast; by default a period, or 24", tasks=("forecast",), allowed=COUNT, common=True
    )
    quantiles: str = setting("0.1,0.5,0.9", "levels to forecast, or none for one value", tasks=("forecast",))
    calendar: Literal["auto", "none", "all"] = setting(
        "auto",
        "whether a forecast knows the time of day, week and year; auto: where the series is short and has dates",
        tasks=("forecast",),
    )
    known: list[str] = setting(
        [], "columns known for the steps ahead too, such as a price or a holiday", tasks=("forecast",)
    )
    feed: Literal["auto", "windows", "streams"] = setting(
        "auto",
        "windows: random pieces, full backpropagation through time; streams: parallel contiguous streams with the "
        "state carried from chunk to chunk, truncated backpropagation through time",
        tasks=("language", "classify", "regress", "tag"),
        when=Condition(
            "records are cut (those with one answer are only for streams)",
            lambda here: here.task not in ("classify", "regress") or here.data.feed == "streams",
        ),
    )
    carry: bool = setting(
        True,
        "streams: carry the state from chunk to chunk (false drops it, to see what it is worth)",
        tasks=("language", "classify", "regress", "tag"),
        when=Condition(
            "the feed is streams",
            lambda here: here.data.feed == "streams" or (here.task == "language" and here.data.feed == "auto"),
        ),
    )
    batching: Literal["buckets", "packed"] = setting(
        "buckets",
        "buckets: records of like length side by side; packed: several in a row, one after another",
        tasks=("classify", "regress", "tag"),
    )
    cache: str | None = setting(
        None, "folder for encoded data; by default the user's cache folder", tasks=("language",)
    )
