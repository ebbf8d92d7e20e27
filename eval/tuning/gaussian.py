"""Proposals by a Gaussian process that knows how uncertain each figure is: qLogNEHVI.

Noisy expected hypervolume improvement: Daulton, Balandat and Bakshy, NeurIPS 2021; its logarithm:
Ament et al., NeurIPS 2023. Optuna's own function gives the model no variances; this one does.
"""

import numpy as np
import numpy.typing as npt
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from botorch.utils.transforms import normalize, unnormalize
from gpytorch.mlls import ExactMarginalLogLikelihood
from optuna.samplers import BaseSampler, RandomSampler
from optuna_integration import BoTorchSampler

SAMPLES = 128  # of the posterior, as BoTorch's tutorials take
RESTARTS, RAW, ITERATIONS = 8, 256, 100  # of the search for the best proposal; chosen
LEAST_NOISE = 1e-4  # of the spread of an objective: below, its matrix cannot be inverted safely


def sampler(variances: npt.NDArray[np.float64], seed: int) -> BaseSampler:
    """Return the sampler of one proposal.

    Args:
        variances: of the objectives of the trials that it will be told.  # (n, m)
        seed: of all that it draws.
    """
    known = torch.from_numpy(variances)

    def candidates(
        x: torch.Tensor,
        y: torch.Tensor,
        constraints: torch.Tensor | None,  # noqa: ARG001 - Optuna gives five
        bounds: torch.Tensor,
        pending: torch.Tensor | None,  # noqa: ARG001
    ) -> torch.Tensor:
        return _best(x, y, known, bounds)

    return BoTorchSampler(
        candidates_func=candidates,
        n_startup_trials=1,
        independent_sampler=RandomSampler(seed=seed),
        seed=seed,
    )


def _best(
    x: torch.Tensor, y: torch.Tensor, variances: torch.Tensor, bounds: torch.Tensor
) -> torch.Tensor:
    """Return where the Pareto front is expected to move most.  # (n, d), (n, m) → (1, d)."""
    varies = y.max(dim=0).values > y.min(dim=0).values
    if not varies.any():  # everything is the same so far: anywhere
        return bounds[0] + torch.rand(1, x.shape[-1], dtype=x.dtype) * (bounds[1] - bounds[0])
    x, y, noise = normalize(x, bounds), y[:, varies], variances[:, varies]
    noise = noise.maximum(LEAST_NOISE * y.var(dim=0))
    model = SingleTaskGP(x, y, noise, outcome_transform=Standardize(m=y.shape[-1]))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    unit = torch.stack([torch.zeros_like(bounds[0]), torch.ones_like(bounds[1])])
    found, _ = optimize_acqf(
        _improvement(model, x, y),
        bounds=unit,
        q=1,
        num_restarts=RESTARTS,
        raw_samples=RAW,
        options={"batch_limit": 4, "maxiter": ITERATIONS},
    )
    return unnormalize(found.detach(), bounds)


def _improvement(model: SingleTaskGP, x: torch.Tensor, y: torch.Tensor) -> AcquisitionFunction:
    draws = SobolQMCNormalSampler(torch.Size([SAMPLES]))
    if y.shape[-1] == 1:
        return qLogNoisyExpectedImprovement(model, x, draws, prune_baseline=True)
    worst = infer_reference_point(y[is_non_dominated(y)])
    return qLogNoisyExpectedHypervolumeImprovement(
        model, worst.tolist(), x, draws, prune_baseline=True
    )
