"""The examples of the Python client's README and of guides, typed in as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from clients.generator.places import CLIENTS
from tests.clients.guides import GUIDES, printed_by, program_of, quickstart_in
from tests.scenarios.product import Product

README = CLIENTS / "python" / "README.md"


def test_the_example_ends_with_a_paid_invoice(
    product: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    page = README.read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = "\n".join(blocks).replace("http://127.0.0.1:8000", product.url)
    names: dict[str, Any] = {"__name__": "example"}

    exec(compile(typed, str(README), "exec"), names)

    said = capsys.readouterr().out
    assert "So far: 82.45\n" in said
    assert re.search(r"Total +\$82\.45\n", said)
    [ending] = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert ending in said
    assert re.search(r"^plan_exists \S+$|^duplicate\w* \S+$|^\w+ req\S+$", said, re.MULTILINE)
    assert re.search(r"^Refused: job-2 .*calls", said, re.MULTILINE)
    mended = [one for one in names["client"].usage.list() if one.idempotency_key == "job-2"]
    assert [str(one.quantity) for one in mended] == ["7"]
    assert "Together: Pay per call – A tenth of a cent each.\n" in said
    assert said.endswith("[]\n")


def test_the_quickstart_ends_with_a_paid_invoice(
    product: Product,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The tabs of docs/quickstart.md, one after the other."""
    monkeypatch.chdir(tmp_path)
    typed = quickstart_in("python").replace("http://127.0.0.1:8000", product.url)

    exec(compile(typed, "quickstart.md", "exec"), {"__name__": "quickstart"})

    said = capsys.readouterr().out
    assert re.search(r"^Harbor Labs$", said, re.MULTILINE)
    assert re.search(r"Total +\$82\.45\n", said)
    assert re.search(r"^INV-2025-0001 PAID 82\.45$", said, re.MULTILINE)
    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("guide", GUIDES)
def test_programs_of_guides_print_what_stands_below_them(
    guide: str, product: Product, tmp_path: Path
) -> None:
    said = printed_by(guide, program_of(guide, "python"), product, tmp_path)

    assert said == program_of(guide, "text").text.strip()
