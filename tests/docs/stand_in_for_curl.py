"""Does what the pages need of curl where none is installed: -Xbc, -Hdow, -f and --retry."""

from __future__ import annotations

import http.cookiejar
import pathlib
import sys
import time
import urllib.error
import urllib.request
from urllib.response import addinfourl

TAKING = ("-X", "-b", "-c", "-d", "-o", "-w", "--retry")
LATER = 503
REFUSED = 22
"""With that ends ``-f`` where an error is answered, and keeps nothing."""


def main(words: list[str]) -> None:
    """Send one request and print, or keep, its answer."""
    options: dict[str, str] = {}
    headers: dict[str, str] = {}
    address, fails = "", False
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word in TAKING:
            options[word] = words.pop(0)
        elif not word.startswith("-"):
            address = word
        else:
            fails = fails or "f" in word
    jar = http.cookiejar.MozillaCookieJar(options.get("-b", "no-cookies"))
    if pathlib.Path(options.get("-b", "")).is_file():
        jar.load(ignore_discard=True)
    body = options["-d"].encode() if "-d" in options else None
    request = urllib.request.Request(address, body, headers, method=options.get("-X"))
    answer = persist(request, jar, int(options.get("--retry", 0)))
    if fails and (answer.status or 0) >= 400:
        sys.exit(REFUSED)
    content = answer.read()
    if "-o" in options:
        pathlib.Path(options["-o"]).write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
    if "-w" in options:
        sys.stdout.write(options["-w"].replace("%{http_code}", str(answer.status)))
    if "-c" in options:
        jar.save(options["-c"], ignore_discard=True)


def persist(
    request: urllib.request.Request, jar: http.cookiejar.CookieJar, repeats: int
) -> addinfourl:
    """The answer; where it is "later", that to one of the repeats."""
    answer = send(request, jar)
    while answer.status == LATER and repeats > 0:
        time.sleep(int(answer.headers.get("Retry-After", 1)))
        answer, repeats = send(request, jar), repeats - 1
    return answer


def send(request: urllib.request.Request, jar: http.cookiejar.CookieJar) -> addinfourl:
    """The answer, whatever its status."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
    )
    try:
        answer: addinfourl = opener.open(request)
    except urllib.error.HTTPError as error:
        return error
    return answer


if __name__ == "__main__":
    main(sys.argv[1:])
