"""Generated tokens as text that goes on from a prompt."""

from collections.abc import Iterator

from torch import Tensor

from unrolled.data.encoders.codec import StreamDecoder, utf8
from unrolled.tasks.language.generate import generate_tokens
from unrolled.tasks.language.load import Loaded
from unrolled.tasks.sampling_config import Sampling


def generate_text(
    loaded: Loaded,
    prompt: str,
    *,
    length: int,
    sampling: Sampling,
    samples: int = 1,
    seed: int | None = None,
) -> Iterator[list[str]]:
    """After every token, what it adds to each sample; never half a character. What is left over comes at the end.

    Prompt and pieces, joined, are the text: where words need a space between prompt and answer, the answer has it.
    Raises `UserError` at once for a prompt that the vocabulary cannot express and a seed that is none.
    """
    utf8(prompt)
    tokens = [int(token) for token in loaded.vocabulary.encode(prompt)] or loaded.start
    steps = generate_tokens(loaded.network, [tokens] * samples, length=length, sampling=sampling, seed=seed)
    decoders = [loaded.vocabulary.stream_decoder() for _ in range(samples)]
    for decoder in decoders:
        decoder.feed(tokens)
    # A prompt that ends in white space has the space before the next word already.
    doubled = " " if loaded.vocabulary.kind == "word" and prompt[-1:].isspace() else ""
    return _pieces(steps, decoders, doubled)


def _pieces(steps: Iterator[Tensor], decoders: list[StreamDecoder], doubled: str) -> Iterator[list[str]]:
    for step in steps:
        pieces = [decoder.feed([token]) for decoder, token in zip(decoders, step.tolist(), strict=True)]
        yield [piece.removeprefix(doubled) for piece in pieces]
        doubled = ""
    yield [decoder.finish() for decoder in decoders]
