"""Names from the data that are markup, HTML, escapes of a terminal or lines: they are shown, and do nothing."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from small_record_runs import train_small
from unrolled.cli.main import main
from unrolled.visible import markdown, visible

NAMES = [
    "text<script>alert(1)</script>",
    "a\n# A heading\n\n<img src=x onerror=alert(1)>",
    "b\n---\nlibrary_name: other\n---",
    "[bold red]c[/bold red] [link](http://evil.example)",
    "\x1b[2J\x1b[31md\x07",
    "`e` **f** _g_ | h | ![i](j) <!-- --> &lt; $k$",
    "l\u2028m\u202en\x85o",
]


class Tags(HTMLParser):
    """The tags of a page, and whether any holds what a name brought."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        if any(name.startswith("on") for name, _ in attrs):
            self.scripts.append(tag)


def write_table(path: Path, names: list[str]) -> Path:
    """A number in each column, and classes of the same names."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    rows = [
        ",".join([*(f"{(number * 7 + column * 3) % 11 / 4}" for column in range(len(names))), quoted[number % 2]])
        for number in range(40)
    ]
    path.write_text("\n".join([",".join([*quoted, '"the\x1b]0;class"']), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    file = write_table(folder / "table [b]\x1b[2J<i>.csv", NAMES)
    return train_small([file], folder / "run", "classify", target="the\x1b]0;class")


def dangerous(text: str) -> list[str]:
    """What a terminal or a reader of lines would act on."""
    return re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one column of words, whose name is all of the names."""
    folder = tmp_path_factory.mktemp("written")
    words = [f"{['good', 'bad'][n % 2]} word number {n % 7}" for n in range(40)]
    name = " ".join(NAMES)
    rows = [f"{text},{n % 2 + n / 8}" for n, text in enumerate(words)]
    (folder / "table.csv").write_text("\n".join([f'"{name}","price {name}"', *rows]) + "\n", encoding="utf-8")
    return train_small([folder / "table.csv"], folder / "run", "regress", target=f"price {name}")


@pytest.mark.parametrize("which", ["run", "written"])
def test_the_card(which: str, request: pytest.FixtureRequest) -> None:
    task = "classify" if which == "run" else "regress"
    run = request.getfixturevalue(which)
    text = (run / "best/README.md").read_text(encoding="utf-8")
    assert not dangerous(text)
    assert "<" not in re.sub(r"```.*?```", "", text, flags=re.S)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [f"# A model that can {task} (gru)"]
    head = text.split("---\n")[1]
    assert yaml.safe_load(head) == {"library_name": "unrolled", "tags": ["sequence-model", task, "gru"]}
    assert text.count("\n---\n") == 1
    assert ("text&lt;script>alert(1)&lt;/script>" in text) is (which == "written")
    assert "](" not in text.replace("\\](", "")


@pytest.mark.parametrize("which", ["run", "written"])
def test_the_report(which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which)
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Tags()
    page.feed(text)
    assert not page.found & {"script", "img", "a", "iframe"}
    assert not page.scripts
    assert "alert(1)" in text  # it is there, as text


@pytest.mark.parametrize("which", ["run", "written"])
def test_the_log(which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which)
    text = (run / "log.txt").read_text(encoding="utf-8")
    assert not dangerous(text)
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in text.split("\n") if line)


@pytest.mark.parametrize("verb", ["evaluate", "predict", "init"])
def test_the_terminal(verb: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run, tmp_path / "run")
    file = write_table(tmp_path / "table\x1b[2J\nx.csv", NAMES)
    last = ["-o", str(tmp_path / "out.csv")] if verb == "predict" else []
    arguments = {"init": [str(file), "--data.target", "the\x1b]0;class", "--output", str(tmp_path / "made.yaml")]}
    assert main([verb, *arguments.get(verb, [str(tmp_path / "run"), str(file), *last])]) == 0
    output = capsys.readouterr()
    assert not dangerous(output.out + output.err)
    assert len(output.out.splitlines()) < 12
    if verb == "init":
        text = (tmp_path / "made.yaml").read_text(encoding="utf-8")
        comments = [line for line in text.splitlines() if line.startswith("#")]
        assert not dangerous("\n".join(comments))
        assert yaml.safe_load(text)["files"] == [str(file)]


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "no\x1b[2J[bold]\nfile\u202e")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not dangerous(error)
    assert "[bold]" in error


@pytest.mark.parametrize("text", ["plain words, 1.5 and naïve_name", "日本語 😀", "tab\there"])
def test_ordinary_text_stays(text: str) -> None:
    assert visible(text) == text
    assert markdown(text) == text


def test_escapes() -> None:
    assert visible("a\n\x1b\x85\u202e\ud800") == r"a\n\x1b\x85\u202e\ud800"
    assert markdown("a<b> & *c* [d](e) _f_ g_h `i`") == (r"a&lt;b> &amp; \*c\* \[d\](e) \_f\_ g_h \`i\`")
