"""A plain hand-written PyTorch loop; its LSTM has two biases where Keras' has one, hence 200 more weights."""

from __future__ import annotations

from contest import FoldRun, FoldWork, compete


def train_and_predict(fold: FoldWork) -> FoldRun:
    """Do one fold; both cores are PyTorch's to use."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(1, 50, batch_first=True)
            self.dense = torch.nn.Linear(50, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.dense(self.lstm(x)[0][:, -1])[:, 0]

    network = Network()
    optimizer, loss_of, steps = torch.optim.Adam(network.parameters()), torch.nn.MSELoss(), 0
    inputs, targets = torch.from_numpy(fold.inputs), torch.from_numpy(fold.targets)
    for _ in range(fold.epochs):
        for chosen in torch.randperm(len(inputs)).split(fold.batch_size):
            optimizer.zero_grad()
            loss_of(network(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
            steps += 1
    with torch.no_grad():
        predicted = network(torch.from_numpy(fold.test_inputs)).numpy()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return FoldRun(predicted=predicted, steps=steps, parameters=parameters)


if __name__ == "__main__":
    compete(train_and_predict)
