from pathlib import Path

import pytest

from backtester.prices.opening import display_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/a/b/prices.csv", "prices.csv"),
        ("株 Größe \U0001f4c8 مرحبا.csv", "株 Größe \U0001f4c8 مرحبا.csv"),
        ("a\u202egnp.csv", "a\\u202egnp.csv"),
        ("a\u2066b\u2069.csv", "a\\u2066b\\u2069.csv"),
        ("a\nb\x1b[31m.csv", "a\\nb\\x1b[31m.csv"),
        ("a\udcff.csv", "a\\xff.csv"),
    ],
)
def test_a_name_is_shown_without_its_folder_and_cannot_turn_or_break_the_words_around_it(name, shown):
    assert display_name(Path(name)) == shown
