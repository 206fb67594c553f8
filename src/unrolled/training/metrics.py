"""metrics.jsonl: one JSON object per line for everything measured in a run; and TensorBoard beside it."""

import contextlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.atomic import cannot_write, write_atomically
from unrolled.errors import UserError
from unrolled.untrusted import fits, parse_json

Record = Mapping[str, Any]


class MetricsLog:
    """Appends records to `metrics.jsonl`, each flushed at once, so that a kill loses at most the line being written.

    Every record has a `kind` (such as `train` or `validation`) and a `step`. With `resume_step`, records of later steps
    are removed first, and a torn last line too: a resumed run writes them again, and the file ends up as that of a run
    that was never cut off, up to measured times. Numbers that are not finite are written as null.

    Raises `UserError` if the file cannot be written or holds a line that is not JSON.
    """

    def __init__(self, path: Path, *, resume_step: int | None = None) -> None:
        self.path = path
        if resume_step is not None and path.exists():
            kept = [record for record in read_metrics(path) if record["step"] <= resume_step]
            write_atomically(path, "".join(_line(record) for record in kept))
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise cannot_write(path, error) from error

    def write(self, record: Record) -> None:
        """Append one record."""
        try:
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):  # every record was flushed; a refused one was reported then
            self._file.close()

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a `metrics.jsonl`, in order. A last line that was cut off is left out.

    Raises `UserError` if another line is not a record.
    """
    lines = path.read_bytes().split(b"\n")[:-1]  # the last piece is empty, or a torn line
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = parse_json(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not fits(record.get("step"), int):
            raise UserError(
                f"{path}, line {number}, is not a JSON object with a step; remove that line to go on: {line[:60]!r}"
            )
        records.append(record)
    return records


class TensorBoardLog:
    """Writes the same records as TensorBoard scalars, one curve per kind and field.

    Raises `UserError` if TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, resume_step: int | None = None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                "--train.tensorboard needs TensorBoard, which is not installed; "
                'run: pip install "unrolled[tensorboard]"'
            ) from error
        purge = None if resume_step is None else resume_step + 1
        self._writer = SummaryWriter(str(folder), purge_step=purge)

    def write(self, record: Record) -> None:
        """Add the numbers of one record."""
        for name, value in record.items():
            if name not in ("kind", "step") and isinstance(value, int | float) and math.isfinite(value):
                self._writer.add_scalar(f"{record['kind']}/{name}", value, record["step"])
        self._writer.flush()

    def close(self) -> None:
        """Write out and close."""
        self._writer.close()


def _line(record: Record) -> str:
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    return json.dumps(clean, ensure_ascii=False, allow_nan=False) + "\n"
