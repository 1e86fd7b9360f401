"""The name that the package installs under, and how to install what it needs only sometimes.

The distribution is not called `seq2seq`, a name that another project has on the package index; the
module and the command are.
"""

from seq2seq.errors import UserError

DISTRIBUTION = "seq2seq-attention"


def install_hint(extra: str) -> str:
    """Return the command that installs an extra of pyproject.toml: `pip install '...[onnx]'`."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class MissingPackageError(UserError):
    """A package is not installed that this needs; the error says which extra brings it."""
