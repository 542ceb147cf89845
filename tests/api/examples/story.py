"""The whole story, on a fresh database with a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import FastAPI

from api.context import AppContext
from tests.api.examples import chapters, later
from tests.api.examples.chapters import World
from tests.api.examples.recorder import Storyteller, Told, settle
from tests.api.people import Clock, Person

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def tell_everything(app: FastAPI, context: AppContext, clock: Clock) -> dict[str, Told]:
    """An example of every operation, by its name."""
    clock.instant = BEGIN
    tell = Storyteller(Person(app))
    world = World(tell=tell, context=context, clock=clock)
    chapters.tell_of_the_organization(world)
    chapters.tell_of_the_catalog(world)
    bill = chapters.tell_of_a_month(world)
    later.tell_of_a_bill(world, bill)
    later.tell_of_mails(world, bill)
    later.tell_of_manual_invoices(world)
    later.tell_of_webhooks(world)
    later.tell_of_gateways(world)
    later.tell_of_changes(world)
    later.tell_of_credits(world)
    later.tell_of_coupons(world)
    later.tell_of_reports(world, bill)
    later.tell_of_e_invoices(world)
    later.tell_of_health(world)
    chapters.tell_of_the_team(world)
    return settle(tell.examples)
