"""Builds the documentation's site: ``python -m tests.docs.site.build`` writes it into ``site``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import DOCS
from tests.docs.site.for_models import write_texts
from tests.docs.site.generated import write_reference

ROOT = DOCS.parent
REST_OF_FOLDER = re.compile(r'^( *)"([a-z/]+)/\*",$', re.MULTILINE)


def build(target: Path) -> str:
    """The site lies in ``target``, which was empty or missing. What the builder says.

    Links and anchors that lead nowhere are refused.
    """
    with tempfile.TemporaryDirectory(prefix="fluxrate-site-") as directory:
        place = Path(directory)
        shutil.copytree(DOCS, place / "docs")
        write_reference(place / "docs" / "reference")
        settings = navigation(place / "docs")
        (place / "zensical.toml").write_text(settings)
        done = subprocess.run(
            [Path(sys.executable).with_name("zensical"), "build", "--strict"],
            cwd=place,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        write_texts(place / "docs", settings, place / "site")
        shutil.move(place / "site", target)
        return done.stdout


def navigation(docs: Path) -> str:
    """The site's settings, with the pages of folders in the place of their stars."""
    text = (ROOT / "zensical.toml").read_text()

    def name_rest(found: re.Match[str]) -> str:
        names = (page.relative_to(docs).as_posix() for page in docs.glob(f"{found[2]}/*.md"))
        return "\n".join(
            f'{found[1]}"{name}",' for name in sorted(names) if f'"{name}"' not in text
        )

    return REST_OF_FOLDER.sub(name_rest, text)


def main() -> None:
    """Replace what lies in ``site``."""
    target = ROOT / "site"
    shutil.rmtree(target, ignore_errors=True)
    sys.stdout.write(build(target))


if __name__ == "__main__":
    main()
