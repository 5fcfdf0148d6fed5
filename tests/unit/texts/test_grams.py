from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from oracle.texts import grams

from voc_stream.texts.grams import grams_of_all

ODD = "ab'\u2019 _-.中文字é١\uff21㐀\U00020000ﬁß\u0301·々ー한ⅣI²"


@given(
    st.lists(st.text(alphabet=st.sampled_from(ODD), max_size=15), max_size=3)
    | st.lists(st.text(max_size=15), max_size=2)
)
def test_texts_are_taken_apart_as_the_oracle_does(texts: list[str]) -> None:
    """Whatever letters, marks and signs they have, in whatever script."""
    assert grams_of_all(texts) == grams(texts)
