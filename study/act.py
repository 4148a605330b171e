"""What every act from the browser has: an id of its own, its task, what was pressed, and the browser's clocks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from study.records import ClientTime

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, lt=2**31)]


class OneAct(BaseModel):
    """One act, whatever its kind."""

    model_config = ConfigDict(frozen=True, strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,80}$")]
    task: Name
    control: Name = "button"
    epoch_ms: Number | None = None
    perf_ms: Number | None = None
    origin_ms: Number | None = None

    @property
    def client(self) -> ClientTime:
        """The browser's clocks at the act."""
        return ClientTime(epoch_ms=self.epoch_ms, perf_ms=self.perf_ms, time_origin=self.origin_ms)
