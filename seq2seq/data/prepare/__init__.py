"""Corpora -> a folder of tokenizers and ids, made once for each content and kept in a cache."""

from seq2seq.data.prepare.cache import default_cache
from seq2seq.data.prepare.preparation import prepare
from seq2seq.data.prepare.prepared import Prepared
from seq2seq.data.prepare.summary import LEAKED, SplitSummary, Summary

__all__ = ["LEAKED", "Prepared", "SplitSummary", "Summary", "default_cache", "prepare"]
