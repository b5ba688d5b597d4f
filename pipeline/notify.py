"""Reports each event once, to a command or a webhook."""

import json
import logging
import shlex
import subprocess
import urllib.request
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from c2fpl.pipeline.files.run_files import load_table, save_table
from c2fpl.pipeline.report.events import Event
from c2fpl.pipeline.settings import WatchSettings

logger = logging.getLogger(__name__)

COMMAND_TIMEOUT_S = 60.0
WEBHOOK_TIMEOUT_S = 10.0
COLUMNS = ("video", "peak_frame")
"""Identifies an event. Its start and end can move slightly as other videos arrive."""


@dataclass(frozen=True)
class Notifier:
    """Reports events and lists them in `path`, so that a restart does not repeat them."""

    path: Path
    settings: WatchSettings

    def report(self, events: Iterable[Event]) -> None:
        """Report new events. An event that cannot be delivered is retried at the next call."""
        rows = load_table(self.path, COLUMNS) if self.path.exists() else []
        known = {tuple(row[column] for column in COLUMNS) for row in rows}
        for event in events:
            key = (event.video, str(event.peak_frame))
            if key not in known and self._deliver(event):
                logger.info("event in %s at %.1f s", event.video, event.start_s)
                known.add(key)
                save_table(self.path, COLUMNS, sorted(known))

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
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("event in %s was not delivered, will retry: %s", event.video, error)
            return False
        return True


def _post(address: str, message: str) -> None:
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, message.encode(), kind)
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S):
        pass
