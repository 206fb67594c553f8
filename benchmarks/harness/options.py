"""The options every benchmark has, and the text it works on."""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

QUICK_CHARACTERS = 40_000


def parser(description: str | None) -> argparse.ArgumentParser:
    """`--data`, `--quick` and `--write`; a script adds its own."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    options.add_argument("--data", type=Path, help="text to work on (default: the texts of Python's help())")
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help="also write the table into benchmarks/results/")
    return options


@contextlib.contextmanager
def workplace(data: Path | None, *, quick: bool) -> Iterator[tuple[Path, Path]]:
    """A temporary folder for everything a benchmark writes, and the text.

    Without `data` the text is that of `pydoc_data.topics`, which every Python has; its first part if it is to be quick.
    """
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as name:
        folder = Path(name)
        if data is None:
            from pydoc_data.topics import topics

            text = "\n\n".join(topics[topic].strip() for topic in sorted(topics)) + "\n"
            data = folder / "python-topics.txt"
            data.write_text(text[:QUICK_CHARACTERS] if quick else text, encoding="utf-8")
        elif not data.exists():
            raise SystemExit(f"--data {data} does not exist; give the path of a text")
        yield folder, data
