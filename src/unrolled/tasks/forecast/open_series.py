"""Files opened to forecast."""

from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.data.records import Notes, Source
from unrolled.tasks.choose_reading import choose_reading, open_reading


class Opened(NamedTuple):
    """Files opened to forecast."""

    sources: dict[str, Source]
    """by part: train, and valid and test where they are files of their own"""
    how: str
    notes: Notes


def open_for_forecast(files: list[str], data: DataConfig, task: str | None) -> Opened | None:
    """The files opened, if their task is to forecast: because the user says so, or because they suggest it.

    Raises `UserError` for files that cannot be read.
    """
    if task not in (None, "forecast"):
        return None
    choice = choose_reading(files, data, task)
    if choice.task != "forecast":
        return None
    opened = open_reading(choice, data)
    return Opened(opened.sources, opened.how, opened.notes)
