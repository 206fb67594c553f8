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
    """part of each file held out for validation, from its end"""
    context: int | None = None
    """steps in one training window or chunk"""
    feed: Literal["auto", "windows", "streams"] = "auto"
    """windows: random pieces, full backpropagation through time; streams: parallel contiguous streams with the state
    carried from chunk to chunk, truncated backpropagation through time"""
    carry: bool = True
    """streams: carry the state from chunk to chunk (false drops it, to see what it is worth)"""
    cache: str | None = None
    """folder for encoded data; by default the user's cache folder"""
