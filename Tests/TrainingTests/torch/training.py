"""A whole training of a Morse pair in torch, loop and all, that Trainer must follow step by step:
python3 Tests/TrainingTests/torch/training.py > Tests/TrainingTests/torch/training.json   (read by TorchTrainingTests.swift)
Loss, schedule, averaging and stages are those of the reference trainer of LR-MACE; the order of frames is Philox's."""
import json
import math

import torch

torch.set_default_dtype(torch.float64)
EPOCHS, BATCH, SEED = 17, 2, 1


# Philox4x32-10 (doi 10.1145/2063384.2063405), the first of four uniform deviates of (seed, step, atom, stream).
def uniform(seed, step, atom, stream):
    mask = 0xFFFFFFFF
    c, k = [step & mask, step >> 32, atom, stream << 1], [seed & mask, seed >> 32]
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return (((c[0] << 32 | c[1]) >> 12) + 0.5) * 2.0**-52


def order(count, epoch):
    indices = list(range(count))
    for i in range(count - 1, 0, -1):
        j = int(uniform(SEED, epoch, i, 0x54520002) * (i + 1))
        indices[i], indices[j] = indices[j], indices[i]
    return indices


def frame(n):
    i = torch.arange(4 + n % 2, dtype=torch.float64)
    positions = torch.stack([2.1 * (i % 2), 2.1 * (i // 2 % 2), 2.2 * (i // 4)], 1) + 0.2 * torch.sin(
        7.0 * n + 3.0 * i[:, None] + torch.tensor([0.0, 1.0, 2.0]))
    forces = 0.3 * torch.cos(5.0 * n + 2.0 * i[:, None] + torch.tensor([0.0, 1.0, 2.0]))
    return dict(positions=positions, energy=math.sin(3.0 * n) - 1.0, forces=forces)


def predict(theta, positions):
    positions = positions.clone().requires_grad_(True)
    d = positions[:, None] - positions[None]
    off = ~torch.eye(len(positions), dtype=bool)
    r = d[off].norm(dim=-1)
    x = torch.exp(-theta[1] * (r - theta[2]))
    phi = theta[0] * (x * x - 2 * x) * (1 - r * r / 25) ** 3
    energy = 0.5 * phi[r < 5].sum()
    forces = -torch.autograd.grad(energy, positions, create_graph=True)[0]
    return energy, forces


def loss(theta, frames, energy_weight):
    predictions = [predict(theta, f["positions"]) for f in frames]
    energies = torch.stack([(e - f["energy"]) / len(f["positions"]) for (e, _), f in zip(predictions, frames)])
    forces = torch.cat([p - f["forces"] for (_, p), f in zip(predictions, frames)])
    return energy_weight * energies.abs().mean() + forces.abs().mean()


train, valid = [frame(n) for n in range(6)], [frame(n) for n in (6, 7)]
depth, shape = torch.nn.Parameter(torch.tensor([0.2])), torch.nn.Parameter(torch.tensor([1.2, 2.1]))
optimiser = torch.optim.AdamW(
    [dict(params=[depth], weight_decay=0.02), dict(params=[shape], weight_decay=0.0)], lr=5e-3, amsgrad=True)
average = torch.cat([depth, shape]).detach().clone()
steps = len(train) // BATCH
total, step = EPOCHS * steps, 0
losses, validation = [], []
for epoch in range(EPOCHS):
    indices = order(len(train), epoch)
    for b in range(steps):
        rate = 5e-3 * min(1, (step + 1) / 10) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / total)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = [train[i] for i in indices[b * BATCH:(b + 1) * BATCH]]
        value = loss(torch.cat([depth, shape]), batch, 10.0 if step < 0.7 * total else 50.0)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_([depth, shape], 2.0)
        optimiser.step()
        step += 1
        d = min(0.99, (1 + step) / (10 + step))
        average = d * average + (1 - d) * torch.cat([depth, shape]).detach()
        losses.append(float(value.detach()))
    validation.append(float(loss(average, valid, 50.0).detach()))
print(json.dumps(dict(losses=losses, validation=validation, parameters=torch.cat([depth, shape]).tolist(),
                      average=average.tolist()), indent=1))
