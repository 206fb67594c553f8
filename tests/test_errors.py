"""What a program that uses the package may catch."""

import pytest

from unrolled import LanguageModel
from unrolled.errors import UserError


def test_a_user_error_is_a_value_error():
    assert issubclass(UserError, ValueError)
    with pytest.raises(ValueError, match="the text is empty"):
        LanguageModel().fit("")
