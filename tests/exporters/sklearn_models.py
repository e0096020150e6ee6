# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""sklearn_models.py FOLDER - scikit-learn models through skl2onnx, and, where they are installed, LightGBM's, XGBoost's and
CatBoost's through onnxmltools or their own exporters. Outputs are those of the libraries."""
import sys
import warnings

import numpy as np

from cases import Cases

warnings.filterwarnings("ignore")
from sklearn import cluster, datasets, decomposition, discriminant_analysis, ensemble, gaussian_process, isotonic  # noqa
from sklearn import kernel_approximation, linear_model, mixture, multiclass, multioutput, naive_bayes, neighbors  # noqa
from sklearn import neural_network, preprocessing, svm, tree  # noqa
from sklearn.compose import ColumnTransformer  # noqa
from sklearn.feature_selection import SelectKBest, VarianceThreshold  # noqa
from sklearn.impute import KNNImputer, SimpleImputer  # noqa
from sklearn.pipeline import FeatureUnion, make_pipeline  # noqa
from skl2onnx import to_onnx  # noqa

X, Y = datasets.make_classification(80, 6, n_informative=4, n_classes=3, random_state=3)
X = X.astype(np.float32)
B = (Y > 0).astype(np.int64)
R = (X[:, 0] * 2 - X[:, 1] + X[:, 2] ** 2).astype(np.float32)
R2 = np.stack([R, -R + X[:, 3]], 1)
TEST = X[:9]
P = np.abs(X)
HOLES = X.copy()
HOLES[::5, 1] = np.nan
WORDS = np.array([["a", "x"], ["b", "y"], ["a", "z"], ["c", "x"]] * 5, dtype=object)

CLASSIFIERS = [
    linear_model.LogisticRegression(), linear_model.RidgeClassifier(), linear_model.SGDClassifier(random_state=1),
    linear_model.Perceptron(random_state=1), linear_model.PassiveAggressiveClassifier(random_state=1),
    tree.DecisionTreeClassifier(max_depth=4, random_state=1), tree.ExtraTreeClassifier(max_depth=4, random_state=1),
    ensemble.RandomForestClassifier(7, max_depth=4, random_state=1), ensemble.ExtraTreesClassifier(7, max_depth=4, random_state=1),
    ensemble.GradientBoostingClassifier(n_estimators=5, random_state=1), ensemble.HistGradientBoostingClassifier(max_iter=5),
    ensemble.AdaBoostClassifier(n_estimators=4, random_state=1), ensemble.BaggingClassifier(n_estimators=4, random_state=1),
    svm.SVC(probability=True, random_state=1), svm.SVC(kernel="poly", probability=True, random_state=1),
    svm.NuSVC(probability=True, random_state=1), svm.LinearSVC(random_state=1),
    naive_bayes.GaussianNB(), neighbors.KNeighborsClassifier(3), neighbors.NearestCentroid(),
    neural_network.MLPClassifier(hidden_layer_sizes=(6,), max_iter=60, random_state=1), discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.3),
    multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    multiclass.OneVsOneClassifier(linear_model.LogisticRegression()),
    ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=3))], voting="soft", flatten_transform=False),
    ensemble.StackingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=3))]),
]
REGRESSORS = [
    linear_model.LinearRegression(), linear_model.Ridge(), linear_model.Lasso(0.1), linear_model.ElasticNet(0.1),
    linear_model.BayesianRidge(), linear_model.HuberRegressor(), linear_model.Lars(), linear_model.PoissonRegressor(),
    linear_model.SGDRegressor(random_state=1), linear_model.QuantileRegressor(), linear_model.RANSACRegressor(random_state=1),
    tree.DecisionTreeRegressor(max_depth=5, random_state=1), ensemble.RandomForestRegressor(6, max_depth=4, random_state=1),
    ensemble.GradientBoostingRegressor(n_estimators=6, random_state=1), ensemble.HistGradientBoostingRegressor(max_iter=6),
    ensemble.AdaBoostRegressor(n_estimators=4, random_state=1), ensemble.BaggingRegressor(n_estimators=4, random_state=1),
    ensemble.ExtraTreesRegressor(6, max_depth=4, random_state=1),
    svm.SVR(), svm.LinearSVR(random_state=1), svm.NuSVR(kernel="linear"), neighbors.KNeighborsRegressor(3, weights="distance"),
    neighbors.RadiusNeighborsRegressor(3.0), neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=60, random_state=1),
    gaussian_process.GaussianProcessRegressor(alpha=0.1), linear_model.TheilSenRegressor(random_state=1),
]
TRANSFORMERS = [
    preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.MaxAbsScaler(), preprocessing.RobustScaler(),
    preprocessing.Normalizer("l1"), preprocessing.Normalizer(), preprocessing.Binarizer(threshold=0.2),
    preprocessing.PolynomialFeatures(2), preprocessing.KBinsDiscretizer(3, encode="onehot-dense"),
    preprocessing.PowerTransformer(), preprocessing.QuantileTransformer(n_quantiles=10), preprocessing.FunctionTransformer(),
    decomposition.PCA(3), decomposition.TruncatedSVD(3, random_state=1), decomposition.KernelPCA(3),
    decomposition.IncrementalPCA(3), cluster.KMeans(3, n_init=2, random_state=1), mixture.GaussianMixture(3, random_state=1),
    kernel_approximation.Nystroem(n_components=5, random_state=1), SelectKBest(k=3), VarianceThreshold(0.5),
    neighbors.NeighborhoodComponentsAnalysis(2, random_state=1, max_iter=10), SimpleImputer(), KNNImputer(),
    make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2)),
    FeatureUnion([("a", preprocessing.StandardScaler()), ("b", decomposition.PCA(2))]),
    ColumnTransformer([("a", preprocessing.StandardScaler(), [0, 1]), ("b", "passthrough", [2, 5])]),
    ensemble.IsolationForest(n_estimators=5, random_state=1), neighbors.LocalOutlierFactor(novelty=True), svm.OneClassSVM(),
]
# What the converter writes means something else than the model; onnxruntime gives what is written, as we do.
FAULTS = {"sklearn_KNeighborsRegressor21": "weights of distances", "sklearn_RadiusNeighborsRegressor22": "index -1",
          "sklearn_LinearDiscriminantAnalysis21_two": "probabilities of two classes", "sklearn_TheilSenRegressor25": "coefficients",
          "sklearn_OneVsOneClassifier24_three": "labels of two dimensions", "sklearn_OneVsOneClassifier24_two": "labels of two dimensions",
          "sklearn_QuadraticDiscriminantAnalysis22_three": "labels of two dimensions",
          "sklearn_QuadraticDiscriminantAnalysis22_two": "labels of two dimensions",
          "sklearn_MLPRegressor_several": "outputs one below the other",
          "sklearn_GaussianProcessRegressor24": "float32 where the model takes float64"}
