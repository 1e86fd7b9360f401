"""Sources that are not text: files of numbers, read as sequences of features.

The names of the kinds are in `seq2seq.kinds.SOURCES`.
"""

from seq2seq.data.sources.backdrop import Backdrop
from seq2seq.data.sources.contract import Features, FileReader, Moments, Rows
from seq2seq.data.sources.opening import open_reader, read_model

__all__ = ["Backdrop", "Features", "FileReader", "Moments", "Rows", "open_reader", "read_model"]
