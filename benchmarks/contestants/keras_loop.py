"""What any user would write: a fresh Keras model for each fold, ``fit``, ``predict``."""

from __future__ import annotations

from contest import FoldRun, FoldWork, compete


def train_and_predict(fold: FoldWork) -> FoldRun:
    """Do one fold; both cores are Keras' to use."""
    import keras

    model = keras.Sequential([keras.Input((fold.lookback, 1)), keras.layers.LSTM(50), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(fold.inputs, fold.targets, batch_size=fold.batch_size, epochs=fold.epochs, verbose=0)
    predicted = model.predict(fold.test_inputs, verbose=0)[:, 0]
    steps = int(model.optimizer.iterations.numpy())
    return FoldRun(predicted=predicted, steps=steps, parameters=model.count_params())


if __name__ == "__main__":
    compete(train_and_predict)
