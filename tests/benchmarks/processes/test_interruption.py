"""Ctrl-C, a termination, a hang-up and SIGUSR1 end work in one way, whenever they come."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from ssl_benchmarks.processes import interruption
from ssl_benchmarks.processes.interruption import SIGNALS, stop_asked, stopped_by_signals, told_of_signals

NAMES = [number.name for number in SIGNALS]


@pytest.fixture(autouse=True)
def as_from_a_terminal() -> Iterator[None]:
    """Whatever these tests run under."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds by which signals are distinguished."""
    now = [100.0]
    monkeypatch.setattr(interruption.time, "monotonic", lambda: now[0])
    yield now
    assert not stop_asked(), "forgotten after the block"


def send(name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])


@pytest.mark.parametrize("name", NAMES)
def test_each_interrupts_and_is_left_as_it_was(name: str) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stopped_by_signals():
        assert not stop_asked()
        with pytest.raises(KeyboardInterrupt):
            send(name)
        assert stop_asked()
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("name", NAMES)
def test_the_first_asks_what_comes_with_it_is_the_same_request_and_a_later_one_insists(
    name: str, clock: list[float]
) -> None:
    """A closing terminal sends a hang-up, a termination and more."""
    with told_of_signals() as request:
        assert not request.made
        send(name)
        assert request.made
        for also in NAMES:
            send(also)
        clock[0] += 1.5
        with pytest.raises(KeyboardInterrupt):
            send(name)
        send(name)


def test_clean_up_is_not_cut_by_what_comes_with_the_first(clock: list[float]) -> None:
    cleaned = 0
    with stopped_by_signals():
        try:
            with pytest.raises(KeyboardInterrupt):
                send("SIGINT")
        finally:
            send("SIGHUP")
            cleaned += 1
        clock[0] += 1.5
        with pytest.raises(KeyboardInterrupt):
            send("SIGTERM")
    assert cleaned == 1


def test_a_block_within_another_adds_nothing(clock: list[float]) -> None:
    with stopped_by_signals():
        with stopped_by_signals():
            handler = signal.getsignal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is handler
        with told_of_signals() as request:
            send("SIGUSR1")
        assert request.made
        clock[0] += 1.5
        with pytest.raises(KeyboardInterrupt):
            send("SIGUSR1")


def test_nohup_and_handlers_of_the_caller_s_stay() -> None:
    seen: list[int] = []

    def own(number: int, frame: FrameType | None) -> None:
        del frame
        seen.append(number)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGUSR1, own)
    try:
        with stopped_by_signals():
            send("SIGHUP")
            send("SIGUSR1")
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGUSR1, before[1])
    assert seen == [signal.SIGUSR1]


class Finaliser:
    """Something that a signal comes into."""

    def __del__(self) -> None:
        send("SIGTERM")


def test_an_interruption_that_was_lost_in_a_finaliser_comes_again() -> None:
    """Python drops what is raised in `__del__`."""
    with stopped_by_signals():
        thing = Finaliser()
        del thing
        with pytest.raises(KeyboardInterrupt):
            threading.Event().wait(30)


def test_outside_of_the_main_thread_nothing_is_touched() -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def work() -> None:
        with told_of_signals() as request:
            found.append((request.made, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, before)]
