"""The page on what to expect quotes what was measured."""

from scripts.measure_sizes import PAGE, read_results, render


def test_the_page_on_the_first_hour_quotes_what_was_measured() -> None:
    assert render(read_results()) in PAGE.read_text("utf-8")
