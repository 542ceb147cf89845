"""The data converters of our processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    PayloadConverter,
)

from runtime.observability.redaction import redact_text
from runtime.payloads.codec import PayloadKeyMissing, SealedPayloadConverter, SealedPayloads

_CONVERTERS = (*PydanticPayloadConverter().converters.values(), SealedPayloadConverter())


class SharedPayloadConverter(CompositePayloadConverter):
    """What is known of a type serves every workflow.

    Each workflow in memory makes a converter of its own, and one that shares nothing learns each
    type anew: milliseconds at every wake from history, and kilobytes for as long as it is cached.
    """

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


class RedactedFailures(DefaultFailureConverter):
    """Failures without what libraries quote: a step that meets a broken row repeats none of it."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """The failure says what happened, where, and nothing that anybody sent."""
        super().to_failure(exception, payload_converter, failure)
        failure.message = redact_text(failure.message)
        failure.stack_trace = redact_text(failure.stack_trace)


class SealedFailures(RedactedFailures):
    """The same; message and stack are among what the codec seals."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """The failure says so only to whoever has the key."""
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, PayloadKeyMissing):
            return  # whoever looks for the reason has no key that opens it
        said = {"message": failure.message, "stack_trace": failure.stack_trace}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payloads([said])[0])
        failure.message = "Encoded failure"
        failure.stack_trace = ""


DATA_CONVERTER = DataConverter(
    payload_converter_class=SharedPayloadConverter, failure_converter_class=RedactedFailures
)
"""Carries dataclasses, aware datetimes, enums and decimals without losing a digit."""


def converter_of(keys: Sequence[str]) -> DataConverter:
    """As DATA_CONVERTER; the first of the keys seals what is written, and all open what is read."""
    if not keys:
        return DATA_CONVERTER
    return replace(
        DATA_CONVERTER,
        payload_codec=SealedPayloads(keys),
        failure_converter_class=SealedFailures,
    )
