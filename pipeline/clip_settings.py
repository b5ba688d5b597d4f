"""Settings of `c2fpl clips`, validated on construction. Light to import."""

from dataclasses import dataclass

from c2fpl.errors import BadSettings
from c2fpl.field_checks import check_fields


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """Which events to cut, and how much video around them."""

    top: int = 20
    """Number of events to cut, highest peak first."""
    before_s: float = 2.0
    """Seconds of video to include before the event."""
    after_s: float = 2.0
    """Seconds of video to include after the event."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.top < 1:
            raise BadSettings(f"top {self.top} must be at least 1: the number of events to cut")
        for name in ("before_s", "after_s"):
            if not 0 <= getattr(self, name) < 3600:
                raise BadSettings(f"{name} {getattr(self, name)} is not in [0, 3600) seconds")
