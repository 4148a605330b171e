"""Where the record, the bundle and the study script are: read from the environment once, by a root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.types import TillerError

SHORTEST_KEY = 16  # characters
HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What a root needs to compose the app; the defaults run the demo with nothing set."""

    database_url: str
    bundle: Path
    study: Path
    files: Path | None = None  # recordings and exports; beside the record if none is named
    study_key: str | None = field(default=None, repr=False)  # platform ids are kept only under it
    passphrase: str | None = field(default=None, repr=False)  # to the staff's pages; one is made if none is named


def settings_in(environment: Mapping[str, str], *, home: Path = HOME) -> Settings:
    """Settings from TILLER_DATABASE_URL, _BUNDLE, _STUDY, _FILES, _STUDY_KEY and _PASSPHRASE; `home` is the checkout.

    Raises:
        TillerError: the study key is too short to keep anything from being guessed.
    """
    study_key = environment.get("TILLER_STUDY_KEY") or None
    if study_key is not None and len(study_key) < SHORTEST_KEY:
        raise TillerError(
            f"TILLER_STUDY_KEY has {len(study_key)} characters; a key that nobody guesses has {SHORTEST_KEY} at least. "
            "Make one with `openssl rand -hex 32`."
        )
    return Settings(
        database_url=environment.get("TILLER_DATABASE_URL") or f"sqlite:///{home / 'data' / 'tiller.db'}",
        bundle=Path(environment.get("TILLER_BUNDLE") or home / "data" / "demo"),
        study=Path(environment.get("TILLER_STUDY") or home / "data" / "studies" / "demo.yaml"),
        files=Path(environment["TILLER_FILES"]) if environment.get("TILLER_FILES") else None,
        study_key=study_key,
        passphrase=environment.get("TILLER_PASSPHRASE") or None,
    )
