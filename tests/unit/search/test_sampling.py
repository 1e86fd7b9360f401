import pytest
import torch

from seq2seq.search.sampling import draw, keep_nucleus, keep_top, sentence_seeds, uniforms

LOG_PROBS = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.05, 0.45]]).log()


def kept(log_probs: torch.Tensor) -> list[list[int]]:
    left = log_probs > -torch.inf
    assert torch.equal(log_probs[left], LOG_PROBS[left])
    return [row.nonzero().flatten().tolist() for row in left]


def test_top_k_keeps_the_likeliest_and_their_equals() -> None:
    assert kept(keep_top(LOG_PROBS, 2)) == [[1, 3], [0, 1, 3]]
    assert kept(keep_top(LOG_PROBS, 1)) == [[1], [3]]


@pytest.mark.parametrize("count", [0, 4, 99])
def test_top_k_of_all_changes_nothing(count: int) -> None:
    assert torch.equal(keep_top(LOG_PROBS, count), LOG_PROBS)


@pytest.mark.parametrize(
    ("mass", "expected"),
    [
        (0.01, [[1], [3]]),
        (0.41, [[1, 3], [3]]),
        (0.69, [[1, 3], [0, 1, 3]]),
        (0.71, [[1, 2, 3], [0, 1, 3]]),
        (0.96, [[0, 1, 2, 3]] * 2),
    ],
)
def test_the_nucleus_is_the_fewest_tokens_that_reach_the_mass(
    mass: float, expected: list[list[int]]
) -> None:
    assert kept(keep_nucleus(LOG_PROBS, mass)) == expected


def test_the_whole_mass_keeps_all() -> None:
    assert torch.equal(keep_nucleus(LOG_PROBS, 1.0), LOG_PROBS)


def test_a_nucleus_is_of_what_is_left_after_a_cut() -> None:
    cut = keep_top(LOG_PROBS[:1], 2)  # 0.4 and 0.3: 0.57 and 0.43 of what is left
    assert (keep_nucleus(cut, 0.5) > -torch.inf).tolist() == [[False, True, False, False]]


def test_a_draw_inverts_the_cumulated_distribution() -> None:
    points = torch.tensor([0.0, 0.099, 0.101, 0.499, 0.501, 0.699, 0.701, 1 - 2**-24])
    log_probs = LOG_PROBS[0].expand(len(points), -1)
    assert draw(log_probs, points).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_draw_never_gives_the_impossible() -> None:
    log_probs = torch.tensor([-torch.inf, -1.0, -torch.inf, -2.0, -torch.inf])
    points = torch.linspace(0, 1 - 2**-24, 101)
    assert set(draw(log_probs.expand(101, -1), points).tolist()) == {1, 3}


def test_where_nothing_is_possible_the_draw_is_still_a_token() -> None:
    assert draw(torch.full((1, 4), -torch.inf), torch.tensor([0.3])).tolist() == [3]


def test_draws_have_the_distributions_frequencies() -> None:
    points = uniforms([7], [20_000], 1)[0, :, 0]
    tokens = draw(LOG_PROBS[0].expand(len(points), -1), points)
    frequencies = tokens.bincount(minlength=4) / len(points)
    # Five standard deviations of the widest, sqrt(0.4 * 0.6 / 20000).
    torch.testing.assert_close(frequencies, LOG_PROBS[0].exp(), atol=0.018, rtol=0)


def test_uniform_numbers_belong_to_a_sentence_wherever_it_stands() -> None:
    both = uniforms([5, 6], [3, 40], 2)
    assert both.shape == (2, 40, 2)
    assert torch.equal(both[0, :3], uniforms([5], [3], 2)[0])
    assert torch.equal(both[1], uniforms([6], [40], 2)[0])
    assert not torch.equal(both[0, :3], both[1, :3])


def test_every_sentence_and_seed_has_its_own_stream() -> None:
    seeds = [seed for base in range(20) for seed in sentence_seeds(base, range(50))]
    assert len(set(seeds)) == 1000
    assert sentence_seeds(3, [4]) == sentence_seeds(3, range(5))[4:]
