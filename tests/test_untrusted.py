"""JSON and YAML of strangers: bounded in depth and size, and of the types that a class declares."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from unrolled.errors import UserError
from unrolled.untrusted import DEEPEST, parse_json, parse_yaml, read_text, sound, typed


@pytest.mark.parametrize("parse", [parse_json, parse_yaml])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a": ', "}")])
def test_depth(parse: Any, left: str, right: str) -> None:
    def nested(depth: int) -> str:
        return left * depth + "1" + right * depth

    value = parse(nested(DEEPEST))
    for _ in range(DEEPEST):
        value = value[0] if isinstance(value, list) else value["a"]
    assert value == 1
    for depth in (DEEPEST + 1, 5_000):
        with pytest.raises(ValueError, match="more than 100 deep"):
            parse(nested(depth))


def test_a_yaml_text_of_references_to_references() -> None:
    lines = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    with pytest.raises(ValueError, match="references stand for more than"):
        parse_yaml("\n".join(lines))
    assert parse_yaml("a: &a [1]\nb: *a") == {"a": [1], "b": [1]}


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\uDFFF": 1}', '["a\\ud83d"]'])
def test_half_a_character(text: str) -> None:
    with pytest.raises(ValueError, match="half a character"):
        parse_json(text)


def test_whole_characters_stay() -> None:
    assert parse_json('["\\ud83d\\ude00", "é", "\\\\ud800"]') == ["😀", "é", "\\ud800"]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(1 << 29)
    with pytest.raises(ValueError, match="537 MB are more than such a file can hold"):
        read_text(path)


class Inner(NamedTuple):
    sizes: tuple[int, ...]


@dataclass
class Outer:
    kind: Literal["a", "b"]
    share: float
    inner: Inner | None = None
    names: dict[str, list[str]] | None = None


def test_types() -> None:
    good = Outer("a", 1, Inner((1, 2)), {"x": ["y"]})
    assert typed(good) is good
    wrong: list[Any] = [
        Outer("c", 1.0),  # type: ignore[arg-type]
        Outer("a", True),
        Outer("a", "1"),  # type: ignore[arg-type]
        Outer("a", 1.0, Inner((1, "2"))),  # type: ignore[arg-type]
        Outer("a", 1.0, names={"x": "y"}),  # type: ignore[dict-item]
    ]
    for value in wrong:
        with pytest.raises(ValueError, match="expected"):
            typed(value)


def test_whatever_content_raises_is_one_sentence() -> None:
    with (
        pytest.raises(UserError, match=r"^the file is damaged: it lacks 'kind'; train again$"),
        sound("the file is damaged", "train again"),
    ):
        {}["kind"]
    with pytest.raises(UserError, match=r"^a word of our own$"), sound("the file is damaged", "train again"):
        raise UserError("a word of our own")
    with pytest.raises(KeyboardInterrupt), sound("the file is damaged", "train again"):
        raise KeyboardInterrupt
