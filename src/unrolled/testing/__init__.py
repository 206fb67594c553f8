"""The public conformance suite; see `check_layer` and `check_model`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unrolled.testing.check import check_layer, check_model
    from unrolled.testing.failure import LawViolation

__all__ = ["LawViolation", "check_layer", "check_model"]


def __getattr__(name: str) -> Any:
    if name in ("check_layer", "check_model"):
        from unrolled.testing import check

        return getattr(check, name)
    if name == "LawViolation":
        from unrolled.testing.failure import LawViolation

        return LawViolation
    raise AttributeError(f"module 'unrolled.testing' has no attribute {name!r}")
