"""Events of setting up: what the participant's window, microphone and clock were found to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening
from study.predictions import Real


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChecked(Happening):
    """Whether the window is large enough and points finely; nothing is kept by which a browser is told from others.

    Sizes are CSS pixels; `pointer` is fine, coarse or none, as the browser's media query says.
    """

    name: ClassVar[str] = "device.checked"
    passed: bool
    width: int
    height: int
    pixel_ratio: Real = 1.0
    pointer: str = "fine"
    microphone: bool | None = None  # None where the script records no voice

    def cells(self) -> dict[str, Cell]:
        return {
            "passed": self.passed,
            "viewport_width": self.width,
            "viewport_height": self.height,
            "pixel_ratio": self.pixel_ratio,
            "pointer": self.pointer,
            "microphone": self.microphone,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MicChecked(Happening):
    """Whether a spoken sentence was recorded, played back and confirmed."""

    name: ClassVar[str] = "mic.checked"
    passed: bool
    level_dbfs: Real | None = None  # the loudest moment, 0 at full scale; None where nothing came
    length_ms: Real = 0.0

    def cells(self) -> dict[str, Cell]:
        return {"passed": self.passed, "level_dbfs": self.level_dbfs, "length_ms": self.length_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSynced(Happening):
    """The browser's clock was compared with the server's by pings; the one with the least round trip counts.

    `offset_ms` is browser minus server, `error_ms` half of that round trip. Both fill their columns in this row and
    the following ones, until another comparison or another window.
    """

    name: ClassVar[str] = "clock.synced"
    offset_ms: Real
    error_ms: Real
    pairs: int  # pings sent and answered

    def cells(self) -> dict[str, Cell]:
        return {"clock_pairs": self.pairs}
