"""Numbers that Adam, clipping, losses and schedule must reproduce, from torch 2.8 and mace-torch 0.3.16:
python3 Tests/TrainingTests/torch/optimisers.py   prints Swift literals for TorchNumbers.swift."""
import types

import numpy as np
import torch
from mace.modules import loss as mace_loss

torch.set_default_dtype(torch.float64)


def quadratic(kind, amsgrad, decay, clip):
    # f = 1/2 sum a_i (theta_i - b_i)^2 (1 + sin(t) / 2), so that the gradients do not only shrink.
    a = torch.tensor([1.0, 10.0, 0.1])
    b = torch.tensor([1.0, -2.0, 3.0])
    theta = torch.nn.Parameter(torch.tensor([0.5, 0.5, 0.5]))
    optimiser = getattr(torch.optim, kind)([theta], lr=0.05, weight_decay=decay, amsgrad=amsgrad)
    for t in range(50):
        optimiser.zero_grad()
        (0.5 * (a * (theta - b) ** 2).sum() * (1 + 0.5 * np.sin(t))).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([theta], clip)
        optimiser.step()
    return theta.detach().tolist()


def plateau():
    theta = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([theta], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=2)
    rates = []
    for loss in [1, 0.9, 0.95, 0.91, 0.92, 0.93, 0.8999, 0.89995, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]:
        schedule.step(loss)
        rates.append(optimiser.param_groups[0]["lr"])
    return rates


def losses():
    # Two frames of two and one atoms.
    ptr = torch.tensor([0, 2, 3])
    ref = types.SimpleNamespace(
        ptr=ptr, weight=torch.ones(2), energy_weight=torch.ones(2), forces_weight=torch.ones(2), stress_weight=torch.ones(2))
    values = dict(
        energy=torch.tensor([1.0, -2.0]), forces=torch.tensor([[0.1, 0.2, -0.3], [150.0, 0.0, 0.5], [0.0, 250.0, -1.0]]),
        stress=torch.tensor([[[0.01, 0, 0], [0, 0.02, 0], [0, 0, -0.01]], [[0.0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]]]))
    class Ref(dict):
        __getattr__ = lambda self, k: getattr(ref, k)
    batch = Ref(values)
    pred = dict(
        energy=torch.tensor([1.01, -2.5]), forces=torch.tensor([[0.1, 0.203, -0.4], [150.004, 0.0, 0.505], [0.0, 249.0, -1.003]]),
        stress=torch.tensor([[[0.011, 0, 0], [0, 0.03, 0], [0, 0, -0.03]], [[0.0, 0, 0], [0, 0, 0.7], [0, 0.7, 0]]]))
    kinds = dict(
        squared=mace_loss.WeightedEnergyForcesStressLoss(2.0, 30.0, 5.0),
        huber=mace_loss.WeightedHuberEnergyForcesStressLoss(2.0, 30.0, 5.0, huber_delta=0.01),
        universal=mace_loss.UniversalLoss(2.0, 30.0, 5.0, huber_delta=0.01))
    return {k: float(f(batch, pred)) for k, f in kinds.items()}


for name, arguments in dict(adam=("Adam", False, 0.01, None), adamAMSGrad=("Adam", True, 0, 1.0), adamw=("AdamW", False, 0.1, None),
                            adamwAMSGrad=("AdamW", True, 0.1, 0.5)).items():
    print(name, quadratic(*arguments))
print("plateau", plateau())
print("losses", losses())
rng = np.random.default_rng(1)
A, b = rng.normal(size=(7, 3)), rng.normal(size=7)
A[:, 2] = 2 * A[:, 0] - A[:, 1]
print("lstsq", A.tolist(), b.tolist(), np.linalg.lstsq(A, b, rcond=None)[0].tolist())
