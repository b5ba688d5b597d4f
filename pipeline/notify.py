"""Reports each event once, to a command or a webhook."""

import json
import logging
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path

from c2fpl.pipeline.files.run_files import load_table, save_table
from c2fpl.pipeline.report.events import Event
from c2fpl.pipeline.settings import WatchSettings

logger = logging.getLogger(__name__)

COMMAND_TIMEOUT_S = 60.0
WEBHOOK_TIMEOUT_S = 10.0
RETRY_S = 60.0
_MOST_FAILURES = 3  # in a row; then the other events wait too, as each may take its whole timeout
COLUMNS = ("video", "features", "peak_frame")
"""Identifies an event, whose start and end depend on the threshold. `features` is the fingerprint
of the features: another recording of the same name has other events."""
Key = tuple[str, str, str]
"""The values of `COLUMNS`."""


@dataclass
class Notifier:
    """Reports events and lists them in `path`, so that a restart does not repeat them."""

    path: Path
    settings: WatchSettings
    fingerprint_of: Callable[[str], str]
    """Fingerprint of the features of a video, by name."""
    _known: set[Key] = field(init=False)
    _waiting: dict[Key, Event] = field(default_factory=dict)
    _tried_at_s: float = 0.0

    def __post_init__(self) -> None:
        rows = load_table(self.path, COLUMNS) if self.path.exists() else []
        self._known = {(row["video"], row["features"], row["peak_frame"]) for row in rows}

    def report(self, events: Iterable[Event], now_s: float) -> None:
        """Report new events. While others could not be delivered, they wait for `retry` too.

        Args:
            events: events, new or known.
            now_s: time of a monotonic clock, in seconds.
        """
        receiver_is_down = bool(self._waiting)
        keys = {self._key(event): event for event in events}
        self._waiting |= {key: event for key, event in keys.items() if key not in self._known}
        if not receiver_is_down:
            self._deliver_waiting(now_s)

    def retry(self, now_s: float) -> None:
        """Try undelivered events again, at most every `RETRY_S` seconds."""
        if self._waiting and now_s - self._tried_at_s >= RETRY_S:
            self._deliver_waiting(now_s)

    def _deliver_waiting(self, now_s: float) -> None:
        failed: dict[Key, Event] = {}
        failed_in_a_row = 0
        while self._waiting and failed_in_a_row < _MOST_FAILURES:
            key, event = next(iter(self._waiting.items()))
            del self._waiting[key]
            if not self._deliver(event):
                failed[key] = event
                failed_in_a_row += 1
                continue
            failed_in_a_row = 0
            logger.info("event in %s at %.1f s", event.video, event.start_s)
            self._known.add(key)
            save_table(self.path, COLUMNS, sorted(self._known))
        self._waiting |= failed
        self._tried_at_s = now_s

    def _key(self, event: Event) -> Key:
        return event.video, self.fingerprint_of(event.video), str(event.peak_frame)

    def _deliver(self, event: Event) -> bool:
        message = json.dumps(asdict(event))
        try:
            if self.settings.command:
                subprocess.run(
                    shlex.split(self.settings.command),
                    input=message.encode(),
                    timeout=COMMAND_TIMEOUT_S,
                    check=True,
                )
            if self.settings.webhook:
                _post(self.settings.webhook, message)
        except (OSError, ValueError, HTTPException, subprocess.SubprocessError) as error:
            logger.warning("event in %s was not delivered, will retry: %r", event.video, error)
            return False
        return True


def _post(address: str, message: str) -> None:
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, message.encode(), kind)
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S):
        pass
