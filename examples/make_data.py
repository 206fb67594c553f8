"""Writes small made-up data sets of every kind: python examples/make_data.py data

Each is learned in well under a minute. The guide (docs/guide) uses them; `--only NAME` writes one.
"""

import argparse
import csv
import datetime
import json
import struct
import wave
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

Random = np.random.Generator


def pulses(folder: Path, random: Random) -> None:
    """Series with a bump and a dip: which comes first is all that tells the two labels apart. A series per row."""
    for part, count in (("TRAIN", 200), ("TEST", 400)):
        rows = []
        for number in range(count):
            first, second = random.uniform(6, 14), random.uniform(24, 34)
            sign = 1 if number % 2 else -1
            steps = np.arange(40)
            bump = np.exp(-(((steps - first) / 2) ** 2)) - np.exp(-(((steps - second) / 2) ** 2))
            values = sign * bump + random.normal(0, 0.1, 40)
            rows.append([*np.round(values, 2), "bump first" if sign > 0 else "dip first"])
        write_csv(folder / f"pulses_{part}.csv", [*(f"t{step}" for step in range(40)), "label"], rows)


def activities(folder: Path, random: Random) -> None:
    """A sensor worn on the arm: three channels, 60 to 90 steps, four activities. The format of the UEA archive."""
    kinds = {"walking": (0.6, 1.0), "running": (1.3, 1.6), "stairs": (0.5, 0.7), "standing": (0.2, 0.1)}
    for part, each in (("TRAIN", 20), ("TEST", 25)):
        lines = ["@problemName activities", "@timeStamps false", "@missing false", "@univariate false"]
        lines += ["@dimensions 3", "@equalLength false", f"@classLabel true {' '.join(kinds)}", "@data"]
        for kind in list(kinds) * each:
            speed, strength = kinds[kind]
            steps = np.arange(random.integers(60, 91))
            angle = random.uniform(0, 6) + steps * speed * random.uniform(0.85, 1.15)
            drift = (0.004 if kind == "stairs" else 0) * steps
            channels = (strength * np.sin(angle), strength * np.cos(angle), 1 + 0.5 * strength * np.sin(2 * angle))
            values = [channel + drift + random.normal(0, 0.8, len(steps)) for channel in channels]
            lines.append(":".join(",".join(f"{value:.2f}" for value in channel) for channel in values) + f":{kind}")
        (folder / f"activities_{part}.ts").write_text("\n".join(lines) + "\n")


def sites(folder: Path, random: Random) -> None:
    """DNA of 60 letters; the sites have a motif near the middle, in which a letter may be wrong."""
    motif, entries = "TATAAT", []
    for number in range(600):
        letters = random.choice(list("ACGT"), 60)
        if number % 2:
            start = 27 + random.integers(-2, 3)
            letters[start : start + 6] = list(motif)
            letters[start + random.integers(6)] = random.choice(list("ACGT"))
        entries.append(f">s{number}|{'site' if number % 2 else 'other'}\n{''.join(letters)}\n")
    (folder / "sites.fasta").write_text("".join(entries))


def reviews(folder: Path, random: Random) -> None:
    """Sentences with a label; "not" turns their meaning round. A text and its label per line."""
    words = {"good": ("lovely", "fresh", "warm", "quick", "friendly"), "bad": ("stale", "cold", "slow", "rude", "dull")}
    rows = []
    for _ in range(1000):
        mood, other = random.permutation(list(words))
        negated = random.random() < 0.4
        word = random.choice(words[str(other if negated else mood)])
        subject = random.choice(["soup", "service", "bread", "waiter", "coffee", "evening"])
        start = random.choice(["the", "our", "honestly the", "this time the"])
        end = random.choice(["", "again", "as ever", "on monday", "for the price"])
        text = f"{start} {subject} was {'not ' if negated else ''}{random.choice(['', 'really ', 'so '])}{word} {end}"
        rows.append([" ".join(text.split()), mood])
    write_csv(folder / "reviews.tsv", ["text", "label"], rows, delimiter="\t")


