"""Agreement between a study's coders, the rules among them: per layer and per code, and the units they differ on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from core.types import TillerError
from study.agreement import REPLICATES, SEED, Agreement, Figure, Ratings, agreement
from study.codebook import Books, version_of
from study.coded_units import CodedUnit, rule_codes, session_units
from study.coding import coded_by, coders_by_session
from study.coding_events import AgreementComputed, Measured
from study.guids import guid
from study.log import EventLog
from study.samples import Samples, drawn_for
from study.staff import CONSENSUS, RULES
from study.strategies import LAYERS
from study.streams import stream_of

_OF_STEPS = frozenset(guid("code", name) for names in LAYERS.values() for name in names)

Units = Callable[[str], Sequence[CodedUnit]]  # of a session
Given = Mapping[str, frozenset[str]]  # the codes that each coder gave a unit; no entry for who did not code it


@dataclass(frozen=True, slots=True)
class RatedUnit:
    """One unit with what each coder gave it."""

    unit: CodedUnit
    given: Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One layer, or one code of it, as the coders used it."""

    of: str
    layer: str
    code: str | None  # its id; None for the layer as a whole
    prevalence: float | None  # share of codings of the units that count that give it, or any code of the layer
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What some coders' finished work in a study comes to, under one version of the codebook."""

    study: str
    coders: tuple[str, ...]
    version: int
    seed: int
    replicates: int
    rows: tuple[Compared, ...]
    units: tuple[RatedUnit, ...]  # those that two coders or more have coded
    unfinished: Mapping[str, int] = field(default_factory=dict[str, int])  # sessions begun and not locked, by coder

    @property
    def differing(self) -> tuple[RatedUnit, ...]:
        """Units that did not get the same codes from all who coded them."""
        return tuple(one for one in self.units if _differ(one.given))


def coders_in(log: EventLog, study: str) -> tuple[str, ...]:
    """Everybody whose codes a study has: the rules first, the consensus last."""
    by_session = coders_by_session(log)
    people = {coder for session in log.sessions(study=study) for coder in by_session.get(session, ())}
    last = [CONSENSUS] if CONSENSUS in people else []
    return (RULES, *sorted(people - {CONSENSUS}), *last)


def compare(
    log: EventLog,
    study: str,
    coders: Sequence[str],
    *,
    books: Books,
    samples: Samples = (),
    version: int | None = None,
    units_of: Units | None = None,
    seed: int = SEED,
    replicates: int = REPLICATES,
    sessions: Iterable[str] | None = None,
) -> Comparison:
    """Agreement of `coders` over the sessions that they have locked; the rules have always finished.

    The rules' own codes are compared on interventions alone, for nothing else can have one. A layer's rating of a
    unit is the set of codes that it got there, a code's rating is whether it got it.

    Raises:
        TillerError: fewer than two coders, one who has coded nothing, or a version that is not there.
    """
    known = coders_in(log, study)
    wanted = tuple(dict.fromkeys(coders))
    if len(wanted) < 2 or set(wanted) - set(known):
        raise TillerError(
            f"Agreement of {', '.join(wanted) or 'nobody'} was asked for; coders of {study} are {', '.join(known)}: "
            "name two or more of them."
        )
    book = version_of(books, version)
    units_of = units_of or partial(session_units, log)
    rated: list[RatedUnit] = []
    unfinished: Counter[str] = Counter()
    for session in log.sessions(study=study) if sessions is None else sessions:
        given, begun = _given(log, session, wanted, books, book.version, units_of, samples)
        rated += given
        unfinished.update(begun)
    by_layer = {name: frozenset(entry.id for entry in entries) for name, entries in book.layers.items()}
    rows: list[Compared] = []
    for layer, codes in by_layer.items():
        mine = _steps_only(rated, codes)
        rows.append(_compared(layer, layer, None, [_of(one, codes) for one in mine], mine, wanted, seed, replicates))
        for code in codes:
            entry = book.find(code)
            alone = frozenset({code})
            mine = _steps_only(rated, alone)
            of_code = [_of(one, alone) for one in mine]
            rows.append(_compared(entry.name if entry else code, layer, code, of_code, mine, wanted, seed, replicates))
    order = {entry.id: at for at, entry in enumerate(book.entries)}
    layers = list(by_layer)
    rows.sort(key=lambda row: (layers.index(row.layer), order.get(row.code, -1) if row.code else -1))
    return Comparison(
        study=study,
        coders=wanted,
        version=book.version,
        seed=seed,
        replicates=replicates,
        rows=tuple(rows),
        units=tuple(one for one in rated if len(one.given) > 1),
        unfinished=dict(unfinished),
    )


