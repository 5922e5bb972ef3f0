import hashlib

import pytest

from escalator.phone.tokens import looks_like_token, new_token, token_hash


def test_tokens_are_long_and_never_the_same():
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(looks_like_token(token) and len(token) == 43 for token in tokens)


def test_only_the_hash_is_stored():
    assert token_hash("abc") == hashlib.sha256(b"abc").hexdigest()
    assert len({token_hash(new_token()) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 42 + "/", "a" * 42 + "\n", "é" * 43]
)
def test_anything_else_is_no_token(text):
    assert not looks_like_token(text)


def test_a_hash_is_taken_of_any_text_that_a_path_may_hold():
    assert len(token_hash("\udc80")) == 64
