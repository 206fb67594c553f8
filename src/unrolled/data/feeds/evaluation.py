"""Tokens as batches for evaluation: two ways to give every target its past, each scoring every target exactly once."""

from collections.abc import Iterator

import numpy as np

from unrolled.data.encoders.token_parts import TokenPart
from unrolled.data.feeds.text_feeds import NO_TARGET, Batch, Spans
from unrolled.errors import UserError


def carried_chunks(part: TokenPart, chunk: int, batch_size: int = 1) -> Iterator[Batch]:
    """Contiguous streams in chunks, for a state carried from chunk to chunk and reset at document borders.

    With one stream every target is predicted from all of its document before it. With more, each stream but the first
    begins without what came before, so the loss is a little higher; a short text gets fewer streams. Every token but
    the first of each document is a target once.
    """
    if chunk < 1 or batch_size < 1:
        raise UserError(f"chunk {chunk} and batch size {batch_size} must both be at least 1")
    size = len(part) - 1  # the last token is only a target
    streams = max(1, min(batch_size, size // chunk))
    shortest, longer = divmod(size, streams)
    lengths = shortest + (np.arange(streams) < longer)
    begin = np.cumsum(lengths) - lengths
    spans = Spans(part)
    for done in range(0, int(lengths[0]), chunk):
        width = min(chunk, int(lengths[0]) - done)
        yield spans.cut(begin + done, np.clip(lengths - done, 0, width), width, fresh=done == 0)


def sliding_windows(part: TokenPart, context: int, stride: int, batch_size: int) -> Iterator[Batch]:
    """Windows of `context` tokens, each `stride` further on, for models that see a bounded past.

    A window scores the targets that no window before it scored: the first of a document all, the others the last
    `stride`. So every target but the first `context` of a document is predicted from at least `context - stride + 1`
    tokens. Windows do not cross documents; those of short documents are masked on the right. Every token but the first
    of each document is a target once. Raises `UserError` for a stride above the context, which would skip targets.
    """
    if batch_size < 1 or not 1 <= stride <= context:
        raise UserError(
            f"batch size {batch_size}, context {context} and stride {stride} do not fit; "
            "the batch size must be at least 1 and the stride from 1 to the context"
        )
    spans = Spans(part)
    pairs = np.diff(part.starts, append=len(part)) - 1  # inputs with a target, per document
    windows = np.where(pairs > 0, 1 + -(-np.maximum(pairs - context, 0) // stride), 0)
    ends = np.cumsum(windows)
    for first in range(0, int(ends[-1]), batch_size):
        number = np.arange(first, min(first + batch_size, int(ends[-1])))
        document = np.searchsorted(ends, number, side="right")
        turn = number - (ends - windows)[document]
        stop = np.minimum(context + turn * stride, pairs[document])
        begin = np.maximum(stop - context, 0)
        scored_before = np.where(turn > 0, context + (turn - 1) * stride, 0)
        lengths = stop - begin
        batch = spans.cut(part.starts[document] + begin, lengths, int(lengths.max()), fresh=True)
        scored = np.arange(batch.targets.shape[1]) >= (scored_before - begin)[:, None]
        yield batch._replace(targets=np.where(scored, batch.targets, NO_TARGET))
