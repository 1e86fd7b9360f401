"""The page in a browser: what it shows is held to NumPy, and what a reader does to what is seen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from seq2seq.explain.maps import Axis, Maps
from seq2seq.explain.page import PageCheckpoint, PageRun
from seq2seq.explain.view import View
from seq2seq.translation.translation import merge_words
from tests.browser.conftest import Open, Page
from tests.browser.made import (
    explanation,
    heads,
    random_weights,
    run,
    sides,
    whole,
    word_pieces,
)

pytestmark = pytest.mark.browser

SOURCE = [["the"], ["un", "friend", "ly"], ["cat"], ["sle", "eps"]]
TARGET = [["le"], ["chat"], ["in", "ami", "cal"], ["dort"]]
S, T, H = 7, 7, 3  # pieces, the end among the target's
WEIGHTS_HTS = random_weights(H, T, S)
ALIGNED_HTS = np.array(
    [[[0.88, 0.02, 0.1], [0.03, 0.13, 0.84], [0.01, 0.95, 0.04], [0.2, 0.3, 0.5]]]
)
I_LOVE_YOU = explanation(whole("I love you"), whole("je t' aime"), ALIGNED_HTS)
CODE = 1 / 65534  # the steps in which a page tells weights
LONG = whole(" ".join(f"word{n}" for n in range(60)))


def _words(weights_TS: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return merge_words(weights_TS.astype(np.float32), word_pieces(TARGET), word_pieces(SOURCE))


def _heads(page: Page) -> list[str]:
    return page.texts('[data-part="head"] option')


def _labels(page: Page) -> tuple[list[str], list[str]]:
    """Of the rows and of the columns."""
    return page.texts("tbody th bdi"), page.texts("thead th:not(.strip) bdi")


# --- the numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [None, 0, 1, 2])
def test_words_are_merged_as_python_merges_them(open_page: Open, head: int | None) -> None:
    page = open_page(run(explanation(SOURCE, TARGET, WEIGHTS_HTS)))
    page.choose('[data-part="head"]', f"mean of {H}" if head is None else str(head + 1))
    weights_TS = WEIGHTS_HTS.mean(0) if head is None else WEIGHTS_HTS[head]
    np.testing.assert_allclose(page.matrix(), _words(weights_TS), atol=3 * CODE)
    rows, columns = _labels(page)
    assert (rows, columns) == (
        ["le", "chat", "inamical", "dort"],
        ["the", "unfriendly", "cat", "sleeps"],
    )


def test_pieces_are_shown_as_they_are_and_the_end_with_them(open_page: Open) -> None:
    page = open_page(run(explanation(SOURCE, TARGET, WEIGHTS_HTS)))
    page.one('[value="pieces"]').click()
    page.choose('[data-part="head"]', "2")
    np.testing.assert_allclose(page.matrix(), WEIGHTS_HTS[1], atol=CODE)
    rows, columns = _labels(page)
    assert rows == ["le", "chat", "in", "+ami", "+cal", "dort", "</s>"]
    assert columns == ["the", "un", "+friend", "+ly", "cat", "sle", "+eps"]


def test_a_word_without_pieces_has_no_weight(open_page: Open) -> None:
    words = [{"word": "I", "pieces": [0]}, {"word": "?", "pieces": []}]
    axes = {name: {"pieces": ["I"], "words": words} for name in ("source", "target")}
    page = open_page(run(explanation(whole("I"), whole("je"), np.ones((1, 1, 1)), axes=axes)))
    assert page.matrix() == [[1, 0], [0, 0]]


def test_self_attention_is_of_the_source_to_itself(open_page: Open) -> None:
    self_weights_HSS = random_weights(2, S, S, seed=2)
    explained = explanation(SOURCE, TARGET, WEIGHTS_HTS, self_weights=self_weights_HSS)
    page = open_page(run(explained))
    page.choose('[data-part="head"]', "3")
    page.choose('[data-part="place"]', "encoder.self")
    assert _heads(page) == ["mean of 2", "1", "2"]  # and the third head is no more chosen
    merged = merge_words(
        self_weights_HSS.mean(0).astype(np.float32), word_pieces(SOURCE), word_pieces(SOURCE)
    )
    np.testing.assert_allclose(page.matrix(), merged, atol=3 * CODE)
    rows, columns = _labels(page)
    assert rows == columns == ["the", "unfriendly", "cat", "sleeps"]


def test_entropy_is_that_of_each_row_in_nats_and_as_a_part_of_ln_s(open_page: Open) -> None:
    page = open_page(run(explanation(SOURCE, TARGET, WEIGHTS_HTS)))
    merged = _words(WEIGHTS_HTS.mean(0)).astype(float)
    nats = [-sum(p * np.log(p) for p in row if p > 0) for row in merged]
    expected = [f"{h:.2f} · {100 * h / np.log(4):.0f} %" for h in nats]
    assert page.texts(".entropy") == expected


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([1.0, 0.0, 0.0, 0.0], "0.00 · 0 %"),
        ([0.25, 0.25, 0.25, 0.25], "1.39 · 100 %"),
        ([0.5, 0.5, 0.0, 0.0], "0.69 · 50 %"),
        ([0.2, 0.2, 0.0, 0.0], "0.69 · 50 %"),  # as of local attention, whose rows may sum to less
        ([0.0, 0.0, 0.0, 0.0], "0.00 · 0 %"),
    ],
)
def test_entropy_of_rows_known_on_paper(open_page: Open, row: list[float], text: str) -> None:
    page = open_page(run(explanation(whole("a b c d"), whole("e"), np.array([[row, row]]))))
    assert page.texts(".entropy") == [text]


def test_coverage_is_the_sum_of_each_column(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    assert page.texts(".coverage") == ["0.92", "1.10", "0.98"]  # .88+.03+.01, ...
    page.one('[value="pieces"]').click()
    assert page.texts(".coverage") == ["1.12", "1.40", "1.48"]  # and .2, .3, .5 of the end


def test_the_caption_says_the_model_its_attention_and_the_log_probability(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    assert page.one(".caption").text == (
        "runs/made · checkpoint 00002500 · additive attention · softmax addressing · "
        "log-probability −1.000 nats, −0.250 a piece"
    )


# --- what a reader does ---------------------------------------------------------------------------


def test_hovering_says_the_weight_and_marks_both_words(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    page.hover(page.cell(1, 2))
    assert page.one("#tip").text == "t' looks at you 0.8400"
    assert page.texts("th.seen") == ["you", "t'"]
    page.hover(page.one("h1"))
    assert not page.all("#tip")
    assert page.texts(".seen") == []


def test_hovering_over_the_strips_says_them_in_full(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    page.hover(page.one(".coverage:nth-child(3)"))
    assert page.one("#tip").text == "coverage of love 1.1000"
    page.hover(page.one("tbody tr:nth-child(3) .entropy"))
    assert page.one("#tip").text == "entropy of aime 0.22 nats, 20 % of ln 3"


def test_the_weight_under_the_pointer_is_that_of_the_checkpoint_shown(open_page: Open) -> None:
    emerging, weights_NTS = _emergence()
    page = open_page(emerging)
    page.hover(page.cell(1, 2))
    for weights_TS in weights_NTS[::-1]:
        assert page.one("#tip").text == f"t' looks at you {weights_TS[1, 2]:.4f}"
        page.driver.execute_script("""
            const slider = document.querySelector('[type="range"]');
            slider.value -= 1;
            slider.dispatchEvent(new Event("input"));
        """)


def test_a_click_holds_a_row_until_escape(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    page.cell(2, 0).click()
    assert page.texts("tr.held th") == ["aime"]
    assert page.one("p.held").text == (
        "aime looks at love 0.950, you 0.040, I 0.010 (entropy 0.22 nats, 20 % of ln 3)"
    )
    page.hover(page.cell(0, 0))
    assert page.texts("tr.held th") == ["aime"]
    page.press("ESCAPE")
    assert page.texts("tr.held th") == []


def test_a_second_click_lets_a_row_go(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    for held in (["je"], []):
        page.cell(0, 1).click()
        assert page.texts("tr.held th") == held


def test_the_matrix_can_be_read_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    for _ in range(30):
        page.press("TAB")
        if page.driver.switch_to.active_element.tag_name == "td":
            break
    page.press("ARROW_DOWN", "ARROW_RIGHT")
    assert page.one("#tip").text == "t' looks at love 0.1300"
    page.press("END", "ARROW_RIGHT", "ARROW_UP", "ARROW_UP")  # an edge holds
    assert page.one("#tip").text == "je looks at you 0.1000"
    page.press("ENTER")
    assert page.texts("tr.held th") == ["je"]


def test_lines_are_as_many_and_as_dark_as_the_weights(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    page.one('[value="lines"]').click()
    assert page.texts(".columns li") == ["I", "love", "you"]
    assert page.texts(".rows li") == ["je", "t'", "aime"]
    shown = {
        (int(path.get_attribute("data-i") or ""), int(path.get_attribute("data-j") or "")): float(
            path.get_attribute("stroke-opacity") or ""
        )
        for path in page.driver.find_elements("css selector", "path")
    }
    assert shown == {
        (i, j): pytest.approx(ALIGNED_HTS[0, i, j], abs=CODE) for i in range(3) for j in range(3)
    }
    page.one(".rows li:nth-child(2) button").click()
    assert page.one("p.held").text.startswith("t' looks at you 0.840")
    page.press("SPACE")  # the button still has the focus, and lets its row go
    assert page.one("p.held").text == "Click a row to hold it."


# --- many units, and memories ---------------------------------------------------------------------


def _many() -> dict[str, object]:
    """Two layers of a decoder, and a memory whose content may be negative."""
    columns, rows = sides(whole("I love you"), whole("je t' aime"))
    content_TNW = np.linspace(-2, 2, 4 * 5 * 2).reshape(4, 5, 2)
    slots, entries = Axis.numbered("slot", 5), Axis.numbered("entry", 2)
    content = Maps("decoder.1.memory.content", "step", rows.pieces, slots, entries, content_TNW)
    layers = [
        heads(f"decoder.{layer}.source", rows, columns, random_weights(2, 4, 3, seed=layer))
        for layer in (1, 2)
    ]
    maps = [*layers, content.as_packed()]
    return explanation(whole("I love you"), whole("je t' aime"), maps=maps)


def test_every_place_and_head_is_chosen(open_page: Open) -> None:
    page = open_page(run(_many()))
    assert page.texts('[data-part="place"] option') == [
        "decoder.1.source",
        "decoder.2.source",
        "decoder.1.memory.content",
    ]
    page.choose('[data-part="place"]', "decoder.2.source")
    page.choose('[data-part="head"]', "2")
    expected = random_weights(2, 4, 3, seed=2)[1, :3]
    np.testing.assert_allclose(page.matrix(), expected, atol=CODE)


def test_a_memory_has_a_matrix_a_step_and_no_entropy(open_page: Open) -> None:
    page = open_page(run(_many()))
    page.choose('[data-part="place"]', "decoder.1.memory.content")
    assert page.texts('[data-part="head"] option') == ["je", "t'", "aime", "</s>"]
    assert page.one('[data-part="head-name"]').text == "Step"
    assert page.all(".entropy") == page.all("tfoot") == []
    assert page.cell(0, 0).text == "−2.00"
    assert "negative" in (page.cell(0, 0).get_attribute("class") or "")
    page.choose('[data-part="head"]', "</s>")
    assert page.cell(4, 1).text == "2.00"
    assert "negative" not in (page.cell(4, 1).get_attribute("class") or "")
    page.hover(page.cell(4, 1))
    assert page.one("#tip").text == "5, entry 2 2.0000"


def test_the_grid_has_every_matrix_and_a_click_or_enter_opens_one(open_page: Open) -> None:
    page = open_page(run(_many()))
    page.one('[value="grid"]').click()
    assert page.texts(".place h3") == [
        "decoder.1.sourceadditive attention, rows: target, columns: source",
        "decoder.2.sourceadditive attention, rows: target, columns: source",
        "decoder.1.memory.contentrows: slot, columns: entry",
    ]
    assert [len(page.all(f".place:nth-child({k}) canvas")) for k in (1, 2, 3)] == [2, 2, 4]
    button = page.one('[aria-label="decoder.2.source head 2"]')
    page.driver.execute_script("arguments[0].focus()", button)
    page.press("ENTER")
    assert page.one('[value="matrix"]').is_selected()
    expected = random_weights(2, 4, 3, seed=2)[1, :3]
    np.testing.assert_allclose(page.matrix(), expected, atol=CODE)


def test_a_small_matrix_is_as_dark_as_the_large_one(open_page: Open) -> None:
    row = [0.0, 0.25, 0.5, 1.0]
    page = open_page(run(explanation(whole("a b c d"), whole("e"), np.array([[row, row]] * 2))))
    cells = _luminances(page, "backgroundColor")
    page.one('[value="grid"]').click()
    page.wait(lambda: page.driver.execute_script(_PIXELS)[0][0][3] == 255)
    linear = np.array(page.driver.execute_script(_PIXELS)[0])[:, :3] / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear @ [0.2126, 0.7152, 0.0722], cells, atol=0.02)


_PIXELS = """
    const canvas = document.createElement("canvas");
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    return [...document.querySelectorAll(".place canvas")].map((small) => {
        canvas.width = small.width;
        canvas.height = small.height;
        brush.drawImage(small, 0, 0);
        const { data } = brush.getImageData(0, 0, canvas.width, 1);
        return Array.from({ length: canvas.width }, (_, k) => [...data.slice(4 * k, 4 * k + 4)]);
    });
