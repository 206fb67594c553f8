"""A live description: what is written for what is known, token by token."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from unrolled.errors import UserError
from unrolled.tasks.describe.given import condition_from
from unrolled.tasks.describe.load import LoadedDescription
from unrolled.tasks.describe.write import longest_of, usual_sampling, write_tokens
from unrolled.tasks.seeds import generator_of

LONGEST_VALUE = 1000
"""Characters of a value that is given."""


def write(loaded: LoadedDescription, request: dict[str, Any], *, seed: int) -> Iterator[dict[str, Any]]:
    """What is written where `{"style": "jig", "key": "D"}` is known: for each token its number (`step`) and what it
    adds, and at the end the whole, which is what `generate` writes with the same seed.

    Raises `UserError` at once for another request.
    """
    values = {}
    for name, value in request.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > LONGEST_VALUE:
            raise UserError(f'"{name[:LONGEST_VALUE]}" must be a label or a number')
        values[name] = str(value)
    return _answers(loaded, condition_from(loaded, values, ""), seed)


def _answers(
    loaded: LoadedDescription, condition: tuple[np.ndarray, np.ndarray], seed: int
) -> Iterator[dict[str, Any]]:
    written = loaded.encoding.written
    generator = generator_of(seed, next(loaded.network.parameters()).device)
    tokens: list[int] = []
    steps = write_tokens(
        loaded.network,
        [condition],
        sampling=usual_sampling(loaded),
        generator=generator,
        max_length=longest_of(loaded),
    )
    for step in steps:
        token = step[0]
        tokens.append(token)
        yield {"step": len(tokens), "token": written.decode([token])}
    yield {"step": len(tokens), written.field: written.decode(tokens), "end": True}
