"""What MkDocs is told to do besides: the reference is made, and links that leave docs/ find their files.

`mkdocs.yml` names this file. Pages here are also read where the repository is shown, so their links go by the
places of the repository (`../bench/results/...`); in the site, files that are linked so lie beside the pages.
There, too, a bar of code in a table has a backslash before it, which MkDocs would show.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import commands
import reference

ROOT = Path(__file__).parents[2]
CODE_IN_TABLE = re.compile(r"^\|.*`.*$", flags=re.MULTILINE)
OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")


def on_files(files: Files, *, config: Any) -> Files:
    for place, text in {**reference.pages(), commands.PLACE: commands.page()}.items():
        files.append(File.generated(config, place, content=text))
    linked = {place for page in files.documentation_pages() for place in OUTSIDE.findall(page.content_string)}
    for place in sorted(linked):
        if (ROOT / place).is_file() and files.get_file_from_path(place) is None:
            files.append(File.generated(config, place, abs_src_path=str(ROOT / place)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    if "/" in page.file.src_uri:
        return markdown
    return CODE_IN_TABLE.sub(lambda found: found[0].replace(r"\|", "|"), OUTSIDE.sub(r"](\1", markdown))