"""
"""Red, green, blue and opacity of the first row of each small matrix."""


def test_a_page_opens_where_it_was_asked_to(open_page: Open) -> None:
    page = open_page(run(_many()), view=View(unit="decoder.2.source", head=1))
    expected = random_weights(2, 4, 3, seed=2)[1, :3]
    np.testing.assert_allclose(page.matrix(), expected, atol=CODE)
    page = open_page(run(_many()), view=View(unit="decoder.1.memory", pieces=True))
    assert page.one('[data-part="place"]').get_attribute("value") == "decoder.1.memory.content"
    assert page.one('[value="pieces"]').is_selected()
    page = open_page(run(_many()), view=View(grid=True))
    assert len(page.all("canvas")) == 8


def test_only_what_is_in_sight_is_drawn(open_page: Open) -> None:
    words = whole(" ".join(f"w{n}" for n in range(60)))
    columns, rows = sides(words, words)
    maps = [
        heads(f"decoder.{layer}.source", rows, columns, random_weights(8, 61, 60, seed=layer))
        for layer in range(1, 19)
    ]
    page = open_page(run(explanation(words, words, maps=maps)))
    page.one('[value="grid"]').click()

    def drawn() -> list[bool]:
        return [row[0][3] == 255 for row in page.driver.execute_script(_PIXELS)]

    page.wait(lambda: drawn()[0])
    assert len(drawn()) == 144
    assert not drawn()[-1]
    page.driver.execute_script("document.querySelector('.place:last-child').scrollIntoView()")
    page.wait(lambda: drawn()[-1])


# --- sentences, runs, checkpoints -----------------------------------------------------------------


def test_one_of_many_sentences_is_chosen(open_page: Open) -> None:
    other = explanation(whole("the cat sleeps"), whole("le chat dort"))
    page = open_page(run(I_LOVE_YOU, other))
    page.choose('[name="sentence"]', "2. the cat sleeps")
    assert _labels(page) == (["le", "chat", "dort"], ["the", "cat", "sleeps"])


def test_what_offers_no_choice_is_not_shown(open_page: Open) -> None:
    page = open_page(run(I_LOVE_YOU))
    assert page.all("select") == page.all('[type="range"]') == page.all('[data-part="play"]') == []


def test_two_runs_stand_side_by_side_and_either_can_be_changed(open_page: Open) -> None:
    weights = [random_weights(1, 4, 3, seed=seed) for seed in range(3)]
    runs = [
        run(explanation(whole("I love you"), whole("je t' aime"), w, model=name), name=name)
        for w, name in zip(weights, "abc", strict=True)
    ]
    page = open_page(*runs)
    for panel in (1, 2):
        np.testing.assert_allclose(page.matrix(panel), weights[panel - 1][0, :3], atol=CODE)
    page.choose('section:nth-child(1) [data-part="run"]', "c")
    np.testing.assert_allclose(page.matrix(1), weights[2][0, :3], atol=CODE)
    left, right = (panel.rect for panel in page.all("section"))
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    page.one('[name="compare"]').click()
    assert len(page.all("section")) == 1


def _emergence() -> tuple[PageRun, npt.NDArray[np.float64]]:
    """Three checkpoints, and what each looks at."""
    weights_NTS = random_weights(3, 4, 3)
    checkpoints = [
        PageCheckpoint(
            name,
            [
                explanation(
                    whole("I love you"), whole("je t' aime"), weights_TS[None], checkpoint=name
                )
            ],
            [own],
        )
        for name, own, weights_TS in zip(
            ("00000100", "00000200", "00001300"),
            ("le", "je aime", "je t'aime"),
            weights_NTS,
            strict=True,
        )
    ]
    return PageRun("runs/made", checkpoints), weights_NTS


def test_the_slider_goes_from_checkpoint_to_checkpoint(open_page: Open) -> None:
    emerging, weights_NTS = _emergence()
    page = open_page(emerging)
    slider = page.one('[type="range"]')
    page.driver.execute_script("arguments[0].focus()", slider)
    seen = [("step 1,300 (3 of 3)", "je t'aime"), ("step 200 (2 of 3)", "je aime")]
    for (step, own), weights_TS in zip(seen, weights_NTS[::-1], strict=False):
        assert page.one("output").text == step
        assert page.one('[data-part="own"]').text == own
        assert page.one('[data-part="translation"]').text == "je t' aime"
        np.testing.assert_allclose(page.matrix(), weights_TS[:3], atol=CODE)
        page.press("ARROW_LEFT")
    assert slider.get_attribute("aria-valuetext") == "step 100"


def test_playing_shows_every_checkpoint_from_the_first_to_the_last(open_page: Open) -> None:
    page = open_page(_emergence()[0])
    page.driver.execute_script("""
        window.steps = [];
        const output = document.querySelector("output");
        new MutationObserver(() => steps.push(output.textContent))
            .observe(output, { childList: true });
    """)
    play = page.one('[data-part="play"]')
    play.click()
    assert play.text == "pause"
    page.wait(lambda: play.text == "play")
    steps = list(dict.fromkeys(page.driver.execute_script("return steps")))
    assert steps == ["step 100 (1 of 3)", "step 200 (2 of 3)", "step 1,300 (3 of 3)"]


# --- nothing to show ------------------------------------------------------------------------------


def _blank(name: str) -> dict[str, object]:
    axes = {**I_LOVE_YOU["axes"], name: {"pieces": [], "words": []}}
    return {**I_LOVE_YOU, "axes": axes, "maps": [], "log_probs": []}


@pytest.mark.parametrize(
    ("explained", "message"),
    [
        ({**I_LOVE_YOU, "maps": []}, "This model has no attention."),
        (_blank("source"), "The source is blank: there is nothing to attend to."),
        (_blank("target"), "The translation is blank."),
        (
            {**explanation(whole("I"), []), "translation": ""},
            "The translation has no words; its end is a piece.",
        ),
        (
            explanation(whole("I love you"), whole("je t' aime"), np.full((1, 4, 3), np.nan)),
            "A weight is not finite: the model has diverged.",
        ),
    ],
)
def test_where_there_is_nothing_to_show_the_page_says_why(
    open_page: Open, explained: dict[str, object], message: str
) -> None:
    page = open_page(run({**explained}, I_LOVE_YOU))
    assert page.one(".message").text == message
    assert not page.all("table")
    page.choose('[name="sentence"]', "2. I love you")
    assert page.all("table")
    assert not page.all(".message")


def test_a_page_of_no_runs_opens(open_page: Open) -> None:
    assert open_page().all("section") == []


# --- scripts and sizes ----------------------------------------------------------------------------


def test_text_that_looks_like_html_is_only_text(open_page: Open) -> None:
    odd = [
        "</script><img/src=x>",
        "<b>&amp;",
        "<!--",
        "é",
        "👩‍👩‍👧‍👦",
        "a\u2028b",
        "${1}",
        "__proto__",
    ]
    words = [[word] for word in odd]
    page = open_page(run(explanation(words, words)), title="<i>&lt;</i>")
    assert _labels(page) == (odd, odd)
    assert page.one("h1").text == page.driver.title == "<i>&lt;</i>"
    assert page.driver.find_elements("css selector", "img, b, i") == []


@pytest.mark.parametrize(
    ("source", "rightwards"),
    [
        ("أنا أحب القطط", False),
        ("אני אוהב חתולים", False),
        ("I love cats", True),
        ("私 は 猫", True),
    ],
)
def test_columns_run_as_the_source_is_written(
    open_page: Open, source: str, rightwards: bool
) -> None:
    page = open_page(run(explanation(whole(source), whole("je t' aime"))))
    assert _labels(page)[1] == source.split()
    places = [cell.rect["x"] for cell in page.all("tbody tr:first-child td:not(.strip)")]
    assert all((a < b) == rightwards for a, b in pairwise(places))
    page.driver.execute_script("document.querySelector('tbody td:not(.strip)').focus()")
    page.press("ARROW_RIGHT" if rightwards else "ARROW_LEFT")
    assert f" looks at {source.split()[1]} " in page.texts("#tip")[0]


def test_sixty_words_scroll_in_their_panel_and_keep_their_labels_in_sight(open_page: Open) -> None:
    page = open_page(run(explanation(LONG, LONG)))
    box = page.one(".scroller")
    assert page.driver.execute_script("return document.body.scrollWidth <= innerWidth")
    assert page.driver.execute_script(
        "return arguments[0].scrollWidth > arguments[0].clientWidth", box
    )
    assert min(page.cell(0, 0).rect[side] for side in ("width", "height")) >= 18
    script = "return document.querySelector(arguments[0]).getBoundingClientRect()[arguments[1]]"
    edges = [("tbody th", "x"), (".entropy", "right"), ("thead th", "y"), ("tfoot th", "bottom")]
    before = [page.driver.execute_script(script, *edge) for edge in edges]
    page.driver.execute_script("arguments[0].scrollTo(120, 300)", box)
    assert page.driver.execute_script("return arguments[0].scrollTop", box) == 300
    assert [page.driver.execute_script(script, *edge) for edge in edges] == before


def test_a_focused_cell_is_not_hidden_behind_the_labels(open_page: Open) -> None:
    page = open_page(run(explanation(LONG, LONG)))
    page.driver.execute_script("document.querySelector('tbody td:not(.strip)').focus()")
    hidden = """
        const hidden = [];
        for (const key of ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"]) {
            for (let k = 0; k < 59; k++) {
                const press = new KeyboardEvent("keydown", { key, bubbles: true });
                document.activeElement.dispatchEvent(press);
                const cell = document.activeElement;
                const { x, y, width, height } = cell.getBoundingClientRect();
                const top = document.elementFromPoint(x + width / 2, y + height / 2);
                if (top !== cell) hidden.push(`${key} ${k}`);
            }
        }
        return hidden;
    """
    assert page.driver.execute_script(hidden) == []
    assert page.driver.switch_to.active_element == page.cell(0, 0)  # it has been all around


def test_numbers_are_in_the_cells_only_where_there_is_room(open_page: Open) -> None:
    size = "return parseFloat(getComputedStyle(arguments[0]).fontSize)"
    page = open_page(run(I_LOVE_YOU))
    assert page.cell(0, 0).text == "0.88"
    assert page.driver.execute_script(size, page.cell(0, 0)) >= 11
    page = open_page(run(explanation(LONG, LONG)))
    assert page.driver.execute_script(size, page.cell(0, 0)) == 0


# --- colours --------------------------------------------------------------------------------------


def _luminances(page: Page, name: str) -> list[float]:
    """WCAG 2's relative luminance of a colour of each cell of the first row."""
    rgbs = page.driver.execute_script(
        """
        const canvas = document.createElement("canvas");
        const pencil = canvas.getContext("2d", { willReadFrequently: true });
        const cells = document.querySelectorAll("tbody tr:first-child td:not(.strip)");
        return [...cells].map((cell) => {
            pencil.fillStyle = getComputedStyle(cell)[arguments[0]];
            pencil.fillRect(0, 0, 1, 1);
            return [...pencil.getImageData(0, 0, 1, 1).data].slice(0, 3);
        })""",
        name,
    )
    linear = np.array(rgbs) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    return list(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lightness_orders_the_weights_and_the_numbers_stand_out(
    open_page: Open, scheme: str
) -> None:
    row = np.linspace(0, 1, 21)
    words = whole(" ".join("abcdefghijklmnopqrstu"))
    page = open_page(run(explanation(words, whole("y"), np.array([[row, row]]))))
    page.scheme(scheme)
    cells = _luminances(page, "backgroundColor")
    order = 1 if scheme == "dark" else -1
    lightness = [116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y for y in cells]  # CIE L*
    steps = np.diff(lightness) * order
    assert steps.min() > 0
    assert steps.max() < 2 * steps.min()  # nearly even: equal weights apart look equally apart
    for cell, text in zip(cells, _luminances(page, "color"), strict=True):
        assert (max(cell, text) + 0.05) / (min(cell, text) + 0.05) >= 4.5  # WCAG 2, AA
