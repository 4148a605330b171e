"""Recruitment links: who may begin by which, how many, and the one way back for whoever came by one before."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from core.types import TillerError
from study.database import take_turn
from study.identity import Admission, link_digest, looks_like_token, new_token
from study.log import EventLog
from study.participants import make_place
from study.platform_ids import PlatformIds
from study.schema import arrivals, events, participants, payloads, platform_ids, recruitment_links
from study.script import StudyScript

MODES = ("moderated", "remote", "preview")
LONGEST_LABEL = 80
_ENDS = ("session.completed", "session.withdrawn", "session.rejected", "session.timed_out")


class Refusal(StrEnum):
    """Why somebody with a link that is there cannot begin."""

    CLOSED = "closed"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Link:
    """A recruitment link as staff see it; `id` is the digest of its token, which nothing keeps.

    `quota` is how many may come by it, None for any number; a `personal` link is for one participant and leads them
    back to their own session. `came` counts all who began by it, `held` those whose place is not free again.
    """

    id: str
    study: str
    label: str
    mode: str
    quota: int | None
    made_ns: int
    closed: bool
    came: int = 0
    held: int = 0
    completed: int = 0

    @property
    def personal(self) -> bool:
        """Whether it is one participant's own."""
        return self.quota == 1

    @property
    def refusal(self) -> Refusal | None:
        """Why nobody new may begin by it, None where somebody may."""
        if self.closed:
            return Refusal.CLOSED
        return Refusal.FULL if self.quota is not None and self.held >= self.quota else None


def make_link(log: EventLog, script: StudyScript, label: str, mode: str, *, quota: int | None = None) -> str:
    """Make a recruitment link for the study of `script` and return its token: shown once, nothing here keeps it.

    Raises:
        TillerError: the label is taken or cannot be read, the script has no such mode, or the quota is none.
    """
    label, study = " ".join(label.split()), script.study.id
    if not 0 < len(label) <= LONGEST_LABEL:
        raise TillerError(f"A label of {len(label)} characters was given; a link's has 1 to {LONGEST_LABEL}.")
    offered = [one for one in MODES if one == "preview" or getattr(script.modes, one) is not None]
    if mode not in offered:
        raise TillerError(f"A link for mode {mode!r} was asked for; the script of {study} has {', '.join(offered)}.")
    if quota is not None and not 1 <= quota <= 100_000:
        raise TillerError(f"A quota of {quota} was asked for; it is 1 to 100,000, or left out for any number.")
    token, now = new_token(), log.now()
    held = {"study_id": study, "label": label, "mode": mode, "quota": quota, "made_utc_ns": now.utc_ns}

    def work(connection: Connection) -> None:
        take_turn(connection, f"newcomers to {study}")
        same = (recruitment_links.c.study_id == study) & (recruitment_links.c.label == label)
        if connection.execute(select(recruitment_links.c.label).where(same)).first() is not None:
            raise TillerError(f"The label {label!r} is that of another link of {study}; choose one of its own.")
        connection.execute(insert(recruitment_links).values(link_sha256=_digest(token), **held))

    log.writer.write(work)
    return token


def set_closed(log: EventLog, link: str, *, closed: bool) -> None:
    """Close a link to newcomers, or open it again; whoever came by it goes on."""
    at = log.now().utc_ns if closed else None
    mine = recruitment_links.c.link_sha256 == link
    log.writer.write(lambda c: c.execute(update(recruitment_links).where(mine).values(closed_utc_ns=at)))


def links_of(log: EventLog, study: str) -> tuple[Link, ...]:
    """Every link of a study with its counts, the newest first."""
    query = select(recruitment_links).where(recruitment_links.c.study_id == study)
    with log.connected() as connection:
        rows = connection.execute(query.order_by(recruitment_links.c.made_utc_ns.desc())).mappings().all()
        return tuple(_link(connection, row) for row in rows)


def find_link(log: EventLog, token: object, study: str) -> Link | None:
    """The link of `study` that a token opens, or None; any junk may be given."""
    if not isinstance(token, str) or not looks_like_token(token):
        return None
    with log.connected() as connection:
        return _found(connection, token, study)


@dataclass(frozen=True, slots=True)
class Known:
    """One who came by this link before: the token of their session, and whether it has begun."""

    token: str
    begun: bool


def known_by(log: EventLog, link: Link, token: str, ids: PlatformIds) -> Known | None:
    """Whoever came by this link before, by their platform id or because the link is theirs alone; None: a newcomer."""
    back = _way(link, token, ids)
    if back is None:
        return None
    with log.connected() as connection:
        place = _place_at(connection, back)
        if place is None:
            return None
        mine = (events.c.session_id == place.session_id) & (events.c.seq == 1)
        return Known(back, connection.execute(select(events.c.seq).where(mine)).first() is not None)


