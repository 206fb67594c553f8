"""The house keeps its own rules: rooms, pinned versions, light imports, pages that say what the code does."""

import ast
import itertools
import os
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from unrolled.tasks.task import TASKS

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

MAY_IMPORT = {
    "kernels": set(),
    "layers": {"kernels"},
    "objectives": {"kernels"},
    "models": {"layers", "objectives"},
    "data": set(),
    "scoring": set(),
    "training": {"models", "data", "layers", "objectives"},
    "reports": {"scoring"},
    "tasks": {"training", "reports", "scoring", "models", "data", "layers", "objectives"},
    "estimators": {"tasks", "training", "models", "data"},
    "testing": {"layers", "models"},
}
ROOMS = {*MAY_IMPORT, "cli"}


def lint_imports(source: Path, imports: set[tuple[str, str]]) -> subprocess.CompletedProcess:
    """Run the project's contracts on an otherwise empty package with the given imports between its rooms."""
    package = source / "unrolled"
    for room in ROOMS:
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
        (package / room / "target.py").write_text("import unrolled.errors\n")
    (package / "tasks" / "some").mkdir()
    for module in ("load", "some/__init__", "some/load", "some/predict", "some/stream", "some/trained"):
        (package / "tasks" / f"{module}.py").write_text("import unrolled.models.target\n")
    (package / "__init__.py").touch()
    (package / "errors.py").touch()
    for importer, imported in imports:
        (package / importer / f"uses_{imported}.py").write_text(f"import unrolled.{imported}.target\n")
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--config", ROOT / "pyproject.toml"],
        capture_output=True,
        text=True,
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "300"},
    )


def test_the_imports_of_the_room_table_are_allowed(tmp_path: Path) -> None:
    allowed = {(room, other) for room, others in MAY_IMPORT.items() for other in others}
    allowed |= {("cli", other) for other in ROOMS - {"cli"}}
    done = lint_imports(tmp_path, allowed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(MAY_IMPORT) + 1} kept, 0 broken" in done.stdout


def test_every_other_import_between_rooms_fails(tmp_path: Path) -> None:
    forbidden = {(room, other) for room, other in itertools.permutations(ROOMS, 2) if room != "cli"} - {
        (room, other) for room, others in MAY_IMPORT.items() for other in others
    }
    done = lint_imports(tmp_path, forbidden)
    assert done.returncode == 1, done.stdout + done.stderr
    reported = set(re.findall(r"unrolled\.(\w+)\.uses_\w+ -> unrolled\.(\w+)\.target", done.stdout))
    assert reported == forbidden


def test_streaming_never_brings_in_the_training_stack(tmp_path: Path) -> None:
    done = lint_imports(tmp_path, {("models", "training"), ("tasks", "models")})
    (tmp_path / "unrolled" / "models" / "target.py").write_text("import unrolled.models.uses_training\n")
    again = subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--config", ROOT / "pyproject.toml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"},
    )
    assert "streaming never brings in the training stack KEPT" in done.stdout
    assert "streaming never brings in the training stack BROKEN" in again.stdout


def test_every_room_has_its_contract() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "unrolled").glob("*/__init__.py")}
    assert rooms == ROOMS, "a new room needs a contract in pyproject.toml and a line in MAY_IMPORT"


def requirements(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """All distributions that one needs here, however indirectly."""
    needed: set[str] = set()
    waiting = [(name, extras)]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            wanted = [{"extra": extra} for extra in ("", *extras)]
            if requirement.marker is None or any(requirement.marker.evaluate(extra) for extra in wanted):
                needed.add(canonicalize_name(requirement.name))
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return needed


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): pinned for name, pinned in pins}


def test_constraints_pin_every_dependency() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    installed = set()
    for lines in (*extras.values(), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]):
        for requirement in map(Requirement, lines):
            installed.add(canonicalize_name(requirement.name))
    installed.discard("unrolled")  # the extra `dev` takes the other extras in by name
    present = {name for name in installed if _is_installed(name)}
    needed = set().union(present, *(requirements(name) for name in present))
    needed = (needed | requirements("unrolled")) - {"unrolled"}
    assert sorted(needed - constraints().keys()) == []
    assert sorted(installed - constraints().keys()) == []


def test_constraints_are_what_is_installed_here() -> None:
    pins = constraints()
    assert pins["torch"] == "2.13.0"
    differing = {
        name: version(name) for name in pins if _is_installed(name) and version(name).split("+")[0] != pins[name]
    }
    assert differing == {}
    assert "://" not in (ROOT / "constraints.txt").read_text()


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


