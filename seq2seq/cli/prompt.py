"""The prompt of `translate` at a terminal: it translates a line, and obeys a `:command`."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from seq2seq.cli.options import revised_decoding
from seq2seq.cli.output import legible, tell
from seq2seq.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from seq2seq.translation.texts import TextTranslator
    from seq2seq.translation.translation import Translation

_REMEMBERED = 1000  # lines of history
_HELP = """\
TEXT             translate TEXT
:explain [TEXT]  show how the model translates TEXT, or else the last text
:beam 10         change a decoding setting; :beam alone shows its value
:help            show this help
:quit            leave, like Ctrl-D; Ctrl-C clears the line or stops a translation
Put a space before a text that begins with a colon and a letter.
Decoding settings: {settings}"""


def converse(translator: TextTranslator, render: Callable[[Translation], str]) -> None:
    """Answer lines from the terminal until it closes; an error is printed and the prompt goes on.

    The settings are `translator.options`, which commands change.
    """
    logging.getLogger("seq2seq").info(":help lists the commands; Ctrl-D leaves")
    conversation = _Conversation(translator, render)
    with _history():
        while not conversation.ended:
            try:
                conversation.answer(input("> "))
            except EOFError:
                tell()
                return
            except KeyboardInterrupt:
                tell()
            except UnicodeError:
                print("error: expected UTF-8 text", file=sys.stderr)
            except (UserError, OSError) as error:
                print(legible(f"error: {' '.join(str(error).split())}"), file=sys.stderr)


class _Conversation:
    """The last text, and the settings, from one line to the next."""

    def __init__(self, translator: TextTranslator, render: Callable[[Translation], str]) -> None:
        self._translator, self._render = translator, render
        self._last = ""
        self.ended = False

    def answer(self, line: str) -> None:
        """Obey a command, or print the translation of a text."""
        line.encode("utf-8")  # the bytes of another encoding are refused here
        if line[:1] == ":" and line[1:2].isalpha():
            name, _, value = line[1:].partition(" ")
            self._obey(name.replace("-", "_"), value.strip())
        elif line.strip():
            self._last = line.strip()
            tell(self._render(self._translator.translate(self._last)), flush=True)

    def _obey(self, name: str, value: str) -> None:
        settings = list(type(self._translator.options).model_fields)
        if name in ("quit", "q", "exit"):
            self.ended = True
        elif name == "help":
            tell(_HELP.format(settings=", ".join(settings)))
        elif name == "explain":
            self._explain(value or self._last)
        elif name in settings:
            if value:
                self._change(name, value)
            tell(f"{name}: {getattr(self._translator.options, name)}")
        else:
            hint = did_you_mean(name, ["quit", "help", "explain", *settings])
            raise UserError(f":{name}: no such command{hint}; :help lists all commands")

    def _change(self, name: str, value: str) -> None:
        from seq2seq.config import parse_value

        try:
            parsed = parse_value(value)
        except UserError as error:
            raise UserError(f":{name}: {error}") from None
        options = revised_decoding(self._translator.options, {name: parsed}, name=":{}".format)
        list(
            self._translator.stream([], options)
        )  # refuses settings that this model does not support
        self._translator.options = options

    def _explain(self, text: str) -> None:
        from seq2seq.export.translator import LightTranslator

        if not text:
            raise UserError(":explain: no text to explain; give one: :explain TEXT")
        if isinstance(self._translator, LightTranslator):
            raise UserError(
                ":explain: an exported model has no inner states to show; translate by its run"
            )
        from seq2seq.explain import explain
        from seq2seq.explain.table import WIDTH, render
        from seq2seq.inference.translator import Translator

        assert isinstance(self._translator, Translator)
        self._last = text
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        tell(render(explain(self._translator, text), width=width))


@contextmanager
def _history() -> Iterator[None]:
    """Let the arrow keys find the lines of this conversation and of earlier ones."""
    try:
        import readline
    except ImportError:  # Windows, whose terminal has a history of its own
        yield
        return
    from seq2seq.data.prepare import default_cache

    file = default_cache().parent / "history"
    with suppress(OSError):  # no history yet
        readline.read_history_file(file)
    readline.set_history_length(_REMEMBERED)
    readline.set_auto_history(True)
    try:
        yield
    finally:
        with suppress(OSError):  # without a writable folder the prompt works, and keeps no history
            os.makedirs(file.parent, exist_ok=True)
            readline.write_history_file(file)
