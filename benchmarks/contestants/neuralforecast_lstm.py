"""neuralforecast's LSTM with as many gradient steps on batches of as many windows."""

from __future__ import annotations

import logging
import os
import warnings

import numpy as np
from contest import FoldRun, FoldWork, compete

os.environ["NIXTLA_ID_AS_COL"] = "1"


def train_and_predict(fold: FoldWork) -> FoldRun:
    """Do one fold; both cores are neuralforecast's to use."""
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(len(fold.series)), "y": fold.series})
    model = LSTM(
        h=1,
        input_size=fold.lookback,
        loss=MSE(),
        encoder_hidden_size=50,
        encoder_n_layers=1,
        decoder_layers=1,
        decoder_hidden_size=50,
        max_steps=fold.steps,
        batch_size=1,
        windows_batch_size=fold.batch_size,
        scaler_type="identity",
        val_check_steps=fold.steps + 1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    forecaster = NeuralForecast(models=[model], freq=1)
    predicted = forecaster.cross_validation(frame, n_windows=fold.n_test, step_size=1, val_size=0)
    fitted = forecaster.models[0]
    parameters = sum(p.numel() for p in fitted.parameters())
    return FoldRun(
        predicted=predicted["LSTM"].to_numpy(),
        steps=len(fitted.train_trajectories),
        parameters=parameters,
    )


if __name__ == "__main__":
    compete(train_and_predict)
