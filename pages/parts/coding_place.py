"""One coder at one session: their units, what they have given, and whose codes they may see; all of it from the log."""

from __future__ import annotations

from dataclasses import dataclass

from pages.parts.staff import Insider
from study.codebook import Books, books_in
from study.coded_units import CodedUnit, Naming, session_units
from study.coding import Coded, Coder, CodingRefused, coded_by, coders_of
from study.coding_acts import Agree, CodingAct
from study.concept_names import given_names
from study.samples import Samples, drawn_for, partners_of, samples_in, visible
from study.staff import CONSENSUS, Role
from study.streams import stream_of


@dataclass(frozen=True, kw_only=True)
class CodingPlace:
    """Somebody at a session, as the log has it at this run."""

    insider: Insider
    study: str
    session: str
    books: Books
    samples: Samples
    units: tuple[CodedUnit, ...]
    coded: dict[str, Coded]  # everybody's; what may be shown of it is `seen`
    own: Coded
    seen: frozenset[str]  # whose codes this person may see besides their own

    @property
    def todo(self) -> frozenset[str] | None:
        """The units that a sample limits this person to; None for all."""
        return drawn_for(self.samples, self.session, self.insider.staff.name)

    @property
    def partners(self) -> frozenset[str]:
        """With whom this session is coded blind."""
        return partners_of(self.samples, self.session, self.insider.staff.name)

    @property
    def finished(self) -> tuple[str, ...]:
        """Coders who have locked this session and whose codes may be seen."""
        me = self.insider.staff.name
        return tuple(name for name, one in self.coded.items() if one.locked and (name == me or name in self.seen))


def coding_place(insider: Insider, study: str, session: str) -> CodingPlace | None:
    """The place of this member of staff at a session; None where there is none, or it is not of their study."""
    log, me = insider.rig.log, insider.staff.name
    records = log.read(session) if insider.staff.may_see(study) and ":" not in session else ()
    if not records or study not in {record.row["study_id"] for record in records[-1:]}:
        return None
    kept = log.read(stream_of("codebook", study))
    books, samples = books_in(kept), samples_in(kept)
    version = books[-1].version
    coded = {name: coded_by(log, session, name, books, version) for name in coders_of(log, session)}
    looks_on = insider.staff.role is Role.RESEARCHER
    return CodingPlace(
        insider=insider,
        study=study,
        session=session,
        books=books,
        samples=samples,
        units=session_units(log, session, named=naming(insider, study)),
        coded=coded,
        own=coded.get(me) or Coded(coder=me),
        seen=visible(samples, session, me, coded, looks_on=looks_on),
    )


def coder_at(insider: Insider, study: str, act: CodingAct) -> Coder:
    """Who carries an act out: the person on the page, or the consensus by their hand.

    Raises:
        CodingRefused: the session is not theirs to code, or nobody can agree on it yet.
    """
    place = coding_place(insider, study, act.session)
    log, me = insider.rig.log, insider.staff.name
    if place is None:
        raise CodingRefused("This session is not there, or not of your study; nothing was changed.")
    ids = [unit.id for unit in place.units]
    if isinstance(act, Agree):
        if len(place.finished) < 2:
            raise CodingRefused("Two coders have to finish this session before they can agree on it.")
        return Coder(log, study, act.session, CONSENSUS, ids, by=me)
    mine = place.todo
    return Coder(log, study, act.session, me, ids if mine is None else [one for one in ids if one in mine])


def naming(insider: Insider, study: str) -> Naming:
    """Components by the name that the running study's dictionary gives them; by number in any other study."""
    script, bundles = insider.rig.script, insider.rig.bundles

    def named(task: str, component: int) -> str:
        known = script.tasks.get(task) if study == script.study.id else None
        index = bundles[known.sae].index if known is not None else ()
        if known is None or component >= len(index):
            return f"component {component}"
        given = given_names(insider.rig.log, study, bundles[known.sae].sae.digest).get(component)
        return f"{given.called if given else index[component].label} (#{component})"

    return named