DISCONTINUOUS = (ensemble.IsolationForest, neighbors.LocalOutlierFactor, svm.OneClassSVM)


def short(model):
    return type(model).__name__


def write(cases, name, onnx_model, inputs, outputs):
    path = cases.begin(name)
    with open(path, "wb") as f:
        f.write(onnx_model if isinstance(onnx_model, bytes) else onnx_model.SerializeToString())
    cases.data(name, inputs, outputs)


def attempt(cases, name, make):
    if name in FAULTS:
        return cases.skip(name, "the converter's own: " + FAULTS[name])
    try:
        onnx_model, inputs, outputs = make()
        kinds = [o.type.WhichOneof("value") for o in onnx_model.graph.output]
        if kinds[:len(outputs)] != ["tensor_type"] * len(outputs):
            raise ValueError("outputs that are no tensors")
        del onnx_model.graph.output[len(outputs):]
        write(cases, name, onnx_model, inputs, outputs)
    except Exception as e:
        cases.skip(name, e)


def probabilities(m, x):
    if hasattr(m, "predict_proba"):
        return [m.predict_proba(x).astype(np.float32)]
    return []


def classify(model, y, options, opset):
    def make():
        m = model.fit(X, y)
        o = to_onnx(m, X[:1], target_opset=opset, options={id(m): {"zipmap": False, **options}} if hasattr(m, "predict_proba") else None)
        outputs = [m.predict(TEST).astype(np.int64)] + probabilities(m, TEST)
        if options.get("decision_leaf"):
            outputs.append(m.apply(TEST).reshape(len(TEST), -1).astype(np.int64))
        if options.get("raw_scores"):
            outputs[1] = m.decision_function(TEST).astype(np.float32)
        return o, [TEST], outputs
    return make


def regress(model, y, opset):
    def make():
        m = model.fit(X, y)
        return to_onnx(m, X[:1], target_opset=opset), [TEST], [np.asarray(m.predict(TEST), np.float32).reshape(len(TEST), -1)]
    return make


def transform(model, opset):
    def make():
        x = HOLES if "Imputer" in short(model) else X
        m = model.fit(x, Y)
        o = to_onnx(m, x[:1], target_opset=opset)
        test = x[:9]
        if isinstance(m, DISCONTINUOUS):
            return o, [test], [m.predict(test).astype(np.int64).reshape(-1, 1)]
        if isinstance(m, (cluster.KMeans, mixture.GaussianMixture)):
            return o, [test], [m.predict(test).astype(np.int64)]
        y = m.transform(test)
        return o, [test], [np.asarray(y.todense() if hasattr(y, "todense") else y, np.float32)]
    return make


def words(model, opset):
    def make():
        from skl2onnx.common.data_types import StringTensorType
        m = model.fit(WORDS)
        o = to_onnx(m, initial_types=[("X", StringTensorType([None, 2]))], target_opset=opset)
        return o, [WORDS[:6]], [np.asarray(m.transform(WORDS[:6]).todense() if hasattr(m.transform(WORDS[:6]), "todense") else m.transform(WORDS[:6]), np.float32)]
    return make


