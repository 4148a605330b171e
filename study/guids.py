"""Ids made of what they name, so that the same thing has the same id in every file and on every machine."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:tiller:refi-qda")


def guid(*of: object) -> str:
    """The id of what these words name."""
    return str(uuid5(_NAMESPACE, "/".join(map(str, of))))
