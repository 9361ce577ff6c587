"""Models as estimators of scikit-learn: clones, pickles, searches, pipelines, its own checks, bad arguments."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from dlrs import layers, models, optimizers, utils, wrappers

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 4))
NUMBERS = X @ [1.0, -2.0, 0.5, 3.0] + 1
NAMES = np.where(X[:, 0] > 0.5, "far", np.where(X[:, 0] < -0.5, "near", "between"))


def network(X, y, loss, activation=None, rate=0.1):
    model = models.Sequential([layers.Input(X.shape[1:]), layers.Dense(y.shape[1], activation)])
    model.compile(optimizers.SGD(rate), loss)
    return model


def classifier(**fit):
    made = {"loss": "categorical_crossentropy", "activation": "softmax", "rate": 1.0}
    return wrappers.SKLearnClassifier(network, model_kwargs=made, fit_kwargs={"verbose": 0, **fit})


def regressor(**fit):
    return wrappers.SKLearnRegressor(network, model_kwargs={"loss": "mse"}, fit_kwargs={"verbose": 0, **fit})


def compiled(outputs=1):
    model = models.Sequential([layers.Input((4,)), layers.Dense(outputs)])
    model.compile("sgd", "mse")
    return model


class Seeded:
    """Makes the same weights and the same order in every fit; its name in the ids of tests is the same, too."""

    def __call__(self, X, y, loss, activation=None):
        utils.set_random_seed(0)
        hidden = layers.Dense(10, "relu")
        model = models.Sequential([layers.Input(X.shape[1:]), hidden, layers.Dense(y.shape[1], activation)])
        model.compile("adam", loss)
        return model

    def __repr__(self):
        return "seeded"


seeded = Seeded()
QUIET = {"verbose": 0}
SOFTMAX = {"loss": "categorical_crossentropy", "activation": "softmax"}


@parametrize_with_checks(
    [
        wrappers.SKLearnClassifier(seeded, model_kwargs=SOFTMAX, fit_kwargs={"verbose": 0, "epochs": 20}),
        wrappers.SKLearnRegressor(seeded, model_kwargs={"loss": "mse"}, fit_kwargs=QUIET),
        wrappers.SKLearnTransformer(seeded, model_kwargs={"loss": "mse"}, fit_kwargs=QUIET),
    ],
    expected_failed_checks=lambda estimator: (
        {
            "check_classifiers_one_label_sample_weights": "weights of zero are not left out",
            "check_classifiers_classes": "a class may be missing in predictions after a few steps",
            "check_classifiers_train": "the decision function of two classes has two columns",
        }
        if isinstance(estimator, wrappers.SKLearnClassifier)
        else {}
    ),
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_classes_are_of_the_type_of_the_targets():
    utils.set_random_seed(0)
    fitted = classifier(epochs=60).fit(X, NAMES)
    assert fitted.classes_.tolist() == ["between", "far", "near"]
    assert fitted.score(X, NAMES) > 0.8
    assert set(fitted.predict(X)) <= set(NAMES)
    assert (fitted.classes_[fitted.decision_function(X).argmax(-1)] == fitted.predict(X)).all()
    assert fitted.n_features_in_ == 4
    assert fitted.epoch_ == 60


def test_a_search_over_a_grid_finds_what_learns():
    grid = {"model_kwargs": [{"loss": "mse", "rate": 1e-6}, {"loss": "mse", "rate": 0.1}]}
    search = GridSearchCV(regressor(epochs=30), grid, cv=3).fit(X, NUMBERS)
    assert search.best_params_["model_kwargs"]["rate"] == 0.1
    assert search.best_score_ > 0.95


def test_it_stands_at_the_end_of_a_pipeline_and_in_the_middle():
    utils.set_random_seed(0)
    assert cross_val_score(make_pipeline(StandardScaler(), regressor(epochs=30)), X, NUMBERS).min() > 0.9
    transformer = wrappers.SKLearnTransformer(network, model_kwargs={"loss": "mse"}, fit_kwargs={"verbose": 0})
    assert make_pipeline(transformer, regressor()).fit(X, NUMBERS).predict(X).shape == (60,)


@pytest.mark.parametrize("fitted", [False, True])
def test_pickles(fitted):
    estimator = regressor(epochs=2)
    if fitted:
        estimator.fit(X, NUMBERS)
    copy = pickle.loads(pickle.dumps(estimator))
    assert copy.get_params() == estimator.get_params()
    if fitted:
        np.testing.assert_array_equal(copy.predict(X), estimator.predict(X))


def test_clones_have_the_parameters_and_a_model_of_their_own():
    estimator = wrappers.SKLearnRegressor(compiled(), warm_start=True, fit_kwargs={"verbose": 0})
    copy = clone(estimator)
    assert copy.model is not estimator.model
    assert (copy.warm_start, copy.fit_kwargs) == (True, {"verbose": 0})
    np.testing.assert_array_equal(copy.model.get_weights()[0], estimator.model.get_weights()[0])


def test_fit_trains_a_copy_unless_it_starts_warm():
    model = compiled()
    before = model.get_weights()[0]
    cold = wrappers.SKLearnRegressor(model).fit(X, NUMBERS, verbose=0)
    assert cold.model_ is not model
    np.testing.assert_array_equal(model.get_weights()[0], before)
    warm = wrappers.SKLearnRegressor(model, warm_start=True, fit_kwargs={"verbose": 0, "epochs": 10})
    assert warm.fit(X, NUMBERS).model_ is model
    first = warm.score(X, NUMBERS)
    assert warm.fit(X, NUMBERS).score(X, NUMBERS) > first


def test_arguments_of_fit_go_before_those_of_the_estimator_and_do_not_change_them():
    estimator = regressor(epochs=2)
    estimator.fit(X, NUMBERS, epochs=3)
    assert estimator.epoch_ == 3
    assert estimator.fit_kwargs["epochs"] == 2


def test_metadata_is_routed_when_asked_for():
    import sklearn

    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        regressor().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(regressor().set_fit_request(sample_weight=True))
        half = np.r_[np.ones(30), np.zeros(30)]
        assert pipeline.fit(X, NUMBERS, sample_weight=half)[-1].epoch_ == 1


@pytest.mark.parametrize(
    ("estimator", "error", "match"),
    [
        (lambda: wrappers.SKLearnRegressor(3), TypeError, "`model` must be a Model or a function"),
        (lambda: wrappers.SKLearnRegressor(lambda X, y: None), TypeError, "must give a Model, got None"),
        (lambda: wrappers.SKLearnRegressor(models.Sequential([layers.Dense(1)])), RuntimeError, "must be compiled"),
        (lambda: wrappers.SKLearnRegressor(network, model_kwargs=3), TypeError, "`model_kwargs` must be a dict"),
        (lambda: wrappers.SKLearnRegressor(compiled(), fit_kwargs="x"), TypeError, "`fit_kwargs` must be a dict"),
        (lambda: wrappers.SKLearnRegressor(network, model_kwargs={"los": "mse"}), TypeError, "los"),
    ],
)
def test_bad_parameters_are_refused_by_fit(estimator, error, match):
    with pytest.raises(error, match=match):
        estimator().fit(X, NUMBERS)


def test_bad_data_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(np.full((3, 4), np.nan), [1, 2, 3])
    with pytest.raises(ValueError, match="Only binary and multiclass"):
        classifier().fit(X, NUMBERS)
    with pytest.raises(ValueError, match="only one class"):
        classifier().fit(X, np.ones(60, int))
    with pytest.raises(NotFittedError):
        regressor().predict(X)
    with pytest.raises(ValueError, match="4 features"):
        regressor().fit(X, NUMBERS).predict(X[:, :2])


def test_without_scikit_learn_the_names_say_what_is_needed():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import dlrs\n"
        "print(dir(dlrs.wrappers))\n"
        "dlrs.wrappers.SKLearnRegressor"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SKLearnClassifier" in done.stdout
    assert "ImportError: wrappers.SKLearnRegressor needs scikit-learn: pip install 'dlrs[sklearn]'" in done.stderr