def boosted(cases):
    """Also with a categorical feature, which becomes chains of comparisons with one common target."""
    K = X.copy()
    K[:, 5] = (np.abs(K[:, 5] * 10)).astype(int) % 9
    S = (np.isin(K[:, 5], (1, 3, 4, 8)) * 2 + X[:, 0]).astype(np.float32)
    try:
        import lightgbm
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType
        kind = [("X", FloatTensorType([None, 6]))]
        for name, m, x, y, more in (("regressor", lightgbm.LGBMRegressor(n_estimators=4, min_child_samples=3, verbose=-1), X, R, {}),
                                    ("categories", lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=2, verbose=-1), K, S, {"categorical_feature": [5]}),
                                    ("classifier", lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=3, verbose=-1), X, Y, {}),
                                    ("categories_class", lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1), K, (S > 1).astype(int), {"categorical_feature": [5]})):
            def make():
                f = m.fit(x, y, **more)
                o = convert_lightgbm(f, initial_types=kind, target_opset=15, **({} if "regressor" in name or name == "categories" else {"zipmap": False}))
                test = x[:9]
                if hasattr(f, "predict_proba"):
                    return o, [test], [f.predict(test).astype(np.int64), f.predict_proba(test).astype(np.float32)]
                return o, [test], [f.predict(test).astype(np.float32).reshape(-1, 1)]
            attempt(cases, "lightgbm_" + name, make)
    except ImportError as e:
        print("skipped: LightGBM (%s)" % e)
    try:
        import xgboost
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType
        kind = [("X", FloatTensorType([None, 6]))]
        for name, m, y in (("regressor", xgboost.XGBRegressor(n_estimators=4), R), ("classifier", xgboost.XGBClassifier(n_estimators=4), Y), ("binary", xgboost.XGBClassifier(n_estimators=4), B)):
            def make():
                f = m.fit(X, y)
                o = convert_xgboost(f, initial_types=kind, target_opset=15)
                if hasattr(f, "predict_proba"):
                    return o, [TEST], [f.predict(TEST).astype(np.int64), f.predict_proba(TEST).astype(np.float32)]
                return o, [TEST], [f.predict(TEST).astype(np.float32).reshape(-1, 1)]
            attempt(cases, "xgboost_" + name, make)
    except ImportError as e:
        print("skipped: XGBoost (%s)" % e)
    try:
        import os
        import tempfile
        import catboost
        import onnx
        for name, m, y in (("regressor", catboost.CatBoostRegressor(iterations=5, depth=3, verbose=0), R),):
            def make():
                f = m.fit(X, y)
                with tempfile.TemporaryDirectory() as d:
                    f.save_model(os.path.join(d, "m.onnx"), format="onnx")
                    o = onnx.load(os.path.join(d, "m.onnx"))
                return o, [TEST], [f.predict(TEST).astype(np.float32).reshape(-1, 1)]
            attempt(cases, "catboost_" + name, make)
    except ImportError as e:
        print("skipped: CatBoost (%s)" % e)


def main():
    cases = Cases(sys.argv[1])
    sets = [{"": s, "ai.onnx.ml": ml} for s, ml in ((11, 1), (12, 1), (13, 1), (15, 1), (17, 3), (18, 3), (20, 3), (21, 3))]
    for i, m in enumerate(CLASSIFIERS):
        for k, y in enumerate((Y, B)):
            attempt(cases, "sklearn_%s_%s" % (short(m) + str(i), ("three", "two")[k]), classify(m, y, {}, sets[(2 * i + k) % len(sets)]))
    for m in (tree.DecisionTreeClassifier(max_depth=1, random_state=1), tree.DecisionTreeClassifier(max_depth=3, random_state=1),
              ensemble.RandomForestClassifier(3, max_depth=3, random_state=1)):
        attempt(cases, "sklearn_%s_%s_leaf" % (short(m), m.max_depth), classify(m, Y, {"decision_leaf": True}, sets[4]))
    for m in (linear_model.LogisticRegression(), ensemble.GradientBoostingClassifier(n_estimators=4, random_state=1)):
        attempt(cases, "sklearn_%s_raw" % short(m), classify(m, Y, {"raw_scores": True}, sets[5]))
    for i, m in enumerate(REGRESSORS):
        attempt(cases, "sklearn_%s" % (short(m) + str(i)), regress(m, np.abs(R) if "Poisson" in short(m) else R, sets[i % len(sets)]))
    for m in (linear_model.LinearRegression(), tree.DecisionTreeRegressor(max_depth=4, random_state=1), ensemble.RandomForestRegressor(4, max_depth=3, random_state=1),
              multioutput.MultiOutputRegressor(linear_model.Ridge()), neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=60, random_state=1)):
        attempt(cases, "sklearn_%s_several" % short(m), regress(m, R2, sets[6]))
    for i, m in enumerate(TRANSFORMERS):
        attempt(cases, "sklearn_%s" % (short(m) + str(i)), transform(m, sets[i % len(sets)]))
    for i, m in enumerate((preprocessing.OneHotEncoder(), preprocessing.OrdinalEncoder(), preprocessing.OneHotEncoder(drop="first"))):
        attempt(cases, "sklearn_words_%s" % (short(m) + str(i)), words(m, sets[4]))
    boosted(cases)
    cases.end("skl2onnx and others")


main()
