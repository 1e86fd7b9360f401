"""A step of the memory of a Neural Turing Machine with one write head, its derivative written out.

The equations stand in `seq2seq.model.memory`, and `seq2seq.model.cells.ntm` puts them in order:
this is the same in fewer operations, of which autograd records one.

Shapes: B batch, H heads (the one that writes comes last), N slots, W width of a slot, R shifts,
C parameters that place a head, P parameters of all heads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

aten = torch.ops.aten


def turn(
    parameters_BP: Tensor,
    content_BNW: Tensor,
    last_BHN: Tensor,
    *,
    shifts: int,
    empty: float,
    least: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the next content_BNW, the heads' weights_BHN and what is read, reads_BHW.

    `shifts` is R; `empty` and `least` keep lengths and weights from 0.
    """
    fused: Callable[..., tuple[Tensor, Tensor, Tensor]] = _Turn.apply
    return fused(parameters_BP, content_BNW, last_BHN, shifts, empty, least)


class _Turn(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        parameters_BP: Tensor,
        content_BNW: Tensor,
        last_BHN: Tensor,
        shifts: int,
        empty: float,
        least: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        heads, width = last_BHN.size(1), content_BNW.size(2)
        sizes = width, 2, 1, shifts
        placing_BHC, written = _split(parameters_BP, heads, width, sum(sizes))
        keys_BHW, raw_BH2, raw_gate_BH1, raw_shifts_BHR = placing_BHC.split(sizes, -1)
        positive_BH2 = aten.softplus(raw_BH2) + 1
        strength_BH1, sharpness_BH1 = positive_BH2.split(1, -1)
        gate_BH1 = raw_gate_BH1.sigmoid()
        shifts_BHR = raw_shifts_BHR.softmax(-1)
        key_scale_BH1 = (keys_BHW * keys_BHW).sum(-1, keepdim=True).add_(empty**2).rsqrt_()
        scale_B1N = (content_BNW * content_BNW).sum(-1).add_(empty**2).rsqrt_().unsqueeze(1)
        cosines_BHN = torch.bmm(keys_BHW * key_scale_BH1, content_BNW.transpose(1, 2))
        cosines_BHN *= scale_B1N
        found_BHN = (strength_BH1 * cosines_BHN).softmax(-1)
        gated_BHN = torch.lerp(last_BHN, found_BHN, gate_BH1)
        moved_BHN = _moved(gated_BHN, shifts_BHR.unbind(-1)).clamp_min_(least)
        logs_BHN = moved_BHN.log()
        weights_BHN = (logs_BHN * sharpness_BH1).softmax(-1)
        erase_B1W, add_B1W = written[0].sigmoid(), written[1].tanh()
        writing_BN1 = weights_BHN[:, -1].unsqueeze(-1)
        kept_BNW = 1 - writing_BN1 * erase_B1W
        after_BNW = torch.addcmul(writing_BN1 * add_B1W, content_BNW, kept_BNW)
        reads_BHW = torch.bmm(weights_BHN[:, :-1], after_BNW)
        ctx.save_for_backward(
            raw_BH2, keys_BHW, content_BNW, last_BHN, strength_BH1, sharpness_BH1, gate_BH1,
            shifts_BHR, key_scale_BH1, scale_B1N, cosines_BHN, found_BHN, gated_BHN, moved_BHN,
            logs_BHN, weights_BHN, erase_B1W, add_B1W, kept_BNW, after_BNW,
        )  # fmt: skip
        ctx.least = least
        return after_BNW, weights_BHN, reads_BHW

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, content_gradient_BNW: Tensor, weights_gradient_BHN: Tensor, reads_BHW: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Gradients have the names of their tensors, with a d before them."""
        (
            raw_BH2, keys_BHW, content_BNW, last_BHN, strength_BH1, sharpness_BH1, gate_BH1,
            shifts_BHR, key_scale_BH1, scale_B1N, cosines_BHN, found_BHN, gated_BHN, moved_BHN,
            logs_BHN, weights_BHN, erase_B1W, add_B1W, kept_BNW, after_BNW,
        ) = ctx.saved_tensors  # fmt: skip
        # read and write
        dafter_BNW = torch.baddbmm(
            content_gradient_BNW, weights_BHN[:, :-1].transpose(1, 2), reads_BHW
        )
        derased_BNW = dafter_BNW * content_BNW
        dreading_BHN = torch.bmm(reads_BHW, after_BNW.transpose(1, 2))
        dwriting_B1N = torch.bmm(add_B1W, dafter_BNW.transpose(1, 2))
        dwriting_B1N -= torch.bmm(erase_B1W, derased_BNW.transpose(1, 2))
        writing_B1N = weights_BHN[:, -1:]
        dwritten_B2W = torch.cat(
            (-torch.bmm(writing_B1N, derased_BNW), torch.bmm(writing_B1N, dafter_BNW)), 1
        )
        dwritten_B2W[:, 0:1] *= erase_B1W * (1 - erase_B1W)
        dwritten_B2W[:, 1:2] *= 1 - add_B1W * add_B1W
        dcontent_BNW = dafter_BNW * kept_BNW
        # sharpen
        dweights_BHN = torch.cat((dreading_BHN, dwriting_B1N), 1) + weights_gradient_BHN
        dlogits_BHN = _softmax_backward(dweights_BHN, weights_BHN)
        dsharpness_BH1 = (dlogits_BHN * logs_BHN).sum(-1, keepdim=True)
        dmoved_BHN = dlogits_BHN * sharpness_BH1 / moved_BHN
        dmoved_BHN.masked_fill_(moved_BHN <= ctx.least, 0)
        # shift and interpolate
        count = shifts_BHR.size(-1)
        dshifts_BHR = (_windows(gated_BHN, count) * dmoved_BHN.unsqueeze(-1)).sum(2).flip(-1)
        draw_shifts_BHR = _softmax_backward(dshifts_BHR, shifts_BHR)
        dgated_BHN = _moved(dmoved_BHN, shifts_BHR.flip(-1).unbind(-1))
        dfound_BHN = dgated_BHN * gate_BH1
        dgate_BH1 = (dgated_BHN * (found_BHN - last_BHN)).sum(-1, keepdim=True)
        dgate_BH1 *= gate_BH1 * (1 - gate_BH1)
        # content
        dscores_BHN = _softmax_backward(dfound_BHN, found_BHN)
        dstrength_BH1 = (dscores_BHN * cosines_BHN).sum(-1, keepdim=True)
        dcosines_BHN = dscores_BHN * strength_BH1
        share_BHN = dcosines_BHN * cosines_BHN
        ddots_BHN = dcosines_BHN * key_scale_BH1 * scale_B1N
        dkeys_BHW = torch.bmm(ddots_BHN, content_BNW)
        dkeys_BHW -= keys_BHW * (key_scale_BH1**2 * (dstrength_BH1 * strength_BH1))
        dcontent_BNW.baddbmm_(ddots_BHN.transpose(1, 2), keys_BHW)
        pull_BN1 = (share_BHN.sum(1) * scale_B1N.squeeze(1) ** 2).unsqueeze(-1)
        dcontent_BNW.addcmul_(content_BNW, pull_BN1, value=-1)
        draw_BH2 = torch.cat((dstrength_BH1, dsharpness_BH1), -1) * raw_BH2.sigmoid()
        dplacing_BHC = torch.cat((dkeys_BHW, draw_BH2, dgate_BH1, draw_shifts_BHR), -1)
        dparameters_BP = torch.cat((dplacing_BHC.flatten(1), dwritten_B2W.flatten(1)), -1)
        return dparameters_BP, dcontent_BNW, dgated_BHN - dfound_BHN, None, None, None


def _split(
    parameters_BP: Tensor, heads: int, width: int, placing: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """What places each head, and what the last one erases and adds."""
    batch = parameters_BP.size(0)
    placing_BP, erase_BW, add_BW = parameters_BP.split((heads * placing, width, width), -1)
    written = erase_BW.unsqueeze(1), add_BW.unsqueeze(1)
    return placing_BP.view(batch, heads, placing), written


def _windows(weights_BHN: Tensor, count: int) -> Tensor:
    """The neighbours of each slot in the ring of slots, from the one before to the one after."""
    reach = count // 2
    before_BHR, after_BHR = weights_BHN[..., -reach:], weights_BHN[..., :reach]
    return torch.cat((before_BHR, weights_BHN, after_BHR), -1).unfold(-1, count, 1)


def _moved(weights_BHN: Tensor, shares_BH: tuple[Tensor, ...]) -> Tensor:
    """The weights moved up by each shift, -1, 0 and 1, times its share."""
    windows_BHNR = _windows(weights_BHN, len(shares_BH))
    moved_BHN = windows_BHNR[..., 0] * shares_BH[-1].unsqueeze(-1)
    for number, share_BH in enumerate(reversed(shares_BH[:-1]), 1):
        moved_BHN.addcmul_(windows_BHNR[..., number], share_BH.unsqueeze(-1))
    return moved_BHN


def _softmax_backward(gradient: Tensor, weights: Tensor) -> Tensor:
    before: Tensor = aten._softmax_backward_data(gradient, weights, -1, weights.dtype)
    return before
