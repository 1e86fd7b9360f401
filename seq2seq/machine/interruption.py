"""Long work in another language's code, which sees no Ctrl-C."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def interruptible(work: Callable[[threading.Event], Result]) -> Result:
    """Return `work(interrupted)`, done in another thread: Ctrl-C ends the wait for it at once.

    Python answers a signal when its main thread gets to run Python code, which must not be when a
    library is done. The event is then set, for `work` to bring Python's part of it to an end; what
    is not Python ends with the process, and its result is lost. Raises what `work` raises.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    interrupted = threading.Event()

    def do() -> None:
        try:
            results.append(work(interrupted))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        interrupted.set()
        raise
    for error in errors:
        raise error
    return results[0]
