"""Spoken digits joined to clips of several, with their names as text."""

import csv
import wave
from pathlib import Path

import numpy as np

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLIPS = {"train": 2000, "test": 200}
LONGEST = 4
GAP = (400, 1600)
"""Samples of silence between two digits"""


def joined_digits(recordings: Path, folder: Path, *, seed: int = 0) -> None:
    """Clips of one to four digits of one speaker in `folder/train` and `folder/test`, texts in `folder/names.csv`.

    Recordings are named `digit_speaker_number.wav`; numbers 0 to 4 are only used for the test clips.
    """
    random = np.random.default_rng(seed)
    rows = []
    for part, count in CLIPS.items():
        (folder / part).mkdir(parents=True)
        files: dict[tuple[str, int], list[Path]] = {}
        for path in sorted(recordings.glob("*.wav")):
            digit, speaker, number = path.stem.split("_")
            if (int(number) < 5) == (part == "test"):
                files.setdefault((speaker, int(digit)), []).append(path)
        speakers = sorted({speaker for speaker, _ in files})
        for clip in range(count):
            speaker = speakers[random.integers(len(speakers))]
            digits = random.integers(10, size=random.integers(1, LONGEST + 1))
            pieces, rate = [], 8000
            for digit in digits:
                choices = files[speaker, int(digit)]
                with wave.open(str(choices[random.integers(len(choices))])) as file:
                    rate = file.getframerate()
                    pieces.append(np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16))
                pieces.append(np.zeros(random.integers(*GAP), dtype=np.int16))
            name = f"{part}/{clip:05}.wav"
            with wave.open(str(folder / name), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(rate)
                out.writeframes(np.concatenate(pieces).tobytes())
            rows.append((name, " ".join(NAMES[digit] for digit in digits)))
    with open(folder / "names.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "text"), *rows])
