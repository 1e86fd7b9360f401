"""The data doctor: everything suspicious about a corpus, in one report, before the first step."""

from seq2seq.data.doctor.check import check_corpora
from seq2seq.data.doctor.report import Finding, Report

__all__ = ["Finding", "Report", "check_corpora"]
