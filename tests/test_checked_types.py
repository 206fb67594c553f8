"""Types and shapes are checked while tests run, and only there can that be switched off."""

import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float
from torch import Tensor

from checked_types import has_shape, types_unchecked
from unrolled.formats import format_count
from unrolled.scoring.bootstrap import fold, stretches


def test_a_wrong_type_is_found() -> None:
    with pytest.raises(Exception, match=r"format_count.*unit.*7") as caught:
        format_count(3, unit=7)  # type: ignore[arg-type]
    assert "beartype" in type(caught.value).__module__
    with types_unchecked():
        assert "7" in format_count(3, unit=7)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="format_count"):
        format_count(3, unit=7)  # type: ignore[arg-type]


def test_a_wrong_shape_and_a_wrong_element_are_found() -> None:
    assert len(fold(3)) == 3
    for wrong in (np.zeros((2, 2), dtype=np.int64), np.zeros(2)):
        with pytest.raises(jaxtyping.TypeCheckError, match="lengths"):
            stretches(wrong)


def test_a_shape_is_found_wherever_it_is_written() -> None:
    array = Float[Tensor, "batch time"]
    for annotation in (array, array | None, tuple[array, int], dict[str, list[array]], "Later"):
        assert has_shape(annotation)
    for annotation in (int, str | None, tuple[Tensor, int], dict[str, list[float]]):
        assert not has_shape(annotation)
