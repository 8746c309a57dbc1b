from pathlib import Path

from backtester.judgement import Answer
from backtester.stress.axes.model import AXIS
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet

LSTM = {"kind": "lstm", "lookback": 5, "units": [4, 6], "dropout": 0.1}


def changes(context):
    return [variant.changes for variant in AXIS.variants(context)]


def test_every_setting_of_an_lstm_is_changed_one_at_a_time():
    context = context_of(random_walk(300, seed=1), effect, model=LSTM)
    assert changes(context) == [
        {},
        {"model.lookback": 2},
        {"model.lookback": 10},
        {"model.units": [2, 3]},
        {"model.units": [8, 12]},
        {"training.epochs": 1},
        {"training.epochs": 4},
        {"model.dropout": 0.0},
        {"model.dropout": 0.2},
    ]


def test_the_runs_own_value_is_not_trained_twice():
    model = {"kind": "lstm", "lookback": 1, "units": [1], "dropout": 0.2}
    context = context_of(random_walk(300, seed=1), effect, model=model, training={"epochs": 1})
    assert {"model.lookback": 1} not in changes(context)
    assert {"model.dropout": 0.2} not in changes(context)


def test_of_a_regressor_only_what_it_has_is_changed():
    model = {
        "kind": "sklearn.linear_model:Ridge",
        "lookback": 6,
        "parameters": {"alpha": 2.0, "fit_intercept": True, "random_state": 3},
    }
    context = context_of(random_walk(300, seed=1), effect, model=model)
    assert changes(context) == [
        {},
        {"model.lookback": 3},
        {"model.lookback": 12},
        {"model.parameters.alpha": 1.0},
        {"model.parameters.alpha": 4.0},
    ]
    outcomes = outcomes_of(context, AXIS, effect)
    assert all(outcome.question is not None for outcome in outcomes)
    notes = " ".join(AXIS.conclude(context, outcomes).notes)
    assert "has none or is not told: dropout, epochs." in notes


def test_a_builder_of_the_users_has_epochs_and_its_own_numbers(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def build(lookback, n_features, units=(8,), dropout=0.0):\n    raise NotImplementedError\n"
    )
    parameters = {"units": [8], "dropout": 0.0}
    model = {"kind": f"{file}:build", "lookback": 6, "parameters": parameters}
    # asking would build it; what is changed follows from the recipe alone
    context = context_of(random_walk(300, seed=1), effect)
    recipe = context.recipe.model_copy(
        update={"model": type(context.recipe).model_validate({"model": model}).model}
    )
    loaded = type(context.question.loaded)(name="mine", recipe=recipe, folder=tmp_path)
    question = type(context.question)(
        **{name: getattr(context.question, name) for name in context.question.__slots__} | {"loaded": loaded}
    )
    mine = type(context)(record=context.record, question=question, settings=context.settings)
    assert changes(mine) == [
        {},
        {"model.lookback": 3},
        {"model.lookback": 12},
        {"model.parameters.units": [4]},
        {"model.parameters.units": [16]},
        {"training.epochs": 1},
        {"training.epochs": 4},
        {"model.parameters.dropout": 0.2},
    ]


def test_a_baseline_has_nothing_to_change():
    context = context_of(random_walk(300, seed=1), effect, model={"kind": "last_return"})
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.answer is Answer.INCONCLUSIVE
    assert any("has no settings" in note for note in result.notes)


def test_a_true_effect_holds_with_other_settings_and_a_needle_is_caught():
    def needle(variant, asked):
        return coins(variant.label, n=len(asked.prices)) if variant.changes else prophet(asked)

    good = context_of(ar1(700, seed=4, phi=0.3), effect)
    bad = context_of(random_walk(700, seed=4), needle)
    assert AXIS.conclude(good, outcomes_of(good, AXIS, effect)).answer is Answer.YES
    caught = AXIS.conclude(bad, outcomes_of(bad, AXIS, needle))
    assert caught.answer is Answer.NO
    assert caught.sentence.startswith("The gain hangs on the model's settings")
    assert caught.tried
