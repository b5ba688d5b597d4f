"""Events are delivered to a program or a URL once, and again while nobody takes them."""

import json
import socket
import sys
import threading
from pathlib import Path

import pytest

from c2fpl.pipeline.notify import Notifier
from c2fpl.pipeline.report.events import Event
from c2fpl.pipeline.settings import WatchSettings


def event(start_frame: int) -> Event:
    return Event("door", start_frame, start_frame + 16, 1.0, 2.0, 0.9, start_frame)


def test_an_event_is_reported_once_also_after_a_restart(tmp_path: Path) -> None:
    script = tmp_path / "hear.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')")
    heard = tmp_path / "heard with a blank.jsonl"
    settings = WatchSettings(command=f"{sys.executable} {script} '{heard}'")
    for events in ([event(0)], [event(0), event(32)], [event(32)]):
        Notifier(tmp_path / "notified.csv", settings, str).report(events, 0)
    lines = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [line["start_frame"] for line in lines] == [0, 32]


def test_an_event_that_could_not_be_delivered_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing = WatchSettings(command=f"{sys.executable} -c 'raise SystemExit(1)'")
    Notifier(tmp_path / "notified.csv", failing, str).report([event(0)], 0)
    assert "was not delivered" in caplog.text
    assert not (tmp_path / "notified.csv").exists()
    working = WatchSettings(command=f"{sys.executable} -c 'pass'")
    Notifier(tmp_path / "notified.csv", working, str).report([event(0)], 0)
    assert "door,door,0" in (tmp_path / "notified.csv").read_text()


class Deliveries(Notifier):
    """Delivers events at the frames in `accepted` and lists all tries."""

    def __init__(self, path: Path, *accepted: int) -> None:
        super().__init__(path, WatchSettings(), str)
        self.accepted, self.tries = set(accepted), list[int]()

    def _deliver(self, event: Event) -> bool:
        self.tries.append(event.start_frame)
        return event.start_frame in self.accepted


def test_undelivered_events_are_retried_every_minute_without_a_new_video(tmp_path: Path) -> None:
    notifier = Deliveries(tmp_path / "notified.csv", 16)
    notifier.report([event(0), event(16)], 100)
    for now_s in (101, 159, 160, 219, 220):
        notifier.retry(now_s)
    assert notifier.tries == [0, 16, 0, 0]
    notifier.accepted.add(0)
    for now_s in (280, 400):
        notifier.retry(now_s)
    assert notifier.tries == [0, 16, 0, 0, 0]
    assert len((tmp_path / "notified.csv").read_text().splitlines()) == 3


def test_three_failures_in_a_row_let_the_rest_wait_and_go_first_next_time(tmp_path: Path) -> None:
    notifier = Deliveries(tmp_path / "notified.csv", 48)
    notifier.report([event(16 * i) for i in range(4)], 0)
    assert notifier.tries == [0, 16, 32]
    notifier.retry(60)
    assert notifier.tries == [0, 16, 32, 48, 0, 16, 32]


def test_events_wait_while_the_receiver_is_down(tmp_path: Path) -> None:
    notifier = Deliveries(tmp_path / "notified.csv", 16)
    notifier.report([event(0)], 100)
    notifier.report([event(16), event(0)], 101)
    assert notifier.tries == [0]  # no arrival waits for the timeout of each event again
    notifier.retry(160)
    assert notifier.tries == [0, 0, 16]
    notifier.accepted.add(0)
    notifier.retry(220)
    notifier.retry(280)
    assert notifier.tries == [0, 0, 16, 0]


def test_another_recording_of_the_same_name_has_new_events(tmp_path: Path) -> None:
    notifier = Deliveries(tmp_path / "notified.csv", 0)
    for recording in "aab":
        notifier.fingerprint_of = {"door": recording}.__getitem__
        notifier.report([event(0)], 0)
    assert notifier.tries == [0, 0]


@pytest.mark.parametrize("answer", [b"what?\r\n\r\n", b"", b"HTTP/1.1 503 Down\r\n\r\n"])
def test_a_webhook_that_answers_anything_does_not_end_the_watch(
    tmp_path: Path, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        settings = WatchSettings(webhook=f"http://127.0.0.1:{port}/events")
        Notifier(tmp_path / "notified.csv", settings, str).report([event(0)], 0)
        thread.join()
    assert "was not delivered" in caplog.text
