"""Runs the commands of the guide's pages and writes what they print, and their pictures, into the pages.

python docs/write_guide.py FOLDER [PAGE...]: data and runs go to the folder, which is to be a new one. Takes minutes.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

from take_picture import take_picture

DOCS = Path(__file__).parent
PATTERNS = (
    *("sequences", "one-to-one", "many-to-one", "many-to-many-aligned", "many-to-many-shifted"),
    *("many-to-many-unaligned", "one-to-many"),
)
PICTURES = {
    "activities": "Confusion matrix",
    "demand": "A typical forecast",
    "entities": "Tagged examples",
    "flats": "Predicted against true values",
    "heart": "Events",
    "pendulum": "Predicted against true values",
    "phrases": "Attention",
    "tunes": "Learning curve",
}
"""By run: the heading of the picture in its report."""


def shown(printed: str) -> list[str]:
    """What a page shows of the lines that a command prints: of the training the beginning and the end."""
    lines = [line for line in printed.strip().splitlines() if not re.match(r"warning|.+ \d+% \| ", line)]
    validations = [line for line in lines if line.startswith("validation at step")]
    kept = [line for line in lines if line not in validations]
    end = next((index for index, line in enumerate(kept) if line.startswith("done")), len(kept))
    return [*kept[:end], "...", *validations[-1:], *kept[end:]] if end < len(kept) else kept


def run_page(page: Path, folder: Path) -> None:
    """Run the commands of a page in order, and put what they print in the place of what stands there."""
    written: list[Path] = []

    def console(text: str) -> str:
        lines = []
        for part in text.split("$ ")[1:]:
            command = part.splitlines()[0]
            done = subprocess.run(shlex.split(command), cwd=folder, stdout=PIPE, stderr=STDOUT, text=True, check=True)
            lines += [f"$ {command}", *shown(done.stdout)]
            output = re.search(r"-o (\S+\.csv)", command)
            written.extend([folder / output[1]] if output else [])
            name = re.search(r"--run runs/(\S+)", command)
            if name and name[1] in PICTURES:
                report = (folder / "runs" / name[1] / "report.html").read_text(encoding="utf-8")
                picture = take_picture(report, PICTURES[name[1]])
                (page.parent / "pictures" / f"{name[1]}.svg").write_text(picture, encoding="utf-8")
        return "\n".join(lines) + "\n"

    def table(text: str) -> str:
        if not written:
            return text
        count = len(text.splitlines())
        return "".join(written.pop().read_text(encoding="utf-8").splitlines(keepends=True)[:count])

    def block(match: re.Match[str]) -> str:
        language, text = match[1], match[2]
        text = console(text) if language == "console" else table(text) if language == "csv" else text
        return f"```{language}\n{text}```"

    old = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"^```(\w+)\n(.*?)^```$", block, old, flags=re.DOTALL | re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    workplace = Path(sys.argv[1])
    subprocess.run([sys.executable, DOCS.parent / "examples" / "make_data.py", workplace / "data"], check=True)
    for name in sys.argv[2:] or PATTERNS:
        run_page(DOCS / "guide" / f"{name}.md", workplace)
        print(f"wrote {name}.md")
