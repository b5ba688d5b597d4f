"""What `c2fpl clips` can be told, checked at birth. Light to import."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """Which events become clips, and how much around them."""

    top: int = 20
    """How many events, highest peak first."""
    before_s: float = 2.0
    """Seconds shown before the event."""
    after_s: float = 2.0
    """Seconds shown after it."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top {self.top} must be at least 1: the number of events to cut")
        for name in ("before_s", "after_s"):
            if not 0 <= getattr(self, name) < 3600:
                raise ValueError(f"{name} {getattr(self, name)} is not in [0, 3600) seconds")
