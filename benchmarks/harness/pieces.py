"""Tables of experiments that are made piece by piece: their options, and what is kept from one run to the next."""

import argparse
import json
from pathlib import Path
from typing import Any

Lines = dict[str, dict[str, list[str]]]
"""By data set and candidate: the line of the table."""


def options_of(doc: str | None, *, data: str, table: str) -> argparse.ArgumentParser:
    """The options that such scripts have in common; `data` and `table` say what is read and where it is written."""
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help=data)
    options.add_argument("--only", nargs="+", metavar="WORD", help="data sets whose name contains one of these words")
    options.add_argument("--candidates", nargs="+", metavar="NAME", help="some of the candidates")
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help=f"also write the table into {table}")
    return options


def is_wanted(name: str, chosen: Any) -> bool:
    """Whether a data set is among those of `--only`."""
    return chosen.only is None or any(word.lower() in name.lower() for word in chosen.only)


def wanted_of(candidates: dict[str, Any], chosen: Any) -> list[str]:
    """The candidates of `--candidates`; of a quick look the first two."""
    wanted = [candidate for candidate in candidates if candidate in (chosen.candidates or candidates)]
    return wanted[:2] if chosen.quick else wanted


def read_kept(file: Path, chosen: Any) -> Lines:
    """What was written before, to go on with."""
    if chosen.write and not chosen.quick and file.is_file():
        kept: Lines = json.loads(file.read_text())
        return kept
    return {}


def keep(file: Path, known: Lines, chosen: Any, *, name: str, candidate: str, line: list[str]) -> None:
    """Add a line, print it, and with `--write` keep it."""
    known.setdefault(name, {})[candidate] = line
    print(" | ".join(line), flush=True)
    if chosen.write and not chosen.quick:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(known, indent=1) + "\n")