def entities(folder: Path, random: Random) -> None:
    """Sentences with made-up people and towns: a token and its tag per line, a blank line between sentences."""
    syllables = ["bel", "dor", "fen", "kal", "lin", "mor", "nar", "pel", "ros", "tam", "vel", "zor"]

    def name(end: str) -> str:
        return ("".join(random.choice(syllables, 2)) + end).capitalize()

    lines: list[str] = []
    for _ in range(500):
        person = [(name("a"), "B-PER"), (name("son"), "I-PER")][: random.integers(1, 3)]
        town = [("Old", "B-LOC"), (name("ton"), "I-LOC")] if random.random() < 0.3 else [(name("ton"), "B-LOC")]
        plain = random.choice(["moved to", "never liked", "wrote home from", "walked all the way to"]).split()
        when = random.choice(["", "last spring", "at noon", "with a friend"]).split()
        sentence = [*person, *((word, "O") for word in plain), *town, *((word, "O") for word in when), (".", "O")]
        lines += [*(f"{word}\t{tag}" for word, tag in sentence), ""]
    (folder / "entities.conll").write_text("\n".join(lines) + "\n")


def demand(folder: Path, random: Random) -> None:
    """Twenty weeks of hourly demand with a rhythm of days and weeks, and the temperature. A step per row."""
    hours = np.arange(24 * 7 * 20)
    temperature = 12 + 6 * np.sin(2 * np.pi * (hours - 9) / 24) + 0.1 * np.cumsum(random.normal(0, 1, len(hours)))
    working = (hours // 24) % 7 < 5
    day = np.sin(2 * np.pi * (hours - 7) / 24) + 0.5 * np.sin(4 * np.pi * hours / 24)
    values = 100 + (20 + 15 * working) * day + 10 * working - 0.8 * temperature + random.normal(0, 3, len(hours))
    start = datetime.datetime(2024, 1, 1)
    times = [(start + datetime.timedelta(hours=int(hour))).strftime("%Y-%m-%d %H:%M") for hour in hours]
    rows = zip(times, np.round(values, 1), np.round(temperature, 1), strict=True)
    write_csv(folder / "demand.csv", ["time", "demand", "temperature"], rows)


def sales(folder: Path, random: Random) -> None:
    """Three years of daily sales with price and holiday, of the last four weeks only those two. A step per row."""
    days, ahead = np.arange(3 * 365 + 28), 28
    start = np.datetime64("2022-01-01")
    reduced = np.repeat(random.random(len(days) // 4 + 1) < 0.2, 4)[: len(days)]
    price = np.where(reduced, 3.49, 4.99) + 0.1 * np.floor(days / 365)
    dates = (start + days).astype(str)
    closed = {"01-01": "new year", "05-01": "may day", "10-31": "halloween", "12-24": "christmas", "12-31": "new year"}
    holiday = [closed.get(date[5:], "fair" if random.random() < 0.03 else "") for date in dates]
    effect = np.array([{"": 0, "fair": 60, "halloween": 40}.get(name, -50) for name in holiday])
    week = np.array([20, 35, -20, -25, -15, -5, 10])[days % 7]
    units = 90 + week + 0.02 * days - 20 * (price - 5) + effect + random.normal(0, 5, len(days))
    sold = [*np.round(units[:-ahead]).astype(int), *[""] * ahead]
    rows = zip(dates, sold, price.round(2), holiday, strict=True)
    write_csv(folder / "sales.csv", ["date", "units", "price", "holiday"], rows)


def heart(folder: Path, random: Random) -> None:
    """Five minutes of something like an electrocardiogram at 100 Hz with its beats marked. Files as of PhysioNet."""
    rate, length = 100, 30_000
    beats = np.cumsum(np.round(random.normal(80, 8, 400)).astype(int).clip(50, 120))
    beats = beats[beats < length - 60]
    steps = np.arange(length)
    signal = 0.15 * np.sin(steps / 170) + random.normal(0, 0.04, length)
    for beat in beats:
        near = steps[beat - 40 : beat + 50]
        for height, offset, width in ((0.12, -16, 4), (1.0, 0, 1.5), (-0.25, 4, 2), (0.3, 26, 7)):
            signal[near] += height * random.normal(1, 0.1) * np.exp(-(((near - beat - offset) / width) ** 2) / 2)
    (folder / "heart.hea").write_text(f"heart 1 {rate} {length}\nheart.dat 16 200(0)/mV 16 0 0 0 0 ECG\n")
    (folder / "heart.dat").write_bytes((200 * signal).astype("<i2").tobytes())
    normal = 1 << 10  # the code of a normal beat; below it the steps since the last one
    marks = [normal | int(gap) for gap in np.diff(beats, prepend=0)]
    (folder / "heart.atr").write_bytes(struct.pack(f"<{len(marks) + 1}H", *marks, 0))


def sounds(folder: Path, random: Random) -> None:
    """Whistles of a quarter of a second: a folder for each way in which the pitch moves."""
    rate = 8000
    time = np.arange(rate // 4) / rate
    for kind in ("rising", "falling", "steady", "trill"):
        for number in range(25):
            slope = {"rising": 2400, "falling": -2400}.get(kind, 0) * time
            swing = 250 * np.sin(2 * np.pi * 16 * time) if kind == "trill" else 0
            pitch = random.uniform(1300, 1900) + slope + swing
            tone = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / rate) + random.normal(0, 0.05, len(time))
            write_wav(folder / "sounds" / kind / f"{number:02}.wav", tone, rate)


def morse(folder: Path, random: Random) -> None:
    """Morse code: how loud the tone is at every twentieth of a second, and the letters that were sent."""
    code = {"a": ".-", "e": ".", "i": "..", "m": "--", "n": "-.", "o": "---", "s": "...", "t": "-"}
    lines = []
    for _ in range(600):
        word = "".join(random.choice(list(code), random.integers(2, 5)))
        loud: list[float] = [0.0] * 2
        for letter in word:
            for sign in code[letter]:
                loud += [1.0] * (random.integers(1, 3) if sign == "." else random.integers(4, 6)) + [0.0]
            loud += [0.0] * 2
        heard = np.array(loud) * random.uniform(0.7, 1.3) + random.normal(0, 0.1, len(loud))
        lines.append(json.dumps({"loudness": [round(float(value), 2) for value in heard], "text": word}))
    (folder / "morse.jsonl").write_text("\n".join(lines) + "\n")


def phrases(folder: Path, random: Random) -> None:
    """Phrases in English and in a made-up language that puts the verb last and the colour behind its noun."""
    nouns = {"fox": "vulo", "bird": "pira", "child": "keno", "king": "reko", "river": "daru", "star": "sila"}
    colours = {"red": "rosi", "small": "mini", "old": "vani", "bright": "luma"}
    verbs = {"sees": "vidit", "follows": "sekit", "finds": "trovat", "loves": "amat"}

    def noun_phrase() -> tuple[str, str]:
        noun = random.choice(list(nouns))
        article, mark = ("the", "lo") if random.random() < 0.5 else ("a", "un")
        if random.random() < 0.5:
            return f"{article} {noun}", f"{mark} {nouns[noun]}"
        colour = random.choice(list(colours))
        return f"{article} {colour} {noun}", f"{mark} {nouns[noun]} {colours[colour]}"

    pairs: set[tuple[str, str]] = set()
    while len(pairs) < 2500:
        (subject, sujeto), (thing, objeto), verb = noun_phrase(), noun_phrase(), random.choice(list(verbs))
        pairs.add((f"{subject} {verb} {thing}", f"{sujeto} {objeto} {verbs[verb]}"))
    first, *rest = random.permutation(sorted(pairs))  # files of pairs usually have no header
    write_csv(folder / "phrases.tsv", first, rest, delimiter="\t")


def tunes(folder: Path, random: Random) -> None:
    """Tunes as letters in three named styles, which differ in their steps and in their rhythm."""
    scales = {"march": "CEGc", "lullaby": "EDCDEG", "blues": "CEFGBc"}
    rhythms = {"march": ["", "", "2", ""], "lullaby": ["2", ""], "blues": ["", "/", "", "/"]}
    rows = []
    for _ in range(900):
        style = str(random.choice(list(scales)))
        degree, notes = 0, []
        for step in range(16):
            notes.append(scales[style][degree] + rhythms[style][step % len(rhythms[style])])
            degree = int(np.clip(degree + random.choice([-1, 1]), 0, len(scales[style]) - 1))
            notes.append(" |" if step % 4 == 3 else "")
        rows.append([style, " ".join("".join(notes).split()).replace("|", "| ").strip()])
    write_csv(folder / "tunes.csv", ["style", "tune"], rows)


def flats(folder: Path, random: Random) -> None:
    """Flats with their rent: a vector of features and a number per row, without time."""
    rows = []
    for _ in range(600):
        area, age, floor = random.uniform(25, 120), random.integers(0, 90), random.integers(0, 8)
        district = random.choice(["harbour", "hill", "centre"])
        price = {"harbour": 14, "hill": 11, "centre": 17}[str(district)]
        rent = 150 + price * area * (1 - 0.004 * age) + 12 * floor + random.normal(0, 40)
        rows.append([round(area, 1), age, floor, district, round(rent)])
    write_csv(folder / "flats.csv", ["area", "age", "floor", "district", "rent"], rows)


def pendulum(folder: Path, random: Random) -> None:
    """A swinging pendulum, seen for 80 steps, and its period. NumPy arrays [n, time, features]."""
    arrays: dict[str, np.ndarray] = {}
    for part, count in (("train", 300), ("test", 100)):
        period = random.uniform(8, 30, count)
        angle = 2 * np.pi * (np.arange(80) / period[:, None] + random.random((count, 1)))
        heights = np.exp(-np.arange(80) / 60) * np.sin(angle) + random.normal(0, 0.1, (count, 80))
        arrays |= {f"x_{part}": heights[:, :, None].astype(np.float32), f"y_{part}": period.astype(np.float32)}
    np.savez(folder / "pendulum.npz", **arrays)


def clips(folder: Path, random: Random) -> None:
    """Video clips of a square that moves to the left or to the right (only where PyAV is installed)."""
    try:
        import av
    except ImportError:
        print("clips: left out, since PyAV is not installed")
        return
    for kind, direction in (("left", -1), ("right", 1)):
        (folder / "clips" / kind).mkdir(parents=True, exist_ok=True)
        for number in range(12):
            with av.open(str(folder / "clips" / kind / f"{number:02}.mp4"), "w") as container:
                stream = container.add_stream("mpeg4", rate=8)
                stream.width = stream.height = 64
                top, start = random.integers(8, 40), random.integers(0, 8)
                for step in range(12):
                    picture = np.full((64, 64, 3), 40, np.uint8)
                    left = start + 3 * step if direction > 0 else 48 - start - 3 * step
                    picture[top : top + 14, left : left + 14] = (230, 200, 90)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
                container.mux(stream.encode())


KINDS: dict[str, Callable[[Path, Random], None]] = {
    made.__name__: made
    for made in (
        *(pulses, activities, sites, reviews, entities, demand, sales, heart),
        *(sounds, morse, phrases, tunes, flats, pendulum, clips),
    )
}


def write_csv(path: Path, names: list[str], rows: Iterable[Iterable[object]], delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def write_wav(path: Path, tone: np.ndarray, rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32767 * tone.clip(-1, 1)).astype("<i2").tobytes())


def make(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        KINDS[name](folder, np.random.default_rng(0))
        print(f"{name}: {(KINDS[name].__doc__ or '').splitlines()[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", choices=list(KINDS), default=list(KINDS))
    options = parser.parse_args()
    make(options.folder, options.only)


if __name__ == "__main__":
    main()
