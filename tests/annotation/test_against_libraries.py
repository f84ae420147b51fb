"""Agreement and aggregation against scikit-learn, krippendorff, evalica and crowd-kit."""

import krippendorff
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from topfive.annotation.aggregation import dawid_skene, majority_vote
from topfive.annotation.agreement import cohen_kappa, krippendorff_alpha
from topfive.annotation.simulate import crowd_labels


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 4])
def test_kappa_is_scikit_learns(seed, classes):
    labels, _ = crowd_labels(80, 2, classes, 2, seed)
    assert np.isclose(cohen_kappa(*labels.T), cohen_kappa_score(*labels.T))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 4])
def test_alpha_is_that_of_two_packages(seed, classes):
    import evalica

    labels, _ = crowd_labels(60, 8, classes, 3, seed)
    labels[0, 1:] = -1  # a task with a single label
    with_gaps = np.where(labels < 0, np.nan, labels).T
    ours = krippendorff_alpha(labels)
    assert np.isclose(ours, krippendorff.alpha(with_gaps, level_of_measurement="nominal"))
    assert np.isclose(ours, evalica.alpha(pd.DataFrame(with_gaps), distance="nominal").alpha)


def rows(labels):
    task, worker = np.nonzero(labels >= 0)
    return pd.DataFrame({"task": task, "worker": worker, "label": labels[task, worker]})


def test_majority_is_crowd_kits_where_it_is_no_tie():
    from crowdkit.aggregation import MajorityVote

    labels, _ = crowd_labels(300, 12, 3, 5, seed=1)
    ours = majority_vote(labels, 3)
    theirs = MajorityVote().fit_predict(rows(labels)).sort_index().to_numpy()
    assert (ours == theirs)[ours >= 0].all()
    assert (ours >= 0).mean() > 0.8


@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.parametrize("classes", [2, 3])
def test_dawid_skene_is_crowd_kits_on_ten_thousand_labels(steps, classes):
    from crowdkit.aggregation import DawidSkene

    labels, _ = crowd_labels(2000, 50, classes, 5, seed=classes)
    assert (labels >= 0).sum() == 10_000
    ours = dawid_skene(labels, classes, steps, tolerance=-1)
    theirs = DawidSkene(n_iter=steps, tol=-1e9).fit(rows(labels))
    found = theirs.probas_.sort_index()[list(range(classes))].to_numpy()
    np.testing.assert_allclose(ours.guesses, found, atol=1e-6)
    np.testing.assert_allclose(ours.prior, theirs.priors_[list(range(classes))], atol=1e-6)
    errors = theirs.errors_.reindex([(w, k) for w in range(50) for k in range(classes)])[list(range(classes))]
    matrices = errors.to_numpy().reshape(50, classes, classes).transpose(0, 2, 1)
    np.testing.assert_allclose(ours.matrices, matrices, atol=1e-6)
