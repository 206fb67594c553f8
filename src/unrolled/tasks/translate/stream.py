"""A live translation: the target token by token."""

from collections.abc import Iterator
from typing import Any

import torch

from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.tasks.translate.decode import padded
from unrolled.tasks.translate.load import LoadedTranslation
from unrolled.tasks.translate.speaker import Speaker


def write(loaded: LoadedTranslation, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is said for `{"source": "..."}`: for each token its number (`step`), the `token` and the `text` so far, and
    at the end the whole, as `predict` says it with one beam.

    Raises `UserError` at once for another request.
    """
    source = request.get("source")
    if not isinstance(source, str) or len(request) > 1:
        raise UserError('expected {"source": "..."} with a text')
    return _answers(loaded, source)


@torch.inference_mode()
def _answers(loaded: LoadedTranslation, source: str) -> Iterator[dict[str, Any]]:
    vocabulary = loaded.encoding.target
    tokens: list[int] = []
    if source.strip():
        for token in _tokens(loaded, source):
            tokens.append(token)
            text = vocabulary.decode(tokens)
            yield {"step": len(tokens), "token": vocabulary.decode([token]), "text": text}
    yield {"step": len(tokens), "text": vocabulary.decode(tokens), "end": True}


def _tokens(loaded: LoadedTranslation, source: str) -> Iterator[int]:
    """The likeliest token at each step, up to the end of the target."""
    network = loaded.network
    device = next(network.parameters()).device
    given = loaded.encoding.encode_source(source)[: loaded.longest]
    speaker = Speaker(network)
    state: State = network.encode(*padded([given], device))
    most = loaded.growth * len(given) + 10
    if network.longest is not None:
        most = min(most, network.longest)
    token = torch.full((1,), network.end, device=device)
    for _ in range(most):
        logits, state = speaker.step(token, state)
        token = logits.float().argmax(-1)
        if int(token) == network.end:
            return
        yield int(token)
