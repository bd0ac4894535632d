"""What all stored values share: frozen, and unknown fields survive a round trip."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that is read from and written to JSON."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def to_json(self) -> dict[str, Any]:
        """The JSON form, with just the fields that were set, unknown ones included."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def replace(self, **changes: Any) -> Self:
        """A validated copy with some fields changed.

        Raises:
            pydantic.ValidationError: A new value does not fit.
        """
        return type(self).model_validate(self.to_json() | changes)


def _check_timestamp(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a timestamp needs a time zone (RFC 3339), as in 2026-02-08T22:30:00Z")
    return text


# Kept as text: a parsed time would not be written back as it was read.
Timestamp = Annotated[str, AfterValidator(_check_timestamp)]
