"""Every kind of document in every language before veraPDF: PDF/A-3b and PDF/UA-1, or exit 1.

``make documents`` runs it. It needs Java and Maven, which fetches the judge: so it is no part of
the suite, which checks that each file claims both standards and has its structure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from billing.invoicing.kinds import DocumentLanguage
from services.documents.pdf import render_pdf
from tests.services.documents.einvoice.kinds import kinds
from tests.services.documents.samples import samples

PROJECT: Final = Path(__file__).parent / "verapdf.xml"
FLAVOURS: Final = ("3b", "ua1")


def main() -> int:
    """How many files fail."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_samples(Path(folder))
        jars = fetch_judge(Path(folder) / "jars")
        verdicts = [line for flavour in FLAVOURS for line in judge(jars, flavour, files)]
    failed = len(FLAVOURS) * len(files) - sum(line.startswith("PASS ") for line in verdicts)
    sys.stdout.write("\n".join(line for line in verdicts if not line.startswith("PASS ")))
    sys.stdout.write(f"{len(files)} documents, {len(FLAVOURS)} standards: {failed} failed\n")
    return failed


def write_samples(folder: Path) -> list[Path]:
    """The samples, and every kind that the rules of e-invoices judge, as files."""
    files = []
    for name, document in (samples() | kinds()).items():
        for language in DocumentLanguage:
            path = folder / f"{name.replace(' ', '-')}-{language}.pdf"
            path.write_bytes(render_pdf(replace(document, language=language)))
            files.append(path)
    return files


def fetch_judge(folder: Path) -> str:
    """The class path of veraPDF."""
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    _run("mvn", "-q", "-B", "-f", str(PROJECT), copy, f"-DoutputDirectory={folder}")
    return os.pathsep.join(str(path) for path in sorted(folder.glob("*.jar")))


def judge(jars: str, flavour: str, files: list[Path]) -> list[str]:
    """One line a file: PASS or FAIL, its path, the flavour."""
    command = ("java", "-cp", jars, "org.verapdf.apps.GreenfieldCliWrapper", "-f", flavour)
    answer = _run(*command, "--format", "text", *map(str, files), check=False)
    return [line for line in answer.splitlines() if line.startswith(("PASS ", "FAIL "))]


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(min(1, main()))
