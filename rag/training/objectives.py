"""What training makes small, each a pure function of scores: torch in, a number with gradient out.

Scores are of the candidates of one query, shape (n,), unless a function says otherwise; the higher,
the better. Golden numbers in the doctests are of the papers' formulas, worked out apart.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from rag.errors import BadInput

Objective: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Takes scores and what they should be like, both (n,): grades or a teacher's scores."""

TOP = 10  # LambdaRank looks at nDCG@10, which is what rankings are judged by here


def ranks(targets: Tensor) -> Tensor:
    """Return the rank of each target, 1 for the highest; equal ones share the better rank.

    >>> ranks(torch.tensor([0.5, 2.0, 0.5])).tolist()
    [2, 1, 2]
    """
    return 1 + (targets[None, :] > targets[:, None]).sum(1)


def ranknet(scores: Tensor, targets: Tensor, *, weighted: bool = True) -> Tensor:
    """Return Σ w·log(1 + e^(sⱼ − sᵢ)) / pairs over all pairs in which i has the higher target.

    Weighted, w = 1/(rᵢ + rⱼ) of the targets' ranks: FIRST, Reddy et al., arXiv 2406.15657. Not
    weighted, w = 1: instruction distillation, Sun et al., arXiv 2311.01555, with the sign of their
    code, which is the right one. Without such a pair it is 0.

    >>> scores, targets = torch.tensor([0.3, 2.0, -1.0]), torch.tensor([3.0, 2.0, 1.0])
    >>> round(ranknet(scores, targets).item(), 6)
    0.230855
    >>> round(ranknet(scores, targets, weighted=False).item(), 6)
    0.719127
    """
    better = targets[:, None] > targets[None, :]
    losses = softplus(scores[None, :] - scores[:, None])[better]
    if not losses.numel():
        return scores.sum() * 0.0
    if weighted:
        of = ranks(targets)
        losses = losses / (of[:, None] + of[None, :])[better]
    return losses.mean()


def listnet(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of the scores' softmax under the targets' (Cao et al., ICML 2007).

    >>> round(listnet(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])).item(), 6)
    0.813262
    """
    return -(targets.softmax(0) * scores.log_softmax(0)).sum()


def listwise(scores: Tensor, grades: Tensor) -> Tensor:
    """Return the mean of −log softmax over the relevant: those of a grade above 0.

    Each relevant candidate stands against all that are not, and not against its like. RankLLaMA
    (arXiv 2310.08319), RankingGPT (2311.16720). Without a relevant one it is 0.

    >>> round(listwise(torch.tensor([2.0, 1.0, 0.0]), torch.tensor([1, 0, 0])).item(), 6)
    0.407606
    """
    relevant = grades > 0
    if not relevant.any():
        return scores.sum() * 0.0
    others = scores[~relevant]
    each = [torch.cat([one[None], others]).logsumexp(0) - one for one in scores[relevant].unbind()]
    return torch.stack(each).mean()


def lambdarank(scores: Tensor, grades: Tensor, top: int = TOP) -> Tensor:
    """Return Σ |ΔnDCG@top|·log(1 + e^(sⱼ − sᵢ)) over the pairs in which i has the higher grade.

    Burges 2010. ΔnDCG is what nDCG would change by if the two changed places in the present order;
    gains are 2^grade − 1, and grades below 0 count as 0.

    >>> round(lambdarank(torch.tensor([0.0, 1.0]), torch.tensor([1, 0])).item(), 6)
    0.484686
    """
    gains = torch.exp2(grades.clamp(min=0).to(scores.dtype)) - 1
    discounts = _discounts(len(gains), top).to(gains)
    ideal = discounts @ gains.sort(descending=True).values
    if not float(ideal):
        return scores.sum() * 0.0
    places = scores.detach().argsort(descending=True, stable=True).argsort()
    worth = discounts[places]
    changes = (gains[:, None] - gains[None, :]) * (worth[:, None] - worth[None, :])
    better = gains[:, None] > gains[None, :]
    losses = changes.abs() / ideal * softplus(scores[None, :] - scores[:, None])
    return losses[better].sum()


def margin_mse(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of ((s₀ − sⱼ) − (t₀ − tⱼ))² over all j but the first.

    The first candidate is the positive: GPL, Wang et al., NAACL 2022.

    >>> margin_mse(torch.tensor([3.0, 1.0]), torch.tensor([5.0, 1.0])).item()
    4.0
    """
    return ((scores[0] - scores[1:]) - (targets[0] - targets[1:])).square().mean()


