"""Format strings."""

import pytest

import pep3118


def test_calcsize_is_that_of_struct_and_more():
    assert pep3118.calcsize("@bhi") == 8
    assert pep3118.calcsize("T{<i:a:<d:b:}") == 12


def test_a_refused_format_says_where():
    with pytest.raises(pep3118.FormatError) as info:
        pep3118.calcsize("T{i")
    assert info.value.span == (3, 3)
    assert "structure opened at byte 0 is never closed" in str(info.value)
