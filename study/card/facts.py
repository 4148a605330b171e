"""A study card filled from the script and the log, and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.types import many
from study.card import (
    UNKNOWN,
    BenchmarkDetails,
    Data,
    EthicalAndLegalConsiderations,
    Methodology,
    PurposeAndIntendedUsers,
    StudyCard,
    TargetedRisks,
)
from study.coding import coders_by_session
from study.coding_events import AgreementComputed
from study.events import SCHEMA_VERSION
from study.exports import FORMATS, NOT_DATA
from study.findings import Finding, Findings
from study.findings.figure import REPLICATES, SEED
from study.findings.portrait import TRUST
from study.log import EventLog
from study.markdown import said, who_took_part
from study.roster import Entry, roster
from study.script import FreeText, StudyScript, Task
from study.scripts import scripts_of
from study.strategies import VERSION
from study.streams import stream_of

NAMES = {"bot": "simulated", "preview": "previews"}  # modes that are no data, as they are called on the card


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a card is filled from: one study's script where the record has it, its sessions, and their findings."""

    study: str
    script: StudyScript | None
    versions: tuple[str, ...]  # of the script, in the order in which the record took them in
    sessions: tuple[Entry, ...]
    found: Findings
    coders: tuple[str, ...]
    agreement: AgreementComputed | None  # as it was last computed and kept
    whole: int  # sessions whose chain is whole
    consents: Mapping[str, Counter[bool]]  # by scope: how many allowed it, how many refused


def facts_of(log: EventLog, study: str, found: Findings, *, without: Sequence[str]) -> Facts:
    """Everything that a card of `study` says, read from the record; chains are checked on the way."""
    kept = scripts_of(log, study)
    sessions = tuple(entry for entry in roster(log, study) if entry.mode not in without)
    ids = {entry.session for entry in sessions}
    coders = (coder for session, names in coders_by_session(log).items() if session in ids for coder in names)
    computed = [one.event for one in log.read(stream_of("codebook", study)) if isinstance(one.event, AgreementComputed)]
    consents: dict[str, Counter[bool]] = {}
    for one in found.people:
        for scope, given in one.consents.items():
            consents.setdefault(scope, Counter())[given] += 1
    return Facts(
        study=study,
        script=kept[-1] if kept else None,
        versions=tuple(dict.fromkeys(script.study.version for script in kept)),
        sessions=sessions,
        found=found,
        coders=tuple(sorted(set(coders))),
        agreement=computed[-1] if computed else None,
        whole=sum(log.verify(entry.session).whole for entry in sessions),
        consents=consents,
    )


def card_of(facts: Facts) -> StudyCard:
    """The card; what is not known is `N/A`."""
    return StudyCard(
        benchmark_details=_details(facts),
        purpose_and_intended_users=_purpose(facts),
        data=_data(facts),
        methodology=_methodology(facts),
        targeted_risks=_risks(facts),
        ethical_and_legal_considerations=_ethics(facts),
    )


def _details(facts: Facts) -> BenchmarkDetails:
    script = facts.script
    return BenchmarkDetails(
        name=f"{script.study.title} ({facts.study})" if script else facts.study,
        overview=" ".join(script.welcome.split()) if script else UNKNOWN,
        data_type="interaction logs of people who explain and repair predictions of an image classifier",
        domains=("interpretability of vision models", "human-computer interaction"),
        languages=(UNKNOWN,),
        similar_benchmarks=(UNKNOWN,),
        resources=(
            f"script version {', '.join(facts.versions)}, SHA-256 {script.sha256}" if script else UNKNOWN,
            f"contact: {script.study.contact}" if script else UNKNOWN,
        ),
    )


def _purpose(facts: Facts) -> PurposeAndIntendedUsers:
    script = facts.script
    tasks = tuple(f"{key}: {' '.join(task.goal.split())}" for key, task in script.tasks.items()) if script else ()
    return PurposeAndIntendedUsers(
        goal=UNKNOWN,
        audience=(UNKNOWN,),
        tasks=tasks or (UNKNOWN,),
        limitations=" ".join(_limitations(facts)),
        out_of_scope_uses=(UNKNOWN,),
    )


def _limitations(facts: Facts) -> list[str]:
    found, script = facts.found, facts.script
    said = [f"{many(len(found.people), 'participant')}; intervals are as wide as that makes them."]
    if found.simulated:
        said.append(f"{found.simulated} of them are simulated: their choices are a program's.")
    orders = {tuple(dict.fromkeys(attempt.task for attempt in one.attempts)) for one in found.people}
    if len(found.people) > 1 and len(orders) == 1 and len(next(iter(orders))) > 1:
        said.append("Everybody met the tasks in one order, so that practice and task cannot be told apart.")
    if script:
        answers = {answer.id for task in script.tasks.values() for answer in task.answers}
        if TRUST not in answers:
            said.append("What trust rests on is not asked.")
        if not all(task.ground_truth for task in script.tasks.values()):
            said.append("Not every task states its true cause.")
    return said


