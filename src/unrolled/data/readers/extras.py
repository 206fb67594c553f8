"""Packages that only some readers need, imported when such a file is read."""

import importlib
from typing import Any

from unrolled.errors import UserError


def need(module: str, *, extra: str, doing: str) -> Any:
    """The module `module`, which `unrolled[extra]` installs. Raises `UserError` with the command if it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise UserError(f'{doing} needs {error.name}: pip install "unrolled[{extra}]"') from None
