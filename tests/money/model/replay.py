"""Whole journals, told to the model of money."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tests.money.model.journal import Opened, Request
from tests.money.model.model import Model


def replay(requests: Sequence[Request]) -> Model:
    """The model after a whole journal, whose first entry opens the world."""
    opened, *others = requests
    assert isinstance(opened, Opened)
    model = Model(opened)
    for request in others:
        model.apply(request)
    return model


def owed(requests: Sequence[Request]) -> Fraction:
    """What the customer owes in all."""
    return replay(requests).owed()
