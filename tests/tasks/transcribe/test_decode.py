"""Decoding of CTC against sums over all paths, written out."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.objectives.ctc import ctc_loss
from unrolled.tasks.transcribe.decode import greedy, prefix_beam_search, transcribe

EVERY = 400
"""More beams than there are prefixes in these tests."""


def some(seed: int, *shape: int, sharpness: float = 1.5) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).standard_normal(shape)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def exhaustive(log_probabilities: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every transcript of one row."""
    probabilities: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_probabilities.shape[1]), repeat=len(log_probabilities)):
        transcript = tuple(number - 1 for number, _ in itertools.groupby(path) if number)
        value = math.exp(sum(row[number] for row, number in zip(log_probabilities, path, strict=True)))
        probabilities[transcript] = probabilities.get(transcript, 0.0) + value
    return probabilities


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.lists(st.integers(0, 5), min_size=1, max_size=3))
def test_with_all_prefixes_kept_every_transcript_has_its_probability(
    seed: int, classes: int, lengths: list[int]
) -> None:
    rows = some(seed, len(lengths), 5, classes)
    for length, row, transcripts in zip(
        lengths, rows, prefix_beam_search(rows, np.array(lengths), beams=EVERY), strict=True
    ):
        expected = exhaustive(row[:length])
        assert {tuple(transcript.tokens) for transcript in transcripts} == set(expected)
        assert len(transcripts) == len(expected), "no transcript twice"
        for transcript in transcripts:
            assert math.exp(transcript.log_probability) == pytest.approx(expected[tuple(transcript.tokens)], rel=1e-9)
        assert [transcript.log_probability for transcript in transcripts] == sorted(
            (transcript.log_probability for transcript in transcripts), reverse=True
        )


def test_few_beams_never_give_more_than_the_whole_probability_and_no_transcript_twice() -> None:
    for seed in range(30):
        row = some(seed, 1, 6, 3)
        expected = exhaustive(row[0])
        transcripts = prefix_beam_search(row, np.array([6]), beams=4)[0]
        assert len({tuple(transcript.tokens) for transcript in transcripts}) == len(transcripts) == 4
        for transcript in transcripts:
            assert math.exp(transcript.log_probability) <= expected[tuple(transcript.tokens)] * (1 + 1e-9)


def reference_beam(log_probabilities: np.ndarray, beams: int) -> dict[tuple[int, ...], float]:
    """Algorithm 1 of Hannun et al. with dictionaries, one row."""
    kept = {(): (1.0, 0.0)}
    for step in np.exp(log_probabilities):
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, (blank, token) in kept.items():
            stay = grown.setdefault(prefix, [0.0, 0.0])
            stay[0] += (blank + token) * step[0]
            if prefix:
                stay[1] += token * step[prefix[-1] + 1]
            for number in range(len(step) - 1):
                before = blank if prefix and prefix[-1] == number else blank + token
                grown.setdefault((*prefix, number), [0.0, 0.0])[1] += before * step[number + 1]
        best = sorted(grown.items(), key=lambda item: -sum(item[1]))[:beams]
        kept = {prefix: (pair[0], pair[1]) for prefix, pair in best}
    return {prefix: sum(pair) for prefix, pair in kept.items()}


@pytest.mark.parametrize("beams", [2, 3, 8])
def test_a_narrow_beam_equals_the_algorithm_with_dictionaries(beams: int) -> None:
    # Flat distributions and few classes: prefixes leave the beam and come back, and meet what grew out of them.
    rows = some(3, 40, 30, 4, sharpness=0.7)
    lengths = np.arange(40) % 31
    for row, length, transcripts in zip(rows, lengths, prefix_beam_search(rows, lengths, beams=beams), strict=True):
        expected = reference_beam(row[:length], beams)
        assert {tuple(transcript.tokens) for transcript in transcripts} == set(expected)
        for transcript in transcripts:
            assert transcript.log_probability == pytest.approx(math.log(expected[tuple(transcript.tokens)]), rel=1e-9)


def test_greedy_is_the_best_path() -> None:
    path = [0, 1, 1, 0, 1, 2, 2, 3, 0, 0, 3, 0]
    row = np.full((1, len(path), 4), -9.0)
    row[0, np.arange(len(path)), path] = -0.5
    assert greedy(row, np.array([12]))[0].tokens == [0, 0, 1, 2, 2]
    assert greedy(row, np.array([12]))[0].log_probability == pytest.approx(-6.0)
    assert greedy(row, np.array([6]))[0].tokens == [0, 0, 1]
    assert greedy(row, np.array([0]))[0] == ([], 0.0)


def test_the_sum_over_paths_can_beat_the_best_path() -> None:
    # The example of Graves et al.: blank is the best class of both steps, but "a" has more paths.
    row = np.log(np.array([[[0.6, 0.4], [0.6, 0.4]]]))
    assert greedy(row, np.array([2]))[0].tokens == []
    best = prefix_beam_search(row, np.array([2]))[0][0]
    assert best.tokens == [0]
    assert math.exp(best.log_probability) == pytest.approx(0.64)


def test_probabilities_of_zero() -> None:
    with np.errstate(divide="ignore"):
        row = np.log(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]))
    transcripts = prefix_beam_search(row, np.array([3]), beams=8)[0]
    assert [transcript.tokens for transcript in transcripts] == [[0, 1]]
    assert transcripts[0].log_probability == 0


def test_from_logits_with_a_mask() -> None:
    torch.manual_seed(1)
    logits, mask = 3 * torch.randn(5, 9, 6), torch.arange(9) < torch.tensor([9, 0, 3, 7, 1])[:, None]
    poisoned = logits.masked_fill(~mask[:, :, None], math.nan)
    for row, transcript in enumerate(transcribe(poisoned, mask, beams=64)):
        alone = logits[row : row + 1, : int(mask[row].sum())]
        loss, infeasible = ctc_loss(alone, torch.tensor([transcript.tokens], dtype=torch.long))
        assert int(infeasible) == 0
        assert -transcript.log_probability == pytest.approx(float(loss), rel=2e-2, abs=1e-3)
        assert transcribe(alone, beams=64)[0].tokens == transcript.tokens
    assert [transcript.tokens for transcript in transcribe(poisoned, mask, beams=1)] == [
        transcribe(logits[row : row + 1, : int(mask[row].sum())], beams=1)[0].tokens for row in range(5)
    ]


def test_no_beam_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 beam"):
        prefix_beam_search(some(0, 1, 2, 3), np.array([2]), beams=0)
