import pytest

from seq2seq.evaluation.lengths import render_lengths, score_by_length


def test_each_sentence_counts_in_the_bucket_of_its_source_length() -> None:
    sources = ["w " * 2, "w " * 5, "w " * 6, "w " * 60]
    references = ["a b c d", "a b c d", "e f g h", "i j k l"]
    hypotheses = ["a b c d", "a b c d", "x y z w", "i j k l"]
    buckets = score_by_length(sources, hypotheses, [references], lengths=(5, 10))
    spans = [(bucket.shortest, bucket.longest, bucket.sentences) for bucket in buckets]
    assert spans == [(0, 5, 2), (6, 10, 1), (11, None, 1)]
    assert [bucket.bleu for bucket in buckets] == pytest.approx([100, 0, 100])
    assert [bucket.chrf for bucket in buckets] == pytest.approx([100, 0, 100])


def test_a_length_without_sentences_is_left_out_of_the_table() -> None:
    table = render_lengths(score_by_length(["un"], ["a b c d"], [["a b c d"]]))
    assert [row.split() for row in table.split("\n")[1:]] == [["0-5", "1", "100.00", "100.00"]]


def test_the_tokeniser_of_the_whole_counts_in_every_bucket_and_short_lines_have_chrf() -> None:
    references = ["老师喜欢水。", "水"]
    buckets = score_by_length(["a", "b c"], references, [references], tokenize="zh", lengths=(1, 5))
    assert [bucket.bleu for bucket in buckets] == pytest.approx([100, 0])
    assert [bucket.chrf for bucket in buckets] == pytest.approx([100, 100])