def graded(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of the scores under a softmax of rewards, and of their order.

    LLM-Embedder, Zhang et al., arXiv 2310.07554: the graded distillation, and beside it, of every
    candidate, −log softmax against those of a lower reward.

    >>> round(graded(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0])).item(), 6)
    0.895465
    """
    lower = targets[None, :] < targets[:, None]
    lowest = torch.where(lower, scores[None, :], -torch.inf)
    against = torch.cat([scores[:, None], lowest], 1).logsumexp(1) - scores
    ordered = against[lower.any(1)]
    return listnet(scores, targets) + (ordered.mean() if ordered.numel() else 0.0)


def replug(scores: Tensor, targets: Tensor, gamma: float = 0.1, beta: float = 0.1) -> Tensor:
    """Return KL(P ‖ Q) of P = softmax(s / γ) from Q = softmax(log p(answer | passage) / β).

    REPLUG-LSR, Shi et al., arXiv 2301.12652: the retriever learns which passages make the answer
    likely; the model that says so is frozen.

    >>> replug(torch.tensor([0.1, 0.0]), torch.tensor([0.1, 0.0])).item()
    0.0
    >>> round(replug(torch.tensor([0.1, 0.0]), torch.tensor([0.0, 0.0])).item(), 6)
    0.110944
    """
    ours, theirs = (scores / gamma).log_softmax(0), (targets / beta).log_softmax(0)
    return (ours.exp() * (ours - theirs)).sum()


def infonce(scores: Tensor, relevant: Tensor) -> Tensor:
    """Return the mean of −log softmax of each row's first relevant candidate.

    Args:
        scores: of rows of queries and columns of candidates, (q, n), over the temperature.
        relevant: of which query a candidate is a positive, (q, n). Further positives of a row do
            not stand against the first.

    >>> scores = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    >>> round(infonce(scores, torch.eye(2, dtype=torch.bool)).item(), 5)
    0.18092
    """
    first = relevant.float().argmax(1)
    rest = relevant.clone()
    rest[torch.arange(len(rest)), first] = False
    return torch.nn.functional.cross_entropy(scores.masked_fill(rest, -torch.inf), first)


def soft_nearest(scores: Tensor, relevant: Tensor) -> Tensor:
    """Return the mean of −log(Σ over the relevant e^s / Σ over all e^s), rows as in `infonce`.

    Syntriever, Kim and Baek, arXiv 2502.03824: several positives, given and synthetic, share what
    is likely. The released code computes this and then returns the plain cross-entropy.

    >>> scores = torch.tensor([[2.0, 1.0, 0.0]])
    >>> round(soft_nearest(scores, torch.tensor([[True, True, False]])).item(), 6)
    0.094344
    """
    near = scores.masked_fill(~relevant, -torch.inf).logsumexp(1)
    return (scores.logsumexp(1) - near).mean()


def plackett_luce(scores: Tensor, order: Sequence[int]) -> Tensor:
    """Return −Σ log of: each of the ordered is chosen first among those not chosen before it.

    The partial Plackett–Luce of Syntriever's alignment is that of two: the preferred among all, the
    other among the rest.

    >>> round(plackett_luce(torch.tensor([1.0, 0.0, -1.0]), [0, 1]).item(), 6)
    0.720868
    """
    left = torch.ones_like(scores, dtype=torch.bool)
    total = scores.sum() * 0.0
    for i in order:
        total = total + scores[left].logsumexp(0) - scores[i]
        left = left.clone()
        left[i] = False
    return total


def dpo(
    chosen: Tensor, rejected: Tensor, reference: tuple[float, float], beta: float = 0.1
) -> Tensor:
    """Return −log σ(β((c − c₀) − (r − r₀))): Rafailov et al., NeurIPS 2023; LLM-QE, 2502.17057.

    Args:
        chosen: the summed log-probability of the better text, ().
        rejected: of the worse one.
        reference: both before training.
        beta: how far the model may go from what it was.

    >>> one = torch.tensor(-3.0)
    >>> round(dpo(one, one, (-3.0, -3.0)).item(), 6)
    0.693147
    >>> round(dpo(torch.tensor(-1.0), one, (-3.0, -3.0), beta=0.5).item(), 6)
    0.313262
    """
    return -logsigmoid(beta * ((chosen - reference[0]) - (rejected - reference[1])))


OBJECTIVES: Mapping[str, Objective] = {
    "listwise": listwise,
    "ranknet": ranknet,
    "ranknet-plain": lambda scores, targets: ranknet(scores, targets, weighted=False),
    "listnet": listnet,
    "lambdarank": lambdarank,
    "margin-mse": margin_mse,
    "graded": graded,
    "replug": replug,
}
"""Objectives over the candidates of one query, by the name that commands use."""

BY_GRADE = ("listwise", "lambdarank")
"""Those that learn from grades; the others from a teacher's scores, or grades where it has none."""


def check_finite(loss: Tensor) -> None:
    """Pass where a loss is a number.

    Raises:
        BadInput: it is not: training would spoil every weight.
    """
    if not math.isfinite(value := float(loss.detach())):
        raise BadInput(f"the loss is {value}: take a lower --rate, or look at the teacher's scores")


def ndcg(scores: Sequence[float], gains: Sequence[float]) -> float:
    """Return nDCG@10 of these candidates, linear gains; 1 where there is nothing to gain.

    >>> round(ndcg([0.1, 0.9], [1.0, 0.0]), 4)
    0.6309
    """
    order = sorted(range(len(scores)), key=lambda i: -scores[i])

    def dcg(found: Sequence[float]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(found[:TOP]))

    best = dcg(sorted(gains, reverse=True))
    return dcg([gains[i] for i in order]) / best if best else 1.0


def _discounts(n: int, top: int) -> Tensor:
    """Return what a gain at each place is worth, (n,); nothing below the top ones."""
    places = torch.arange(n, dtype=torch.float32)
    return torch.where(places < top, 1 / torch.log2(places + 2), 0.0)
