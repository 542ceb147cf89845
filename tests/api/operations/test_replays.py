"""Every POST under an Idempotency-Key is answered again as it was, and done once (CONTRACT 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from api.context import AppContext
from api.transport.idempotency import OWN_IDENTITY
from tests.api.changes import V1, Story, recorded
from tests.api.members_story import tell_of_people
from tests.api.operations.test_audit_trail import (
    tell_of_a_subscription,
    tell_of_accounts,
    tell_of_clocks_and_events,
    tell_of_the_catalogue,
    tell_of_webhooks,
)
from tests.api.people import Clock, Person

OWN = {"x-request-id", "idempotent-replayed"}
"""Headers of which each answer has its own."""

SECRETS = {"key", "link", "secret", "signing_secret"}
"""What an answer shows the first time alone (CONTRACT 65)."""

FORGETS = f"POST {V1}/customers/{{customer_id}}/erase"
"""An erasure forgets all answers about its customer, its own too: a repeat looks anew, and says the
same."""

WITHOUT_ORGANIZATION = f"{V1}/auth/"
"""Whoever signs up or logs in has none yet that a key could be of."""


@dataclass
class RepeatedStory(Story):
    """Sends each POST twice under one key, and looks at both answers."""

    different: dict[str, Any] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)

    def do(self, operation: str, body: Any = None, **ids: Any) -> Any:
        method, path = operation.split()
        template = f"{method} {V1}{path}"
        if method != "POST" or not is_repeatable(template):
            return super().do(operation, body, **ids)
        key = {"Idempotency-Key": f"story-{next(self.numbers)}"}
        first, second = (
            self.person.post(V1 + path.format(**ids), json=body, headers=key) for _ in range(2)
        )
        assert first.status_code < 300, f"{template}: {first.text}"
        told = [
            (one.status_code, shown(one), {n: v for n, v in one.headers.items() if n not in OWN})
            for one in (first, second)
        ]
        is_replayed = second.headers.get("Idempotent-Replayed") == "true"
        if told[0][:2] != told[1][:2] or is_replayed is (template == FORGETS):
            self.different[template] = told
        if template != FORGETS and told[0] != told[1]:
            self.different[template] = told
        self.repeated.add(template)
        return first.json() if first.content else None


def shown(answer: Any) -> Any:
    document = answer.json() if answer.content else {}
    answer.headers.pop("content-length", None)
    return {name: value for name, value in document.items() if name not in SECRETS}


def is_repeatable(template: str) -> bool:
    path = template.partition(" ")[2]
    return not path.startswith((WITHOUT_ORGANIZATION, *OWN_IDENTITY))


def test_every_post_is_answered_again_as_it_was(
    app: FastAPI, context: AppContext, clock: Clock
) -> None:
    story = RepeatedStory(Person(app))

    tell_of_accounts(story)
    tell_of_people(story.do, story.person, context)
    tell_of_the_catalogue(story)
    tell_of_a_subscription(story, context, clock)
    tell_of_clocks_and_events(story)
    tell_of_webhooks(story, context)
    story.write_mails()

    posts = {change for change in recorded() if change.startswith("POST ")}
    assert story.different == {}
    assert story.repeated == {change for change in posts if is_repeatable(change)}