def keep_agreement(log: EventLog, found: Comparison, *, by: str, key: str) -> None:
    """Write a computed agreement into the stream of the study's codebook."""
    event = AgreementComputed(
        coders=found.coders,
        codebook=found.version,
        participants=max((row.agreement.participants for row in found.rows), default=0),
        replicates=found.replicates,
        seed=found.seed,
        figures=tuple(one for row in found.rows for one in _measured(row)),
        by=by,
    )
    log.append(stream_of("codebook", found.study), event, key=key, actor="researcher")


def statistics_of(one: Agreement) -> dict[str, Figure]:
    """The three statistics by name, in the order in which they are shown."""
    return {"observed": one.observed, "kappa": one.kappa, "alpha": one.alpha}


def _differ(given: Given) -> bool:
    people = {codes for coder, codes in given.items() if coder != RULES}
    # with the rules, people can differ only on what the rules give at all
    of_steps = {codes & _OF_STEPS for codes in given.values()}
    return len(people) > 1 or (RULES in given and len(of_steps) > 1)


def _measured(row: Compared) -> Iterable[Measured]:
    for name, figure in statistics_of(row.agreement).items():
        yield Measured(
            of=row.of,
            layer=row.layer,
            statistic=name,
            units=row.agreement.units,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            undefined=figure.undefined,
            reason=figure.reason or figure.why_no_interval,
        )


def _given(
    log: EventLog, session: str, coders: Sequence[str], books: Books, version: int, units_of: Units, samples: Samples
) -> tuple[list[RatedUnit], list[str]]:
    """Each unit of a session with the codes of those who have finished it; and who has begun and not finished."""
    units = units_of(session)
    given: dict[str, dict[str, frozenset[str]]] = {unit.id: {} for unit in units}
    begun: list[str] = []
    for coder in coders:
        if coder == RULES:
            for event, names in rule_codes(log.read(session)).items():
                given[event][RULES] = frozenset(guid("code", name) for name in names)
            continue
        coded = coded_by(log, session, coder, books, version)
        if coder != CONSENSUS and not coded.locked:
            begun += [coder] if coded.codes or coded.memos else []
            continue
        only = coded.settled if coder == CONSENSUS else drawn_for(samples, session, coder)
        for unit in units:
            if only is None or unit.id in only:
                given[unit.id][coder] = frozenset(coded.codes.get(unit.id, ()))
    return [RatedUnit(unit, given[unit.id]) for unit in units if given[unit.id]], begun


def _steps_only(rated: Sequence[RatedUnit], codes: Iterable[str]) -> list[RatedUnit]:
    """All units, or the interventions alone where the rules' codes are among them; the rest is none of the rules'."""
    if _OF_STEPS & set(codes):
        return [one for one in rated if one.unit.kind == "intervention"]
    return [RatedUnit(one.unit, {who: given for who, given in one.given.items() if who != RULES}) for one in rated]


def _of(one: RatedUnit, codes: frozenset[str]) -> dict[str, frozenset[str]]:
    return {coder: given & codes for coder, given in one.given.items()}


def _compared(
    name: str,
    layer: str,
    code: str | None,
    given: Sequence[Mapping[str, frozenset[str]]],
    rated: Sequence[RatedUnit],
    coders: Sequence[str],
    seed: int,
    replicates: int,
) -> Compared:
    rows = [[one.get(coder) for coder in coders] for one in given]
    held = [value for row in rows if sum(value is not None for value in row) > 1 for value in row if value is not None]
    return Compared(
        of=name,
        layer=layer,
        code=code,
        prevalence=sum(map(bool, held)) / len(held) if held else None,
        agreement=agreement(
            Ratings.of(rows, [one.unit.participant for one in rated]), seed=seed, replicates=replicates
        ),
    )
