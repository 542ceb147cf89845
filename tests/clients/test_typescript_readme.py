"""The examples of the TypeScript client's README and of guides, checked by tsc and run by Node."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.document.webhooks import read_told
from billing.notifications.signatures import sign, signing_secret
from clients.generator.places import CLIENTS
from tests.clients.guides import GUIDES, printed_by, program_of, quickstart_in
from tests.clients.sampled import asked, compared, expected, samples, typescript_program
from tests.scenarios.product import Product

FOLDER = CLIENTS / "typescript"
PROGRAMS = ("failing_answers.ts", "deliveries.ts")
"""What is compiled beside the example, and run without the product."""
SECRET = "what only the endpoint and the product know"
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


def readme() -> str:
    """The page that belongs to the package."""
    return (FOLDER / "README.md").read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, product: Product) -> Path:
    """A package that uses the client as its README does, and programs that try it."""
    folder = tmp_path_factory.mktemp("client")
    for name in ("package.json", "openapi.json", "tsconfig.json", "src"):
        copy = shutil.copytree if (FOLDER / name).is_dir() else shutil.copy
        copy(FOLDER / name, folder / name)
    (folder / "node_modules").symlink_to(PACKAGES)
    (folder / "src" / "samples.ts").write_text(typescript_program())
    for program in PROGRAMS:
        shutil.copy(Path(__file__).with_name(program), folder / "src")
    blocks = re.findall(r"^```ts\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL)
    programs = {guide: program_of(guide, "ts").text for guide in GUIDES}
    programs |= {"example": "\n".join(blocks), "quickstart": quickstart_in("ts")}
    for name, text in programs.items():
        typed = text.replace("http://127.0.0.1:8000", product.url)
        (folder / "src" / f"{name}.ts").write_text(typed.replace("fluxrate-client", "./index.js"))
    run("npm", "run", "generate", folder=folder)
    run("npm", "run", "build", folder=folder)
    return folder


def test_the_example_ends_with_a_paid_invoice(built: Path) -> None:
    said = run("node", "dist/example.js", folder=built)

    assert "So far: 82.45\n" in said
    assert re.search(r"Total +\$82\.45\n", said)
    assert "INV-2025-0001 PAID 82.45\n" in said
    assert "Together: Pay per call – A tenth of a cent each.\n" in said
    for printed in re.findall(r"^```text\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL):
        assert printed in said
    assert (built / "INV-2025-0001.pdf").read_bytes().startswith(b"%PDF")
    assert re.search(r"^Refused: 409 \w+ \S+$", said, re.MULTILINE)


def test_the_quickstart_ends_with_a_paid_invoice(built: Path) -> None:
    """The tabs of docs/quickstart.md, one after the other."""
    said = run("node", "dist/quickstart.js", folder=built)

    assert said.startswith("Harbor Labs\n")
    assert re.search(r"Total +\$82\.45\n", said)
    assert said.endswith("INV-2025-0001 PAID 82.45\n")
    assert (built / "invoice.pdf").read_bytes().startswith(b"%PDF")


def test_a_project_that_has_the_package_imports_it(built: Path, tmp_path: Path) -> None:
    run("npm", "pack", "--silent", f"--pack-destination={tmp_path}", folder=built)
    [package] = tmp_path.glob("fluxrate-client-*.tgz")
    place = tmp_path / "node_modules" / "fluxrate-client"
    place.mkdir(parents=True)
    run("tar", "--extract", f"--file={package}", "--strip-components=1", folder=place)
    (place.parent / "openapi-fetch").symlink_to(PACKAGES / "openapi-fetch")
    (tmp_path / "program.mjs").write_text(
        'import { fluxrate, readEvent } from "fluxrate-client";\n'
        "console.log(typeof fluxrate, typeof readEvent);\n"
    )

    assert run("node", "program.mjs", folder=tmp_path) == "function function\n"


@pytest.mark.parametrize("guide", GUIDES)
def test_programs_of_guides_print_what_stands_below_them(
    guide: str, built: Path, product: Product, tmp_path: Path
) -> None:
    command = f"node {shlex.quote(str(built / 'dist' / f'{guide}.js'))}\n"
    program = replace(program_of(guide, "ts"), kind="sh", text=command)

    said = printed_by(guide, program, product, tmp_path)

    assert said == program_of(guide, "text").text.strip()


def test_failures_are_survived_and_told(built: Path) -> None:
    run("node", "dist/failing_answers.js", folder=built)


def test_samples_of_the_document_send_what_their_examples_send(built: Path) -> None:
    seen = json.loads(run("node", "dist/samples.js", folder=built))

    for name, address, told, source in samples("TypeScript"):
        known = expected(address, told)
        sent = asked(seen[name]["method"], seen[name]["url"], seen[name]["body"])
        assert compared(sent, known) == known, source


def test_webhooks_are_read_as_the_product_signs_them(built: Path) -> None:
    told = list(read_told().items())
    bodies = [(json.dumps(body).encode(), event) for event, body in told]
    exact = b'{"event":"invoice.paid","data":{"total":0.1000000000000000001,"note":"\\"7\\" is"}}'
    genuine = [delivery(body, reads=event) for body, event in bodies]
    genuine.append(delivery(exact, reads="invoice.paid") | {"total": "0.1000000000000000001"})
    genuine.append(delivery(b'{"event":"invoice.celebrated"}', reads=None))
    genuine.append(delivery(exact, reads="invoice.paid", secrets=("the new one", SECRET)))
    forged = [
        delivery(exact) | {"body": exact.replace(b"0.1", b"0.2").decode()},
        delivery(exact, secrets=("another secret",)),
        delivery(exact, later=timedelta(hours=-1)),
        delivery(exact, later=timedelta(hours=1)),
        delivery(exact) | {"headers": {}},
        delivery(exact) | {"headers": {"webhook-signature": "v1,%%% v1, v2,abcd"}},
    ]
    given = {"secret": signing_secret(SECRET), "genuine": genuine, "forged": forged}
    (built / "deliveries.json").write_text(json.dumps(given))

    said = run("node", "dist/deliveries.js", folder=built)

    assert said == f"{len(told) + 3} read, 6 refused\n"


def delivery(
    body: bytes,
    *,
    reads: str | None = None,
    later: timedelta = timedelta(0),
    secrets: tuple[str, ...] = (SECRET,),
) -> dict[str, Any]:
    """A delivery as the product signs it, and the event that it tells."""
    headers = sign(body, message_id="0196f2a1", at=datetime.now(UTC) + later, secrets=secrets)
    return {"body": body.decode(), "headers": headers, "reads": reads}
