import itertools

from backtester.seeds import seed_of


def test_seed_of_a_purpose_never_changes():
    assert seed_of(7, "network", "SPY", 0, 0) == 1704200789


def test_seeds_differ_in_every_part():
    seeds = [
        seed_of(run, purpose, symbol, fold, member)
        for run, purpose, symbol, fold, member in itertools.product(
            (1, 2), ("a", "b"), ("X", "Y"), range(5), range(5)
        )
    ]
    assert len(set(seeds)) == len(seeds)


def test_parts_do_not_run_into_one_another():
    assert seed_of(1, "network", "A1", 2) != seed_of(1, "network", "A", 12)


def test_seeds_fit_into_31_bits():
    assert all(0 <= seed_of(run, "x") < 2**31 for run in range(1000))