def _data(facts: Facts) -> Data:
    modes = Counter(entry.mode for entry in facts.sessions)
    rows = sum(entry.rows for entry in facts.sessions)
    acts = sum(entry.interventions for entry in facts.sessions)
    people = sum(count for mode, count in modes.items() if mode not in NOT_DATA)
    others = "".join(f", {count} {NAMES[mode]}" for mode, count in sorted(modes.items()) if mode in NOT_DATA)
    days = sorted({f"{datetime.fromtimestamp(entry.started_ns / 1e9, UTC):%Y-%m-%d}" for entry in facts.sessions})
    when = f", begun from {days[0]} to {days[-1]} (UTC)" if days else ""
    human = f"human coders: {', '.join(facts.coders)}" if facts.coders else f"human coders: {UNKNOWN}"
    return Data(
        source=f"{many(people, 'session')} of people{others}{when}",
        size=f"{many(rows, 'event')}, {many(acts, 'intervention')}. {who_took_part(facts.found.plain())}",
        format=f"append-only log, schema version {SCHEMA_VERSION}; exports as {', '.join(FORMATS)}",
        annotation=f"interventions coded by {VERSION}, a definition for each code; {human}",
    )


def _methodology(facts: Facts) -> Methodology:
    tasks = list(facts.script.tasks.values()) if facts.script else []
    tools = list(dict.fromkeys(tool for task in tasks for tool in task.tools))
    methods = [f"tools offered: {', '.join(tools)}"] if tools else [UNKNOWN]
    if facts.script and facts.script.think_aloud:
        methods.append("participants are asked to think aloud")
    methods += [f"asked after each task: {asked}" for asked in dict.fromkeys(map(_asked, tasks))]
    return Methodology(
        methods=tuple(methods),
        metrics=tuple(finding.title for finding in facts.found.all),
        calculation=(
            "Shares of participants with Wilson 95 % intervals; means and medians with percentile bootstrap 95 % "
            f"intervals over participants, {REPLICATES:,} replicates, seed {SEED}"
        ),
        interpretation=" ".join(facts.found.of(key).counted for key in ("repair", "held_out")),
        baseline_results=_shams(facts.found.of("held_out")),
        validation=_validation(facts, tasks),
    )


def _asked(task: Task) -> str:
    kinds = (f"{answer.id} ({'words' if isinstance(answer, FreeText) else 'scale'})" for answer in task.answers)
    return ", ".join(kinds)


def _shams(held_out: Finding) -> str:
    shams = [one for one in held_out.figures if one.name.endswith("by a sham") and one.value is not None]
    return "; ".join(f"{one.where}, {one.name}: {said(one.plain())}" for one in shams) or UNKNOWN


def _validation(facts: Facts, tasks: Sequence[Task]) -> str:
    verdicts = Counter(entry.verdict for entry in facts.sessions if entry.verdict)
    replays = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or UNKNOWN
    known = sum(task.ground_truth is not None for task in tasks)
    truths = f"{known} of {len(tasks)}" if tasks else UNKNOWN
    return (
        f"hash chain whole in {facts.whole} of {many(len(facts.sessions), 'session')}; replays on record: {replays}; "
        f"tasks with a stated true cause: {truths}; agreement of coders: {_agreement(facts.agreement)}"
    )


def _agreement(computed: AgreementComputed | None) -> str:
    """Krippendorff's alpha of each layer, as it was last kept."""
    figures = [one for one in computed.figures if one.statistic == "alpha" and one.of == one.layer] if computed else []
    told = (f"{one.layer} {one.value:.2f} ({many(one.units, 'unit')})" for one in figures if one.value is not None)
    return f"alpha {', '.join(told)}" if any(one.value is not None for one in figures) else UNKNOWN


def _risks(facts: Facts) -> TargetedRisks:
    tasks = facts.script.tasks.values() if facts.script else ()
    causes = tuple(dict.fromkeys(task.ground_truth.cause for task in tasks if task.ground_truth))
    return TargetedRisks(
        risk_categories=causes or (UNKNOWN,),
        atlas_risks="N/A",
        demographic_analysis=UNKNOWN,
        harm=UNKNOWN,
    )


def _ethics(facts: Facts) -> EthicalAndLegalConsiderations:
    script = facts.script
    scopes: list[str] = []
    for scope in script.consent.scopes if script else ():
        given = facts.consents.get(scope.key, Counter())
        kind = "required" if scope.required else "optional"
        scopes.append(f"{scope.key} ({kind}): {given[True]} allowed, {given[False]} refused")
    return EthicalAndLegalConsiderations(
        privacy_and_anonymity=(
            "Pseudonyms only; links are kept as digests, no address of a machine is kept. Words of participants are "
            f"quoted only where they allowed it. Sessions erased: {facts.found.erased}, withdrawn: "
            f"{facts.found.withdrawn}. Kept: {_kept(script)}"
        ),
        data_licensing=UNKNOWN,
        consent_procedures=(
            f"Each scope is asked by itself, before anything else: {'; '.join(scopes)}. SHA-256 of the text: "
            f"{script.consent_sha256}"
            if script
            else UNKNOWN
        ),
        compliance_with_regulations=UNKNOWN,
    )


def _kept(script: StudyScript | None) -> str:
    """How long each part is kept after a session, as the script promises it."""
    if script is None:
        return UNKNOWN
    days = script.consent.retention_days
    parts = (("recordings", days.audio), ("transcripts", days.transcript), ("events", days.events))
    return ", ".join(f"{part} {many(count, 'day') if count else 'without end'}" for part, count in parts)
