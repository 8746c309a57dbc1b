"""Darts' BlockRNNModel: an LSTM over a window and a linear layer to the next value, as ours."""

from __future__ import annotations

import logging
import warnings

import numpy as np
from contest import FoldRun, FoldWork, compete


def train_and_predict(fold: FoldWork) -> FoldRun:
    """Do one fold; both cores are Darts' to use."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    series = TimeSeries.from_values(fold.series)
    n_train = len(fold.series) - fold.n_test
    model = BlockRNNModel(
        input_chunk_length=fold.lookback,
        output_chunk_length=1,
        model="LSTM",
        hidden_dim=50,
        n_rnn_layers=1,
        batch_size=fold.batch_size,
        n_epochs=fold.epochs,
        pl_trainer_kwargs={
            "accelerator": "cpu",
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        },
    )
    model.fit(series[:n_train])
    steps = int(model.trainer.global_step)
    predicted = model.historical_forecasts(
        series, start=n_train, forecast_horizon=1, retrain=False, last_points_only=True, verbose=False
    )
    parameters = sum(p.numel() for p in model.model.parameters())
    return FoldRun(
        predicted=np.asarray(predicted.values()[:, 0]),
        steps=steps,
        parameters=parameters,
    )


if __name__ == "__main__":
    compete(train_and_predict)
