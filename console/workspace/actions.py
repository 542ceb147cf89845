"""What members do from screens: each a form, and the one call of the API that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from starlette.responses import Response

from console.workspace.asking import API, Call, Member, Refused
from console.workspace.forms import read_form
from console.workspace.frame import HOME, NEEDS, WRITES, Screen, see_other

KEY: Final = "key"
CONFIRMATION: Final = "confirmation"
NOT_CONFIRMED: Final = 422
ONCE: Final = "Keep what you need of it now: nothing shows it again."

Form = Mapping[str, str]


class Entry(StrEnum):
    """What a field of a form takes."""

    TEXT = "text"
    CONCEALED = "password"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    CHOICES = "choices"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that a form asks for; what is left empty is not sent unless it is required.

    A ``choice`` is of the choices, ``choices`` are several of them. What ``clears`` is sent as null
    where it is empty.
    """

    name: str
    title: str
    value: str = ""
    is_required: bool = False
    entry: Entry = Entry.TEXT
    choices: Sequence[str] = ()
    clears: bool = False

    def filled(self, text: str | None) -> Field:
        """The same with what somebody typed; as it was if they typed nothing."""
        return self if text is None else replace(self, value=text)

    def read(self, form: Form) -> object:
        """What the API is sent; None where nothing was said."""
        if self.entry is Entry.CHOICES:
            return [one for one in self.choices if form.get(f"{self.name}.{one}")] or None
        text = form.get(self.name, "")
        if self.entry is Entry.FLAG and text:
            return text == "true"
        if self.entry is Entry.NUMBER and text.isascii() and text.isdigit():
            return int(text)
        return text or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that can be done: under which address, by which call, and where one is then.

    ``body`` is sent beside the fields. With ``confirms`` the member types the number or name of
    what it cannot be undone for. What is ``shown`` of the answer is shown once, with a ``note`` and
    with forms of what is done ``then``. ``body`` may name parts of the address.
    """

    title: str
    path: str
    call: str
    back: str
    method: str = "POST"
    fields: Sequence[Field] = ()
    body: Mapping[str, object] = field(default_factory=dict)
    confirms: bool = False
    is_grave: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    then: Sequence[Action] = ()
    needs: str = WRITES
    """What a role must reach to do it; pages of others leave its form out."""
    write: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """What is sent, out of what the fields say, where the API takes it in another form."""

    async def do(self, member: Member) -> Response | Screen:
        """The call is made, once however often the form is sent. Raises Refused."""
        form = await read_form(member.request)
        if self.confirms and form.get(CONFIRMATION) != form.get("expected"):
            raise Refused(
                NOT_CONFIRMED,
                {"detail": f"Type {form.get('expected')} to confirm.", "code": "not_confirmed"},
            )
        place = {name: member.place(name) for name in member.request.path_params}
        made = await member.act(
            self.method,
            self.call.format(**place),
            {**self._fixed(place), **self._sent(form)},
            key=form.get(KEY),
        )
        back = HOME + self.back.format(**place)
        return self._show(made, back) if self.shown else see_other(back)

    def _fixed(self, place: Mapping[str, object]) -> dict[str, object]:
        return {
            name: value.format(**place) if isinstance(value, str) else value
            for name, value in self.body.items()
        }

    def _sent(self, form: Form) -> dict[str, Any]:
        said = {one.name: (one, one.read(form)) for one in self.fields}
        return self.write(
            {name: text for name, (one, text) in said.items() if text is not None or one.clears}
        )

    def _show(self, made: Mapping[str, Any], back: str) -> Screen:
        shown = [(words, _told(made.get(name))) for name, words in self.shown.items()]
        offers = [one.offer() for one in self.then]
        return Screen(
            template="made.html",
            title=self.title,
            values={"shown": shown, "note": self.note, "offers": offers, "back": back},
        )

    def offer(
        self, *, expected: str = "", values: Mapping[str, object] | None = None, **place: object
    ) -> dict[str, Any]:
        """The form of it, for a template: with a key of its own, and its call as a command."""
        known = {name: "" if one is None else str(one) for name, one in (values or {}).items()}
        fields = [one.filled(known.get(one.name)) for one in self.fields]
        example = {one.name: one.value or f"<{one.title.lower()}>" for one in fields}
        call = Call(
            method=self.method,
            path=API + self.call.format(**place),
            body={**self._fixed(place), **self.write(example)} or None,
        )
        return {
            "title": self.title,
            "address": HOME + self.path.format(**place),
            "fields": fields,
            "key": str(uuid4()),
            "expected": expected if self.confirms else "",
            "is_grave": self.is_grave,
            "calls": [call],
            NEEDS: self.needs,
        }


def split_words(text: str) -> list[str]:
    """Several things that were typed into one field, with commas or spaces between.

    What stands for something that is yet to be typed is one of them.
    """
    return [text] if text.startswith("<") else text.replace(",", " ").split()


def _told(value: object) -> object:
    """A value of an answer as a page shows it: words, or several of them."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if value is None or isinstance(value, list) else str(value)
