"""The example of the TypeScript client's README, checked by tsc and run by Node as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from clients.generator.places import CLIENTS
from tests.scenarios.product import Product

FOLDER = CLIENTS / "typescript"
FAILING_ANSWERS = Path(__file__).with_name("failing_answers.ts")
PACKAGES = FOLDER / "node_modules"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed."),
    pytest.mark.skipif(
        not PACKAGES.is_dir(), reason="npm's packages are not here: `make clients`."
    ),
]


def run(*command: str, folder: Path) -> str:
    """What a program says that ends well."""
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def example(tmp_path: Path, product: Product) -> Path:
    """A package that uses the client as its README does."""
    for name in ("package.json", "openapi.json", "tsconfig.json", "src"):
        copy = shutil.copytree if (FOLDER / name).is_dir() else shutil.copy
        copy(FOLDER / name, tmp_path / name)
    shutil.copy(FAILING_ANSWERS, tmp_path / "src")
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    blocks = re.findall(
        r"^```ts\n(.*?)^```", (FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    typed = "\n".join(blocks).replace("http://127.0.0.1:8000", product.url)
    (tmp_path / "src" / "example.ts").write_text(typed.replace("fluxrate-client", "./index.js"))
    return tmp_path


def test_the_example_ends_with_a_paid_invoice_and_failures_are_survived(example: Path) -> None:
    run("npm", "run", "generate", folder=example)
    run("npm", "run", "build", folder=example)

    run("node", "dist/failing_answers.js", folder=example)
    said = run("node", "dist/example.js", folder=example)

    assert "So far: 82.45\n" in said
    assert re.search(r"Total +\$82\.45\n", said)
    assert "INV-2025-0001 PAID 82.45\n" in said
    assert "Together: Pay per call – A tenth of a cent each.\n" in said
    assert re.search(r"^Refused: 409 \w+ \S+$", said, re.MULTILINE)
