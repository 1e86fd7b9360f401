"""A signal asks politely once; the handlers from before come back."""

import signal
import threading

import pytest

from seq2seq.training.signals import StopRequest, stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_is_noted_by_name(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop
        assert str(stop) == number.name


def test_the_second_signal_interrupts() -> None:
    with pytest.raises(KeyboardInterrupt), stop_on_signals() as stop:  # noqa: PT012 -- two signals
        signal.raise_signal(signal.SIGTERM)
        assert str(stop) == "SIGTERM"
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_the_handlers_from_before_come_back(error: type[Exception] | None) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with stop_on_signals():
            if error:
                raise error
    except RuntimeError:
        pass
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_nohup_or_a_shell_s_background_ignores_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            signal.raise_signal(number)
            assert not stop
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_in_another_thread_it_is_never_asked_to_stop() -> None:
    seen: list[StopRequest] = []

    def work() -> None:
        with stop_on_signals() as stop:
            seen.append(stop)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not seen[0]
