from __future__ import annotations

import copy
import dataclasses

import pytest

from backtester.reporting.page import render_page
from backtester.run_directory import RunRecord


@pytest.fixture(scope="module")
def single(plain_run) -> RunRecord:
    manifest = copy.deepcopy(plain_run.manifest)
    manifest["recipe"]["folds"]["scheme"] = "single"
    return dataclasses.replace(plain_run, manifest=manifest)


def test_a_single_split_is_named_as_such_at_the_head(single, plain_run):
    page = render_page(single, title="One split")
    assert '<p class="kicker">Single split <span>' in page
    assert "Walk-forward" not in page
    assert "This is a single split, not a walk-forward test" in page
    assert "once, on 750 bars, then tested on all that follows" in page
    assert "One split: trained on one span, tested on the next" in page
    plain = render_page(plain_run, title="Folds")
    assert '<p class="kicker">Walk-forward test <span>' in plain
    assert "ingle split" not in plain
