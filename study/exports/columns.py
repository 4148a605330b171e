"""The data dictionary: what each column of an export means, where it comes from and what an empty cell says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import TextIO

from study.exports.claim_columns import CLAIMED
from study.exports.column import NOT_HERE, Column, col
from study.exports.session_columns import AROUND

NO_TASK = "the event belongs to no task"
NOT_SENT = "the browser sent none"
UNMEASURED = "not measured in this window yet"
LATER = "not recorded by this version"
EDITS = "JSON list of {component, op, strength, scope, patches}; strength in codes for set and add."
LOGITS = "JSON list of every class's logit, exact, in the order of the labels."
TOPK = "JSON list of [label, probability], the most probable classes first."

# Columns of the events table, the same for every kind of event.
PLACE = (
    col("schema_version", "integer", "log", "Version of the meaning of all columns."),
    col("event_id", "text", "log", "The event's own id (UUID), by which other events name it."),
    col("idem_key", "text", "log", "SHA-256 of the act's key; the second and later rows of one act add /1, /2, ..."),
    col("study_id", "text", "script", "The study, by the id in its script.", empty="the stream belongs to no study"),
    col("script_sha256", "text", "script", "Digest of the script and the texts it names.", empty="as study_id"),
    col("session_id", "text", "log", "The stream: one participant's one session."),
    col(
        "participant_pseudonym", "text", "log", "The participant's name in the record, P01, P02, ...", empty="nobody's"
    ),
    col("seq", "integer", "log", "The row's number in its session, from 1 without a gap; order by this only."),
    col("task_id", "text", "script", "The task, by its key in the script.", empty=NO_TASK),
    col("attempt", "integer", "log", "Which try at the task, from 1.", empty=NO_TASK),
    col("page", "text", "log", "The page that the event is about or came from.", empty="no page is concerned"),
    col("mode", "text", "log", "How the session was run.", levels="moderated|remote|preview|bot", empty="as study_id"),
    col("actor", "text", "log", "Who did it.", levels="participant|moderator|system|researcher"),
    col("name", "text", "log", "The kind of event."),
    col("target", "text", "log", "What the act was about: component/12, a scope, a page, an item.", empty="nothing"),
    col(
        "srv_utc_ns", "integer", "log", "Server wall clock since 1970-01-01 UTC; 64 bits, so read it whole.", unit="ns"
    ),
    col("srv_mono_ns", "integer", "log", "Server clock that never steps; compare within one boot_id only.", unit="ns"),
    col("boot_id", "text", "log", "Within one value, differences of srv_mono_ns are durations."),
    col("client_epoch_ms", "number", "browser", "The browser's wall clock at the act.", unit="ms", empty=NOT_SENT),
    col(
        "client_perf_ms",
        "number",
        "browser",
        "The browser's own timer at the act; compare within one client_time_origin.",
        unit="ms",
        empty=NOT_SENT,
    ),
    col("client_time_origin", "number", "browser", "When that timer was 0.", unit="ms since 1970", empty=NOT_SENT),
    col(
        "offset_ms",
        "number",
        "log",
        "The participant's browser clock minus the server's, as last measured.",
        unit="ms",
        empty=UNMEASURED,
    ),
    col(
        "offset_err_ms",
        "number",
        "log",
        "Greatest error of offset_ms, and so of aligned times.",
        unit="ms",
        empty=UNMEASURED,
    ),
    col("media_id", "text", "log", "The recording that runs at this event.", empty=LATER),
    col("media_ms", "number", "log", "Time in that recording.", unit="ms", empty=LATER),
    col("before_state_id", "text", "engine", "Digest of the state before; equal states, equal ids.", empty=NOT_HERE),
    col("after_state_id", "text", "engine", "Digest of the state after.", empty=NOT_HERE),
    col("voids_event_id", "text", "log", "The earlier event that this one declares void.", empty="voids nothing"),
    col(
        "cause_event_id", "text", "log", "The first event of the act that this row belongs to.", empty="it is the first"
    ),
    col("payload_digest", "text", "log", "SHA-256 of the payload's salt and canonical JSON."),
    col("prev_hash", "text", "log", "Hash of the row before it in the session; 64 zeros at seq 1."),
    col("hash", "text", "log", "SHA-256 of the canonical JSON of all columns above: one link of the session's chain."),
    col("payload_erased", "boolean", "log", "Whether the payload, and with it all columns below, was erased."),
)

# Cells that the kinds of events own.
CELLS = (
    col("study_version", "text", "script", "Version of the script that the session runs under.", empty=NOT_HERE),
    col("app_version", "text", "log", "Version of Tiller that started the session.", empty=NOT_HERE),
    col("slot", "integer", "log", "Row of the assignment table that the session took.", empty=NOT_HERE),
    col("levels", "text", "log", "Level of each factor that was drawn with the slot, as factor=level.", empty=NOT_HERE),
    col("language", "text", "log", "Language of the texts; empty: the script's first.", empty=NOT_HERE),
    col(
        "gap_s",
        "number",
        "log",
        "Time since the session was last heard of when it was opened again, taken over or closed.",
        unit="s",
        empty=NOT_HERE,
    ),
    col(
        "outcome",
        "text",
        "log",
        "How the session ended.",
        levels="completed|no_consent|rejected|screened_out",
        empty=NOT_HERE,
    ),
    col(
        "reason",
        "text",
        "participant",
        "Why it was withdrawn, paused, rejected or skipped, in the words of who did it.",
        empty="none given",
    ),
    col("consent_scope", "text", "script", "The consent scope that was answered.", empty=NOT_HERE),
    col("text_sha256", "text", "script", "Digest of the consent text as it was shown.", empty=NOT_HERE),
    col("dwell_ms", "number", "log", "Time on the page that was left.", unit="ms", empty="not known"),
    col("task_order", "integer", "log", "The task's place in the session, from 1.", empty=NOT_HERE),
    col("condition", "text", "script", "The within-subject condition that the task was done under.", empty="none"),
    col("image", "text", "script", "File name of the picture, without meaning.", empty=NOT_HERE),
    col("image_sha256", "text", "engine", "Digest of the picture's file.", empty=NOT_HERE),
    col(
        "labels", "JSON", "script", "The classes that the model chose from, in the order of the logits.", empty=NOT_HERE
    ),
    col("labels_sha256", "text", "engine", "Digest of class names and prompt templates.", empty=NOT_HERE),
    col("model_sha256", "text", "engine", "Digest of the model's weights.", empty=NOT_HERE),
    col("dictionary_sha256", "text", "engine", "Digest of the sparse autoencoder's weights.", empty=NOT_HERE),
    col("view", "text", "browser", "The attribution view on the screen.", empty="none, or " + NOT_HERE),
    col("toward", "text", "browser", "The label whose margin was explained.", empty=NOT_HERE),
    col("against", "text", "browser", "The label it was explained against.", empty=NOT_HERE),
    col(
        "components_shown",
        "text",
        "engine",
        "Components in the order shown, by number, spaces between.",
        empty=NOT_HERE,
    ),
    col("search", "text", "browser", "How components were searched for.", levels="word|region|move", empty=NOT_HERE),
    col("search_text", "text", "participant", "The word searched for.", empty="another search, or " + NOT_HERE),
    col(
        "layout",
        "text",
        "browser",
        "How the components were drawn; under view gradient the waterfall is of integrated gradients.",
        levels="list|waterfall",
        empty=NOT_HERE,
    ),
    col("overlay", "text", "browser", "The map that was laid over the picture.", empty=NOT_HERE),
    col("component", "integer", "browser", "The component that the act was about, from 0.", empty=NOT_HERE),
    col("control", "text", "browser", "The control that was used.", empty=NOT_HERE),
    col(
        "tool",
        "text",
        "log",
        "Tool that was used; suppress is any factor below 1, amplify any above. For a failed act, its kind.",
        levels="suppress|amplify|set|add|restore",
        empty=NOT_HERE,
    ),
    col("value", "number", "browser", "What the control said, in `unit`.", empty=NOT_HERE),
    col("unit", "text", "browser", "Unit of `value`.", levels="factor|p99|code", empty=NOT_HERE),
    col("scope", "text", "browser", "Tokens that the edit reaches.", levels="active|all|cls|patches", empty=NOT_HERE),
    col(
        "patches",
        "text",
        "browser",
        "Patches with scope patches, row by row from 0, spaces between.",
        empty="no patches",
    ),
    col(
        "op", "text", "log", "Operator of the component's edit afterwards.", levels="scale|set|add", empty="left alone"
    ),
    col(
        "strength", "number", "log", "Its strength: a factor under scale, codes under set and add.", empty="left alone"
    ),
    col(
        "op_previous",
        "text",
        "log",
        "Operator of the component's edit before.",
        levels="scale|set|add",
        empty="left alone",
    ),
    col("strength_previous", "number", "log", "Strength of the component's edit before.", empty="left alone"),
    col("undone_event_id", "text", "log", "The intervention that was taken back.", empty=NOT_HERE),
    col("redone_event_id", "text", "log", "The intervention that was done again.", empty=NOT_HERE),
    col("edits_before", "JSON", "log", f"All edits before. {EDITS}", empty=NOT_HERE),
    col("logits_before", "JSON", "engine", f"What the model said before. {LOGITS}", empty=NOT_HERE),
    col("top1_before", "text", "engine", "The most probable class before.", empty=NOT_HERE),
    col("top1_probability_before", "number", "engine", "Its probability.", empty=NOT_HERE),
    col("topk_before", "JSON", "engine", f"The best classes before. {TOPK}", empty=NOT_HERE),
    col("edits_after", "JSON", "log", f"All edits after. {EDITS}", empty=NOT_HERE),
    col("logits_after", "JSON", "engine", f"What the model said after. {LOGITS}", empty=NOT_HERE),
    col("top1_after", "text", "engine", "The most probable class after.", empty=NOT_HERE),
    col("top1_probability_after", "number", "engine", "Its probability.", empty=NOT_HERE),
    col("topk_after", "JSON", "engine", f"The best classes after. {TOPK}", empty=NOT_HERE),
    col("latency_ms", "number", "engine", "Time that the model took to answer.", unit="ms", empty=NOT_HERE),
    col("cache_hit", "boolean", "engine", "Whether the answer had been computed earlier and kept.", empty=NOT_HERE),
    col(
        "edit_norm_ratio",
        "number",
        "engine",
        "Size of the change at the dictionary's layer over the size of the activations, all tokens.",
        empty=NOT_HERE,
    ),
    col("environment_sha256", "text", "engine", "Digest of the environment that the payload lists.", empty=NOT_HERE),
    col("item", "text", "script", "The question that was answered.", empty=NOT_HERE),
    col(
        "answer_text",
        "text",
        "participant",
        "The answer in the participant's words; quote it only where consent.given has scope quote.",
        empty="none given",
    ),
    col("answer_number", "number", "participant", "The answer on a scale.", empty="none given"),
    col("reference", "text", "log", "Number of a failure, as shown to the participant.", empty=NOT_HERE),
    col("error", "text", "log", "Class of the error that caused it.", empty=NOT_HERE),
)

COLUMNS = PLACE + CELLS + AROUND + CLAIMED
NAMES = tuple(one.column for one in COLUMNS)


def write_dictionary(file: TextIO, columns: Sequence[Column] = COLUMNS) -> int:
    """Write the dictionary of `columns` as CSV; return its rows."""
    writer = csv.writer(file)
    writer.writerow([one.name for one in fields(Column)])
    writer.writerows(astuple(one) for one in columns)
    return len(columns)
