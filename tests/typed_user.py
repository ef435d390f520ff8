"""A user's program with type hints: `mypy --strict` must accept it (.ci/run)."""

from __future__ import annotations

import autograd_lite as al
import nn
import nn.functional as F
from nn.optim import SGD


class Net(nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, 3)
        self.act = nn.ReLU(inplace=True)
        self.fc2 = nn.Linear(3, 1)

    def forward(self, x: al.Tensor) -> al.Tensor:
        return self.fc2(self.act(self.fc1(x)))


def softplus(x: al.Tensor) -> al.Tensor:
    return al.log(1 + al.exp(x))


def train(model: nn.Module, x: al.Tensor, y: al.Tensor) -> float:
    optimizer = SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with al.no_grad():
        return float(nn.MSELoss()(model(x), y))


x: al.Tensor = al.tensor([[0.5, -1.0]], dtype=al.float64, requires_grad=True)
slope: al.Tensor = al.grad(lambda x: softplus(x).sum())(x)
total: al.Tensor = (slope @ al.ones(2, 1, dtype=al.float64) + slope[0, :1] - 1).sum(axis=0)
al.gradcheck(softplus, [x])
last: float = train(nn.Sequential(Net(), nn.Flatten()), al.randn(4, 2), al.zeros(4, 1))
