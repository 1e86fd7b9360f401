"""A part from its kind and its options, which are the keyword-only arguments of its `__init__`."""

from torch import nn

from seq2seq.config.options import build, checked_options, chosen

__all__ = ["build", "checked_options", "chosen", "initialise"]


def initialise(module: nn.Module) -> None:
    """Give `module` and what is inside it weights to start training from.

    A part that has a way of its own says so by a method `initialise()`. Others have Xavier matrices
    -- Glorot and Bengio 2010 -- and biases of 0, by their names; other vectors, as the gains of a
    layer normalisation, stay as they were constructed.
    """
    own = getattr(module, "initialise", None)
    if own is not None:
        own()
        return
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.dim() < 2:
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
        elif parameter.numel():
            nn.init.xavier_uniform_(parameter)
    for child in module.children():
        initialise(child)
