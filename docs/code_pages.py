"""A hook of MkDocs: links to the code, such as `../src/unrolled/cli/main.py`, lead to pages of the code.

So a link works both where the pages are read beside the code and where they are read as a site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"\]\((?:\.\./)+src/unrolled/([\w/]+)\.py\)")
BEGINNING = re.compile(r'(href="[./]*code/([\w/]+)\.html)(">(?:(?!</a>).)*</a>\s+<code>(\w+)</code>)')
"""A link to the code, and after it the function or class to begin reading at."""
PAGE = '---\nsearch:\n  exclude: true\n---\n\n# {name}.py\n\n``````python linenums="1"\n{source}``````\n'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file of the code that a page links to."""
    texts = [page.read_text(encoding="utf-8") for page in Path(config.docs_dir).rglob("*.md")]
    for name in sorted({match[1] for text in texts for match in LINK.finditer(text)}):
        content = PAGE.format(name=name, source=_source(config, name))
        page = File.generated(config, f"code/{name}.md", content=content, inclusion=InclusionLevel.NOT_IN_NAV)
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links lead to these pages."""
    folder = posixpath.dirname(page.file.src_uri)
    return LINK.sub(lambda match: f"]({posixpath.relpath(f'code/{match[1]}.md', folder)})", markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """And to the line at which the function begins: an anchor that MkDocs cannot check, since it is no heading."""

    def to_line(match: re.Match[str]) -> str:
        lines = _source(config, match[2]).splitlines()
        begins = next(n for n, line in enumerate(lines, 1) if re.match(rf"(def|class) {match[4]}\b", line))
        return f"{match[1]}#__codelineno-0-{begins}{match[3]}"

    return BEGINNING.sub(to_line, html)


def _source(config: MkDocsConfig, name: str) -> str:
    return (Path(config.docs_dir).parent / "src" / "unrolled" / f"{name}.py").read_text(encoding="utf-8")
