"""Where the record, the bundle and the study script are: read from the environment once, by a root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What a root needs to compose the app; the defaults run the demo with nothing set."""

    database_url: str
    bundle: Path
    study: Path
    files: Path | None = None  # recordings and exports; beside the record if none is named


def settings_in(environment: Mapping[str, str], *, home: Path = HOME) -> Settings:
    """Settings from TILLER_DATABASE_URL, TILLER_BUNDLE, TILLER_STUDY and TILLER_FILES; `home` is the checkout."""
    return Settings(
        database_url=environment.get("TILLER_DATABASE_URL") or f"sqlite:///{home / 'data' / 'tiller.db'}",
        bundle=Path(environment.get("TILLER_BUNDLE") or home / "data" / "demo"),
        study=Path(environment.get("TILLER_STUDY") or home / "data" / "studies" / "demo.yaml"),
        files=Path(environment["TILLER_FILES"]) if environment.get("TILLER_FILES") else None,
    )