def take_place(log: EventLog, token: str, study: str, ids: PlatformIds) -> tuple[Admission, str] | Refusal:
    """A place for whoever came by a recruitment link, their own if they had one, and the mode of their session.

    Quota, links and ids are looked at in the transaction that gives the place: two who come at once never share the
    last one, and one who comes twice never has two.

    Raises:
        TillerError: there is no such link.
    """
    now = log.now()

    def work(connection: Connection) -> tuple[Admission, str] | Refusal:
        take_turn(connection, f"newcomers to {study}")
        link = _found(connection, token, study)
        if link is None:
            raise TillerError("A recruitment link was followed that is not there; ask for the link again.")
        back = _way(link, token, ids)
        stands = None if back is None else _place_at(connection, back)
        if stands is not None:
            return stands, link.mode
        if link.refusal is not None:
            return link.refusal
        made = make_place(connection, study, back or new_token(), now.utc_ns, keyed_hash=ids.person)
        connection.execute(
            insert(arrivals).values(session_id=made.session_id, link_sha256=link.id, arrived_utc_ns=now.utc_ns)
        )
        for param, keyed in ids.others.items():
            connection.execute(insert(platform_ids).values(session_id=made.session_id, param=param, keyed_hash=keyed))
        return made, link.mode

    return log.writer.write(work)


def labels_by_session(log: EventLog, study: str) -> dict[str, str]:
    """By which link each session came, as its label."""
    joined = arrivals.join(recruitment_links, arrivals.c.link_sha256 == recruitment_links.c.link_sha256)
    query = select(arrivals.c.session_id, recruitment_links.c.label).select_from(joined)
    with log.connected() as connection:
        rows = connection.execute(query.where(recruitment_links.c.study_id == study))
        return {row.session_id: row.label for row in rows}


def forget_arrival(connection: Connection, session_id: str, now_ns: int) -> None:
    """Take away by which link somebody came and with which ids; a link that was theirs alone is closed with it."""
    came_by = select(arrivals.c.link_sha256).where(arrivals.c.session_id == session_id)
    alone = recruitment_links.c.link_sha256.in_(came_by) & (recruitment_links.c.quota == 1)
    connection.execute(update(recruitment_links).where(alone).values(closed_utc_ns=now_ns))
    for table in (arrivals, platform_ids):
        connection.execute(delete(table).where(table.c.session_id == session_id))


def _way(link: Link, token: str, ids: PlatformIds) -> str | None:
    """The session token of one who can be known again: a function of what they bring, so that nothing need be kept."""
    if ids.token is not None:
        return ids.token
    if not link.personal:
        return None
    return urlsafe_b64encode(sha256(f"tiller personal {token}".encode()).digest()[:24]).decode()


def _place_at(connection: Connection, token: str) -> Admission | None:
    query = select(participants.c.session_id, participants.c.pseudonym)
    row = connection.execute(query.where(participants.c.link_sha256 == link_digest(token))).first()
    return None if row is None else Admission(row.session_id, row.pseudonym, token)


def _found(connection: Connection, token: str, study: str) -> Link | None:
    mine = (recruitment_links.c.link_sha256 == _digest(token)) & (recruitment_links.c.study_id == study)
    row = connection.execute(select(recruitment_links).where(mine)).mappings().first()
    return None if row is None else _link(connection, row)


def _link(connection: Connection, row: Mapping[Any, Any]) -> Link:
    came, completed, free = _counted(connection, row["link_sha256"])
    return Link(
        id=row["link_sha256"],
        study=row["study_id"],
        label=row["label"],
        mode=row["mode"],
        quota=row["quota"],
        made_ns=row["made_utc_ns"],
        closed=row["closed_utc_ns"] is not None,
        came=came,
        # one participant's own link is nobody else's, however their session ended
        held=came if row["quota"] == 1 else came - free,
        completed=completed,
    )


def _counted(connection: Connection, link: str) -> tuple[int, int, int]:
    """How many came by a link, how many of them completed, and how many ended otherwise and freed their place."""
    mine = arrivals.c.link_sha256 == link
    came = connection.execute(select(func.count()).select_from(arrivals).where(mine)).scalar_one()
    ends = (
        select(events.c.session_id, events.c.name, payloads.c.json)
        .join(arrivals, arrivals.c.session_id == events.c.session_id)
        .outerjoin(payloads, payloads.c.event_id == events.c.event_id)
        .where(mine, events.c.name.in_(_ENDS))
        .order_by(events.c.session_id, events.c.seq)
    )
    last = {row.session_id: _is_completed(row.name, row.json) for row in connection.execute(ends)}
    return came, sum(last.values()), sum(not completed for completed in last.values())


def _is_completed(name: str, payload: str | None) -> bool:
    return name == "session.completed" and payload is not None and json.loads(payload).get("outcome") == "completed"


def _digest(token: str) -> str:
    return sha256(f"tiller recruitment {token}".encode()).hexdigest()
