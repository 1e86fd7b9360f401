"""The pages of the site that are files elsewhere: a hook of MkDocs, named in mkdocs.yml.

README.md, CONTRIBUTING.md, CHANGELOG.md and configs/base.yaml stay where a reader of the repository
looks for them. Links to files that the site does not hold become plain text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
MADE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "settings.md": "configs/base.yaml",
}
"""Page of the site -> file of the repository."""
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    from mkdocs.structure.files import File

    for page, source in MADE.items():
        text = (ROOT / source).read_text("utf-8")
        if source.endswith(".yaml"):
            text = f"# Settings\n\n```yaml\n{text}```\n"
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have each link lead to a page of the site."""
    here = page.file.src_uri
    names = [file.src_uri for file in files]
    return relinked(markdown, MADE.get(here, f"docs/{here}"), here, names)


def relinked(markdown: str, source: str, page: str, names: list[str]) -> str:
    """Return the text of the file `source`, shown as `page`, with links to the files `names`."""
    pages = {source: page for page, source in MADE.items()}

    def replace(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        name = pages.get(file, file.removeprefix("docs/") if file.startswith("docs/") else "")
        if name not in names:
            return text if (ROOT / file).exists() else match[0]  # MkDocs complains of the latter
        return f"[{text}]({posixpath.relpath(name, posixpath.dirname(page) or '.')}{anchor})"

    return _LINK.sub(replace, markdown)
