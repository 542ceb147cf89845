"""The example of the README, typed in as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.product import Product

README = Path(__file__).parents[2] / "README.md"

STAND_IN_FOR_CURL = '''\
#!{python}
"""Does what the example needs of curl: -b and -c for cookies, -H, -d, and the address."""
import http.cookiejar, pathlib, sys, urllib.request
words, options, address = sys.argv[1:], {{}}, ""
while words:
    word = words.pop(0)
    if word in ("-b", "-c", "-H", "-d"):
        options[word] = words.pop(0)
    elif not word.startswith("-"):
        address = word
jar = http.cookiejar.MozillaCookieJar(options["-b"])
if pathlib.Path(options["-b"]).exists():
    jar.load(ignore_discard=True)
body = options["-d"].encode() if "-d" in options else None
headers = dict([options["-H"].split(": ")]) if "-H" in options else {{}}
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({{}}), urllib.request.HTTPCookieProcessor(jar)
)
answer = opener.open(urllib.request.Request(address, body, headers))
sys.stdout.buffer.write(answer.read())
if "-c" in options:
    jar.save(options["-c"], ignore_discard=True)
'''


@pytest.fixture
def path_with_curl(tmp_path: Path) -> str:
    """A PATH with this Python and curl, or with a stand-in where none is installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    if shutil.which("curl") is None:
        (programs / "curl").write_text(STAND_IN_FOR_CURL.format(python=sys.executable))
        (programs / "curl").chmod(0o755)
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def test_example_ends_with_the_invoice_that_the_readme_shows(
    product: Product, tmp_path: Path, path_with_curl: str
) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    example = next(block for block in blocks if block.startswith("API="))
    here = example.replace("http://127.0.0.1:8000", product.url)

    result = subprocess.run(
        ["/bin/sh", "-eu", "-c", here],
        cwd=tmp_path,
        env=os.environ | {"PATH": path_with_curl, "NO_PROXY": "127.0.0.1"},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "API Calls (82,450 calls × $0.001)" in result.stdout
    assert re.search(r"Total +\$82\.45\n", result.stdout)
