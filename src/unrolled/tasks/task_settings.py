"""Which settings a task has. Light: no torch."""

from unrolled.settings import settings_in
from unrolled.tasks.task import task_named
from unrolled.training.applicable import CONFIGS


def settings_of(name: str) -> frozenset[str]:
    """The settings, without their group, that do something for a task: with some family, on some data."""
    kinds = frozenset(task_named(name).input_kinds)
    return frozenset(
        key
        for config in CONFIGS.values()
        for key, setting in settings_in(config).items()
        if setting.fits(task=name, inputs=kinds)
    )
