"""What can be chosen about the data. Light: importing this does not import torch."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class DataConfig:
    """The data. What is null or "auto" is chosen from the files and printed."""

    vocabulary: Literal["auto", "char", "byte", "word", "bpe"] = "auto"
    """what one token is"""
    vocabulary_size: int = 8192
    """tokens of a bpe vocabulary"""
    min_count: int = 1
    """a word seen less often than this becomes <unk> (word)"""
    valid: list[str] = field(default_factory=list)
    """files to validate on; without them the last part of each training file is used"""
    test: list[str] = field(default_factory=list)
    """files for a final test"""
    valid_fraction: float = 0.1
    """part held out for validation: the end of each text file or long series, or so many of the records"""
    test_fraction: float = 0.0
    """part of the records, or of the end of long ones, held out for a final test"""
    context: int | None = None
    """steps in one training window or chunk; how far a forecast looks back"""
    horizon: int | None = None
    """steps ahead to forecast; by default a period, or 24"""
    quantiles: str = "0.1,0.5,0.9"
    """levels to forecast, or none for one value"""
    parts: str | None = None
    """steps for training, validation and test in the order of time, such as 8640,2880,2880, or fractions such as
    0.7,0.1,0.2; what is over is left out (forecast)"""
    calendar: Literal["auto", "none", "all"] = "auto"
    """whether a forecast knows the time of day, week and year; auto: where the series is short and has dates"""
    known: list[str] = field(default_factory=list)
    """columns known for the steps ahead too, such as a price or a holiday (forecast)"""
    feed: Literal["auto", "windows", "streams"] = "auto"
    """windows: random pieces, full backpropagation through time; streams: parallel contiguous streams with the state
    carried from chunk to chunk, truncated backpropagation through time"""
    carry: bool = True
    """streams: carry the state from chunk to chunk (false drops it, to see what it is worth)"""
    cache: str | None = None
    """folder for encoded data; by default the user's cache folder"""
    inputs: list[str] = field(default_factory=list)
    """fields to learn from; without any, all that are not used otherwise"""
    target: str | None = None
    """field to learn"""
    id: str | None = None
    """tables with a row per step: the column that says which sequence a row belongs to; several with commas between"""
    time: str | None = None
    """column with the time of a step"""
    group: str | None = None
    """column that says whom a record belongs to (patient, speaker): no group is on both sides of a split"""
    labels: str | None = None
    """labels of files: a CSV file with file,label, or a pattern such as (?P<label>[a-z]+)_.*"""
    label_separator: str | None = None
    """what stands between the labels of one record in a cell of a table, such as ";"; by default |"""
    decimal: Literal["auto", "point", "comma"] = "auto"
    """what stands before decimals in a table, where numbers such as 1.230 leave it open"""
    split: Literal["auto", "random", "group", "time"] = "auto"
    """how records are held out for validation"""
    layout: Literal["auto", "time-channels", "channels-time"] = "auto"
    """order of the axes of arrays after the first"""
    rate: float | None = None
    """steps per second that signals are resampled to"""
    features: Literal["auto", "log-mel", "raw"] = "auto"
    """what a network reads of a signal; auto takes log-mel for sound"""
    mels: int = 64
    """bands of a log-mel spectrogram"""
    scaling: Literal["auto", "none", "standard", "robust", "window"] = "auto"
    """numbers: by mean and standard deviation, by median and quartiles, or each record by itself (window)"""
    kmer: int = 1
    """letters of one step of a text of single letters, such as DNA"""
    spelling: bool | None = None
    """show the network also how words that come ready cut are spelled: lower case, capitals and digits, first and last
    letters; by default to tag words of which many come only once"""
    share_vocabulary: bool = False
    """one vocabulary and one embedding for both languages (translate)"""
    event_labels: bool = False
    """events: tell their labels apart, and not only where they are"""
    batching: Literal["buckets", "packed"] = "buckets"
    """buckets: records of like length side by side; packed: several in a row, one after another"""
    augment: Literal["auto", "none", "signal", "noise"] = "auto"
    """vary numbers in training; signal: scale, a little noise, stretch, blank pieces; noise: scale and more noise"""
