import numpy as np

from seq2seq.data.padding import pad
from seq2seq.data.tokenizer import EOS, PAD


def test_rows_are_filled_up_on_the_right_and_keep_their_lengths() -> None:
    padded, lengths = pad([[7, 8, 9], np.array([5], np.uint16)], end=False)
    assert padded.tolist() == [[7, 8, 9], [5, PAD, PAD]]
    assert lengths.tolist() == [3, 1]
    assert padded.dtype == lengths.dtype == np.int64


def test_an_end_counts() -> None:
    padded, lengths = pad([[7, 8], []], end=True)
    assert padded.tolist() == [[7, 8, EOS], [EOS, PAD, PAD]]
    assert lengths.tolist() == [3, 1]
