"""Which task some files are for: the one that was named, or the one that they suggest."""

from typing import Any

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.task import Task, all_tasks, task_named


def choose_task(files: list[str], data: DataConfig, name: str | None) -> tuple[Task, Any]:
    """The task, and the files opened for it. Raises `UserError` for files that cannot be read or say nothing."""
    if name is not None:
        task = task_named(name)
        return task, task.open(files, data)
    for task in all_tasks():
        opened = task.suggested_by(files, data)
        if opened is not None:
            return task, opened
    raise UserError(f"cannot tell what there is to learn in {files[0]}; say it with --task")
