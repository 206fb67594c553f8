"""Made-up waves as a data set: a few seconds of work, to see that a script runs."""

from pathlib import Path

import numpy as np


def write_waves(folder: Path) -> Path:
    """Slow and quick sine waves as `Waves_TRAIN.ts` and `Waves_TEST.ts`; returns the folder."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in ("TRAIN", "TEST"):
        lines = ["@problemName Waves", "@univariate true", "@classLabel true slow quick", "@data"]
        for number in range(16):
            label, pace = (("slow", 1.0), ("quick", 3.0))[number % 2]
            wave = np.sin(pace * np.linspace(0, 6.0, 40) + random.uniform(0, 6)) + random.normal(0, 0.1, 40)
            lines.append(",".join(f"{value:.4f}" for value in wave) + f":{label}")
        (folder / f"Waves_{part}.ts").write_text("\n".join(lines) + "\n")
    return folder
