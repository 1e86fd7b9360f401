"""Strategies: a file as it should be, changed; a JSON value as it should be, changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**400, 0, -3]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "\x00", "\ud800", "..", "/", "a/b", "x" * 5000, "\u202e", "1e999"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Anything that JSON can say, and a little that it can't."""

DEEP = [b"[" * 5000, b'{"a":' * 5000, b"(" * 3000, b"- " * 3000, b"<a>" * 3000]
WORDS = [
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n", b"\t", b'"', b"'"),
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 5000, b"null", b"true", b"[]", b"{}"),
    *(b"!!python/object:os.system", b"&a [*a]", b"<<: *a", b"&b;"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\xe2\x80\xa8", b"\x1b[31m", b"\\u0000", b"\\ud800"),
    b"x" * 70_000,
    *DEEP,
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """One of the files after one to six changes, or bytes of no file at all."""
    content = draw(st.sampled_from([*files, b""]))
    for _ in range(draw(st.integers(1, 6))):
        content = draw(_once(content))
    return content


@st.composite
def _once(draw: st.DrawFn, content: bytes) -> bytes:
    start = draw(st.integers(0, len(content)))
    end = min(len(content), start + draw(st.sampled_from([0, 1, 1, 4, 20, 10**6])))
    part = content[start:end]
    put = draw(
        st.one_of(
            st.just(b""),
            st.sampled_from(WORDS),
            st.binary(max_size=8),
            st.just(part * 2),
            st.just(bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in part[:1]) + part[1:]),
        )
    )
    return content[:start] + put + content[end:]


@st.composite
def other_shape(draw: st.DrawFn, tree: Any) -> Any:
    """A JSON value of which one to three parts, at any depth, are something else or are gone."""
    for _ in range(draw(st.integers(1, 3))):
        tree = draw(_one_part(tree))
    return tree


@st.composite
def _one_part(draw: st.DrawFn, tree: Any) -> Any:
    deeper = isinstance(tree, dict | list) and bool(tree)
    if not deeper or draw(st.integers(0, 4)) == 0:
        return draw(VALUES)
    key = draw(st.sampled_from(sorted(tree) if isinstance(tree, dict) else range(len(tree))))
    fresh = dict(tree) if isinstance(tree, dict) else list(tree)
    if draw(st.integers(0, 5)) == 0:
        del fresh[key]
    else:
        fresh[key] = draw(_one_part(fresh[key]))
    return fresh
