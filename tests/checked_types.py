"""Annotations are checked at run time, and shapes where one is written: elsewhere, to bind the arguments of every call
for them would cost several times as much as the check."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import jaxtyping
from beartype import beartype

_with_shapes = jaxtyping.jaxtyped


def check_types_quickly() -> None:
    """To be called before the first import of what `--jaxtyping-packages` names."""
    jaxtyping.jaxtyped = _checked


@contextlib.contextmanager
def types_unchecked() -> Iterator[None]:
    """Within, nothing is checked: for many calls of what other calls have checked."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def _checked(*, typechecker: Any) -> Callable[[Any], Any]:
    def decorate(given: Any) -> Any:
        if not inspect.isfunction(given) or any(map(has_shape, given.__annotations__.values())):
            return _with_shapes(given, typechecker=typechecker)
        checked = beartype(given)

        @functools.wraps(given)
        def call(*args: Any, **settings: Any) -> Any:
            return (given if jaxtyping.config.jaxtyping_disable else checked)(*args, **settings)

        return call

    return decorate


def has_shape(annotation: Any) -> bool:
    """Whether there is a shape anywhere in it; of one that is still a text nobody knows."""
    if isinstance(annotation, str) or (inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray)):
        return True
    return any(map(has_shape, get_args(annotation)))
