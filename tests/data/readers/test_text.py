import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.text import find_text_files, read_blocks
from unrolled.errors import UserError

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text") / "text.txt"


@given(text=TEXT, size=st.integers(1, 9))
def test_blocks_join_to_the_text(scratch: Path, text: str, size: int) -> None:
    scratch.write_bytes(text.encode())
    assert "".join(read_blocks(scratch, size=size)) == text.removeprefix("\ufeff")


@given(text=TEXT, size=st.integers(1, 9), data=st.data())
def test_a_range_is_read_as_a_slice(scratch: Path, text: str, size: int, data: st.DataObject) -> None:
    text = "x" + text  # no byte order mark
    scratch.write_bytes(text.encode())
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    offsets = [len(text[:position].encode()) for position in (start, stop)]
    assert "".join(read_blocks(scratch, *offsets, size=size)) == text[start:stop]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
@pytest.mark.parametrize("start", [0, 4])
def test_first_bad_byte_is_named(tmp_path: Path, size: int, start: int) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("gut\nschön\n".encode() + "größer\n".encode("latin-1") + b"\xff\n")
    with pytest.raises(UserError, match=r"latin\.txt.*byte 0xf6 at offset 13 \(line 3\).*iconv"):
        list(read_blocks(path, start=start, size=size))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_file_that_ends_inside_a_character(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.txt"
    path.write_bytes("ab\n🙂".encode()[:-1])
    with pytest.raises(UserError, match=r"byte 0xf0 at offset 3 \(line 2\)"):
        list(read_blocks(path, size=size))


def test_line_ends_and_emoji_stay_and_a_byte_order_mark_goes(tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "a\r\nb\rc\n👩‍👩‍👧\r\n".encode())
    assert "".join(read_blocks(path, size=5)) == "a\r\nb\rc\n👩‍👩‍👧\r\n"


def test_a_folder_is_searched_in_order_without_hidden_empty_and_binary_files(tmp_path: Path) -> None:
    files = {"b.txt": b"b", "a/z.md": b"z", "a/y": b"y", ".hidden": b"h", ".git/config": b"g", "empty.txt": b""}
    files |= {"image.png": b"\x89PNG\r\n\x00\x00", "only-mark.txt": b"\xef\xbb\xbf"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    paths = find_text_files(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in paths] == ["b.txt", "a/y", "a/z.md"]
    assert find_text_files([tmp_path / "a", tmp_path / "a" / "y"]) == paths[1:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"abc\0def", "NUL byte at offset 3"),
        ("hello".encode("utf-16"), "UTF-16, not UTF-8; convert it"),
    ],
)
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "file.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        find_text_files(str(path))
    assert str(path) in str(caught.value)


def test_nothing_given_and_folder_without_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no text was given"):
        find_text_files([])
    (tmp_path / "x.bin").write_bytes(b"\0")
    with pytest.raises(UserError, match="holds no text file"):
        find_text_files(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    path.chmod(0)
    with pytest.raises(UserError, match=r"secret\.txt cannot be read: permission denied"):
        find_text_files(path)
    tmp_path.chmod(0)
    try:
        with pytest.raises(UserError, match="cannot be read: permission denied"):
            find_text_files(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match="cannot be read: permission denied") as caught:
        find_text_files(tmp_path)
    assert str(tmp_path) in str(caught.value)
