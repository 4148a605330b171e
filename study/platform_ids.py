"""Ids of a recruiting platform as keyed hashes: the same person is known again, and nobody is read out of a table."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from study.script import StudyScript

LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class PlatformIds:
    """What may be kept of the ids that a link brought: nothing of the ids themselves.

    `person` is the keyed hash of the participant's own id, `token` the link to their session that follows from it,
    `others` the keyed hashes of the rest by parameter.
    """

    person: str | None = None
    token: str | None = None
    others: Mapping[str, str] = field(default_factory=dict[str, str])


def platform_ids_in(query: Mapping[str, str], script: StudyScript, key: str | None) -> PlatformIds:
    """The ids that the script names, as HMAC-SHA-256 under the study's `key`; without a key none is kept at all."""
    if key is None:
        return PlatformIds()
    given = {param: value for param, value in query.items() if value and len(value) <= LONGEST_ID}
    study, own = script.study.id, script.ids.pid_param
    others = {
        param: _keyed(key, f"id {study} {param}", given[param]).hex()
        for param in script.ids.extra_params
        if param in given and param != own
    }
    if own is None or own not in given:
        return PlatformIds(others=others)
    person = _keyed(key, f"id {study} {own}", given[own])
    token = urlsafe_b64encode(_keyed(key, f"session {study} {own}", given[own])[:24]).decode()
    return PlatformIds(person.hex(), token, others)


def _keyed(key: str, what: str, value: str) -> bytes:
    # what is hashed is named first, so that no two kinds of value meet in one hash
    return hmac.new(key.encode(), f"tiller {what}\0{value}".encode(), sha256).digest()