PRIVATE = {
    "torch": {"_is_avx512_bf16_supported", "_is_amx_tile_supported", "_non_persistent_buffers_set"},
    "sacrebleu": {"_extract_corpus_statistics", "_compute_score_from_stats"},
}
"""What is used of other packages that they do not promise: nothing else, and only of versions that are known."""


def test_private_parts_of_other_packages_are_few_and_bounded() -> None:
    own, used = {"_replace", "_asdict", "_fields", "_make"}, set()  # of named tuples
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                own.add(node.id if isinstance(node, ast.Name) else node.attr)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("unrolled"):
                used |= {name for alias in node.names for name in (*node.module.split("."), alias.name)}
    foreign = {name for name in used - own if name.startswith("_") and not name.startswith("__")}
    assert foreign == set().union(*PRIVATE.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in (*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())):
        requirement = Requirement(line)
        if requirement.name in PRIVATE:
            assert any(bound.operator == "<" for bound in requirement.specifier), line


def test_importing_the_package_is_light() -> None:
    script = "import sys, unrolled; print({'torch', 'numpy', 'yaml', 'accelerate'} & set(sys.modules) or 'light')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "light\n"


@pytest.mark.parametrize("module", ["models.config", "data.config", "training.config", "cli.options", "errors"])
def test_configs_do_not_import_torch(module: str) -> None:
    script = f"import sys, unrolled.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_the_pages_of_options_are_current() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "write_cli_reference.py"))
    for name, written in script["PAGES"].items():
        assert (script["FOLDER"] / name).read_text(encoding="utf-8") == written(), (
            "the options have changed: run python docs/write_cli_reference.py"
        )


def test_every_page_is_in_the_menu_and_every_entry_is_a_page() -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    menu = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert pages == menu


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")


@pytest.mark.slow
@pytest.mark.parametrize("check", ["check_layer", "check_model"])
def test_the_layer_and_the_model_in_the_guide_keep_the_laws(check: str) -> None:
    page = (ROOT / "docs" / "guide" / "layers.md").read_text()
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"import {check}\n" in block)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == re.findall(
        r"^\| (\w+) \| [^|]+ \|$", page, re.M
    )[1:]


def test_the_walk_through_the_house_goes_where_it_says() -> None:
    page = (ROOT / "docs" / "follow-one-run.md").read_text()
    links = re.findall(r"\[`([\w/]+\.py)`\]\(\.\./src/unrolled/([\w/]+\.py)\)(?:\s+`(\w+)`)?", page)
    assert len(links) > 20
    for path, target, name in links:
        assert path == target
        source = (ROOT / "src" / "unrolled" / path).read_text()
        assert not name or re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), f"{path} has no {name}"
    for kind, method in re.findall(r"`(\w+)\.(\w+)`", page):
        if kind[0].isupper():
            homes = [path for path in (ROOT / "src").rglob("*.py") if f"class {kind}" in path.read_text()]
            assert any(f"def {method}(" in home.read_text() for home in homes), f"no {kind}.{method}"


OTHER_MEANINGS = {
    "data/readers/column_roles.py": {"tag"},  # names of columns
    "data/readers/header.py": {"tag"},
    "data/readers/slot_files.py": {"tag"},
    "reports/forecast.py": {"forecast"},  # a word in the key of a picture
    "cli/demo.py": {"language"},  # what the demo trains
}


def test_no_file_outside_the_tasks_names_a_task() -> None:
    """Estimators and the help of settings excepted."""
    excepted = ("tasks/", "estimators/", "data/config.py", "models/config.py", "training/config.py")
    named = {}
    for path in (ROOT / "src" / "unrolled").rglob("*.py"):
        file = path.relative_to(ROOT / "src" / "unrolled").as_posix()
        if not file.startswith(excepted):
            words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
            named[file] = (words & set(TASKS)) - OTHER_MEANINGS.get(file, set())
    assert {file: words for file, words in named.items() if words} == {}


def test_data_asks_for_no_task_and_advises_none() -> None:
    """The settings in `data/config.py`, which say whom they are for, are excepted."""
    asking = {}
    for path in (ROOT / "src" / "unrolled" / "data").rglob("*.py"):
        if path.name == "config.py":
            continue
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        asked = ["task" for node in nodes if isinstance(node, ast.Attribute) and node.attr == "task"]
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        asking[path.name] = asked + [text for text in texts if "--task" in text]
    assert {name: words for name, words in asking.items() if words} == {}
