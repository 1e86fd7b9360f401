"""The kind of a source that is text, which tokenizers read."""


class Text:
    """Sentences; what becomes of them, `tokenizer` says."""
