"""Greedy decoding of CTC."""

import numpy as np
import pytest

from unrolled.tasks.transcribe.decode import greedy


def test_greedy_is_the_best_path() -> None:
    path = [0, 1, 1, 0, 1, 2, 2, 3, 0, 0, 3, 0]
    row = np.full((1, len(path), 4), -9.0)
    row[0, np.arange(len(path)), path] = -0.5
    assert greedy(row, np.array([12]))[0].tokens == [0, 0, 1, 2, 2]
    assert greedy(row, np.array([12]))[0].log_probability == pytest.approx(-6.0)
    assert greedy(row, np.array([6]))[0].tokens == [0, 0, 1]
    assert greedy(row, np.array([0]))[0] == ([], 0.0)
