import doctest

from backtester import suggest
from backtester.suggest import nearest


def test_a_missing_letter_is_forgiven():
    assert nearest("lookbak", ["dropout", "lookback", "units"]) == " Did you mean 'lookback'?"


def test_the_name_is_given_as_it_is_known_not_as_it_was_written():
    assert nearest("ADAMW", ["Adam", "AdamW", "SGD"]) == " Did you mean 'AdamW'?"


def test_nothing_near_or_nothing_known_gives_an_empty_text():
    unknown = [nearest("zzz", ["lookback", "units"]), nearest("lookback", []), nearest("", ["units"])]
    assert unknown == ["", "", ""]


def test_the_examples_are_true():
    assert doctest.testmod(suggest).failed == 0
