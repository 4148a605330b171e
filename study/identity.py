"""Who may open a session: whoever has its link, which is kept only as a digest."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from study.state import digest

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Admission:
    """A newcomer's place: show `token` to the participant once, in the link; nothing here keeps it."""

    session_id: str
    pseudonym: str
    token: str


def new_token() -> str:
    """192 random bits as 32 characters that fit a link."""
    return secrets.token_urlsafe(24)


def link_digest(token: str) -> str:
    """What is stored of a token; finding it by equality of digests tells a guesser nothing of the token."""
    return digest(f"tiller link {token}")


def looks_like_token(text: object) -> bool:
    """Whether `text` could be a token at all; anything else opens nothing."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def pseudonym(number: int) -> str:
    """The participant's name in the record: P01, P02, ..."""
    return f"P{number:02d}"
