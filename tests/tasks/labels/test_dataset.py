"""From files to parts: when records are held out beside a test part that is given."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.tasks.labels.dataset import prepare_records


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({}, {"train": 40, "test": 10}),
        ({"valid_fraction": 0.2}, {"train": 32, "valid": 8, "test": 10}),
        ({"split": "random"}, {"train": 36, "valid": 4, "test": 10}),
        ({"valid_fraction": 0.0}, {"train": 40, "test": 10}),
    ],
)
def test_few_records_with_a_test_part_are_all_for_training_unless_asked(
    tmp_path: Path, settings: dict, sizes: dict[str, int]
) -> None:
    x = np.random.default_rng(0).normal(size=(50, 7, 2)).astype(np.float32)
    y = np.arange(50) % 2
    np.savez(tmp_path / "data.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    dataset = prepare_records([str(tmp_path / "data.npz")], DataConfig(**settings), task="classify")
    assert {name: len(part) for name, part in dataset.parts.items()} == sizes
