"""Write docs/results.md from the tables in benchmarks/results/, each below the command that measures it again."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "families": "python benchmarks/families.py --data tiny-shakespeare.txt --time 3m --families lstm gru",
    "nanogpt_cpu": "python benchmarks/nanogpt_cpu.py --data tiny-shakespeare.txt --rounds 1",
    "carried_state_lstm": "python benchmarks/carried_state.py --data tiny-shakespeare.txt --seeds 3 --steps 3000",
    "carried_state_records_gru": "python benchmarks/carried_state_records.py --data DATA --steps 800",
    "wikitext_lstm": "python benchmarks/wikitext_lstm.py --data wikitext-2/ --steps 500",
    "quality": "python benchmarks/quality.py --data DATA",
    "startup": "python benchmarks/startup.py",
    "live": "python benchmarks/live.py --data DATA",
    "live_forecast": "python benchmarks/live_forecast.py",
}
"""By name of the result."""
HEAD = """# Results

Everything here was measured with a script in `benchmarks/`; each is run again by the command above its table. Times are
of one machine with two cores; ratios carry to others, absolute times do not.
"""


def page(results: Path) -> str:
    """The page, from the results there are."""
    parts = [HEAD]
    for name, command in COMMANDS.items():
        file = results / f"{name}.md"
        if file.is_file():
            head, _, body = re.sub(r"^# ", "## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE).partition("\n")
            parts.append(f"{head}\n\n```sh\n{command}\n```\n{body}")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "results.md").write_text(page(ROOT / "benchmarks" / "results"), encoding="utf-8")
