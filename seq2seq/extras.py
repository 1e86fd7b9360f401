"""The name of the distribution, and how to install optional packages (extras).

The module and the command are called `seq2seq`; the distribution is not, because another project
has that name on the package index.
"""

from seq2seq.errors import UserError

DISTRIBUTION = "seq2seq-attention"


def install_hint(extra: str) -> str:
    """Return the command that installs an extra of pyproject.toml: `pip install '...[onnx]'`."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class MissingPackageError(UserError):
    """An optional package is needed and not installed; the error names the extra that has it."""
