"""Sequences written from what is known of them: one step at a time with the carried state, many side by side."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from unrolled.data.encoders.token_counts import unseen
from unrolled.data.records import Notes, Record, Source
from unrolled.layers import state as states
from unrolled.tasks.describe.load import LoadedDescription
from unrolled.tasks.describe.network import DescriptionInputs, DescriptionNetwork
from unrolled.tasks.describe.output_sequences import WrittenText, WrittenTokens
from unrolled.tasks.describe.sequences import END, stacked
from unrolled.tasks.predictions import Kind, Predictions, Row
from unrolled.tasks.sampling import sample
from unrolled.tasks.sampling_config import Sampling
from unrolled.tasks.seeds import generator_of

AT_ONCE = 64
"""Sequences that are written side by side."""


def usual_sampling(loaded: LoadedDescription) -> Sampling:
    """How tokens are drawn where nothing else is asked for: texts and words a little more likely than the model says,
    numbers as it says, since the likeliest next value is nearly always the same again."""
    return Sampling() if isinstance(loaded.encoding.written, WrittenText | WrittenTokens) else Sampling(temperature=1.0)


Condition = tuple[np.ndarray, np.ndarray]
"""What is known of a sequence; see `DescriptionEncoding.condition`."""


def describe(
    loaded: LoadedDescription,
    conditions: list[Condition],
    *,
    sampling: Sampling,
    seed: int | None = None,
    max_length: int | None = None,
) -> list[Any]:
    """A sequence for each condition: a text, a list of words or a list of numbers, as in training.

    None is longer than `max_length` tokens, by default the longest of training; with learned positions never longer
    than the model's context. The same seed and conditions give the same sequences. Raises `UserError` for a seed that
    is none.
    """
    generator = generator_of(seed, next(loaded.network.parameters()).device)
    longest = longest_of(loaded, max_length)
    sequences: list[list[int]] = [[] for _ in conditions]
    for start in range(0, len(conditions), AT_ONCE):
        part = conditions[start : start + AT_ONCE]
        steps = write_tokens(loaded.network, part, sampling=sampling, generator=generator, max_length=longest)
        for step in steps:
            for row, token in step.items():
                sequences[start + row].append(token)
    return [loaded.encoding.written.decode(tokens) for tokens in sequences]


def longest_of(loaded: LoadedDescription, max_length: int | None = None) -> int:
    """Tokens of a sequence at most."""
    longest = loaded.longest if max_length is None else max_length
    if loaded.network.config.family == "transformer" and loaded.network.config.positions == "learned":
        longest = min(longest, loaded.network.context)
    return longest


@torch.inference_mode()
def write_tokens(
    network: DescriptionNetwork,
    conditions: list[Condition],
    *,
    sampling: Sampling,
    generator: torch.Generator,
    max_length: int,
) -> Iterator[dict[int, int]]:
    """Step by step the next token of every sequence that goes on, by its row. One that has ended leaves the batch."""
    device = next(network.parameters()).device
    numbers, categories = (
        None if array is None else torch.from_numpy(array).to(device) for array in stacked(conditions)
    )
    condition = network.condition(numbers, categories)
    state = network.initial_state(len(conditions), device=device)
    rows = torch.arange(len(conditions), device=device)
    tokens = torch.full_like(rows, END)
    for _ in range(max_length):
        logits, state = network.step(DescriptionInputs(tokens, condition), state)
        tokens = sample(logits, sampling, generator=generator)
        going = tokens != END
        if not bool(going.all()):
            kept = going.nonzero()[:, 0]
            rows, tokens, condition, state = rows[kept], tokens[kept], condition[kept], states.gather(state, kept)
        if not len(rows):
            return
        yield dict(zip(rows.tolist(), tokens.tolist(), strict=True))


def description_rows(
    loaded: LoadedDescription,
    source: Source,
    *,
    sampling: Sampling,
    seed: int | None = 0,
    notes: Notes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Predictions:
    """A row per record: `record` (where it was read), and what was written, called as the target: a text, words, or
    numbers. `progress` is told how many are done."""
    written = loaded.encoding.written
    kind: Kind = "text" if isinstance(written, WrittenText) else "texts"
    if not isinstance(written, WrittenText | WrittenTokens):
        kind = "numbers"
    name = "sequence" if written.field == "record" else written.field
    notes = Notes() if notes is None else notes

    def rows() -> Iterator[Row]:
        remaining: Iterator[Record] = iter(source)
        done = 0
        while records := list(islice(remaining, AT_ONCE)):
            conditions = [loaded.encoding.condition(record) for record in records]
            unknown = sum(int((categories == 0).sum()) for _, categories in conditions)
            notes.add(f"labels {unseen(loaded.encoding.known.complete)}, read as unknown", unknown)
            own = None if seed is None else seed + done
            for record, value in zip(records, describe(loaded, conditions, sampling=sampling, seed=own), strict=True):
                yield {"record": record.origin, name: value}
            done += len(records)
            if progress is not None:
                progress(done)

    return Predictions({"record": "text", name: kind}, rows())
