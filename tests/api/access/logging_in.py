"""What people log in with, and what they are answered."""

from __future__ import annotations

from http.cookies import SimpleCookie

from httpx2 import Response

from tests.api.people import PASSWORD, Person


def cookies_of(answer: Response) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    return jar


def credentials(person: Person, password: str = PASSWORD) -> dict[str, str]:
    return {"email": person.email, "password": password}
