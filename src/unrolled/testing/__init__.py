"""The public conformance suite; see `check_layer`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unrolled.testing.check import check_layer
    from unrolled.testing.failure import LawViolation

__all__ = ["LawViolation", "check_layer"]


def __getattr__(name: str) -> Any:
    if name == "check_layer":
        from unrolled.testing.check import check_layer

        return check_layer
    if name == "LawViolation":
        from unrolled.testing.failure import LawViolation

        return LawViolation
    raise AttributeError(f"module 'unrolled.testing' has no attribute {name!r}")
