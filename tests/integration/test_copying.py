"""A machine learns to copy, and copies what is longer than anything in training.

-- Graves et al. 2014, 4.1.
"""

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.model.model import Seq2Seq

FIRST, SYMBOLS, LONGEST = 4, 32, 10


def network(seed: int) -> Seq2Seq:
    torch.manual_seed(seed)
    cell = {"kind": "ntm", "controller": "feed-forward", "slots": 64, "width": 16}
    config = ModelConfig.model_validate(
        {
            "embedding": 24,
            "dropout": 0.0,
            "encoder": {"cell": cell, "size": 48, "bidirectional": False},
            "attention": "none",
            "decoder": {"kind": "luong", "cell": cell, "size": 48, "bridge": "state"},
        }
    )
    return Seq2Seq(config, FIRST + SYMBOLS, FIRST + SYMBOLS)


def examples(number: int, length: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences that end with the end symbol, and what the decoder is fed to say them."""
    drawn_BS = torch.randint(FIRST, FIRST + SYMBOLS, (number, length), generator=draws)
    sequences_BS = torch.cat((drawn_BS, torch.full((number, 1), EOS)), 1)
    return sequences_BS, torch.cat((torch.full((number, 1), BOS), sequences_BS[:, :-1]), 1)


def logits(model: Seq2Seq, sequences_BS: Tensor, inputs_BS: Tensor) -> Tensor:
    lengths_B = torch.full((len(sequences_BS),), sequences_BS.size(1))
    found: Tensor = model.output(model(sequences_BS, lengths_B, inputs_BS).features_BTF)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_turing_machine_copies_twice_the_length_that_it_has_learnt(seed: int) -> None:
    model, draws = network(seed).train(), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(700):  # 11,200 sequences
        length = int(torch.randint(1, LONGEST + 1, (), generator=draws))
        sequences_BS, inputs_BS = examples(16, length, draws)
        found_BSW = logits(model, sequences_BS, inputs_BS)
        loss = nn.functional.cross_entropy(found_BSW.flatten(0, 1), sequences_BS.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        sequences_BS, inputs_BS = examples(50, 2 * LONGEST, draws)
        right_BS = logits(model, sequences_BS, inputs_BS).argmax(-1) == sequences_BS
    assert right_BS.all(1).float().mean() >= 0.9
