"""Proposals by a Gaussian process that knows how uncertain each figure is: qLogNEHVI.

Noisy expected hypervolume improvement: Daulton, Balandat and Bakshy, NeurIPS 2021; its logarithm:
Ament et al., NeurIPS 2023. Optuna's own function gives the model no variances; this one does.
"""

import warnings

import numpy as np
import numpy.typing as npt
import torch
from optuna.samplers import BaseSampler, RandomSampler

with warnings.catch_warnings():  # gpytorch compiles by what torch calls deprecated
    warnings.simplefilter("ignore")
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
    from botorch.exceptions.errors import ModelFittingError
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms.outcome import Standardize
    from botorch.optim.optimize import optimize_acqf
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.transforms import normalize, unnormalize
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from linear_operator.utils.errors import NanError, NotPSDError
    from optuna_integration import BoTorchSampler

UNFIT = (ModelFittingError, NanError, NotPSDError)
"""What is raised where no model fits the figures."""

SAMPLES = 64  # of the posterior; chosen
RESTARTS, RAW, ITERATIONS = 4, 64, 50  # of the search for the best proposal; chosen
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

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is called experimental
        of: BaseSampler = BoTorchSampler(
            candidates_func=candidates,
            n_startup_trials=1,
            independent_sampler=RandomSampler(seed=seed),
            seed=seed,
        )
    return of


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
        options={"batch_limit": RESTARTS, "maxiter": ITERATIONS},
    )
    return unnormalize(found.detach(), bounds)


def _improvement(model: SingleTaskGP, x: torch.Tensor, y: torch.Tensor) -> AcquisitionFunction:
    draws = SobolQMCNormalSampler(torch.Size([SAMPLES]))
    if y.shape[-1] == 1:
        return qLogNoisyExpectedImprovement(model, x, draws, prune_baseline=True)
    worst = y.min(dim=0).values  # of all, not of the front: its ends count, too
    return qLogNoisyExpectedHypervolumeImprovement(
        model, worst.tolist(), x, draws, prune_baseline=True
    )
