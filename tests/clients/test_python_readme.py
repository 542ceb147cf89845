"""The example of the Python client's README, typed in as it stands there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clients.generator.places import CLIENTS
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
