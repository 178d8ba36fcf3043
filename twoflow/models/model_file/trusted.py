"""The classes and functions that a model file may name.

A class is found by its name, not by the module that the file names. So a file stays readable when a class moves to
another module, and a file cannot import a module of its choice.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InputError

#: The classes of our fitted models, by module.
_OURS: dict[str, tuple[str, ...]] = {
    "twoflow.deep": ("DropoutMLPClassifier", "FineTunedClassifier", "FineTunedFlow"),
    "twoflow.flows": (
        "CNNEmbedding", "ColorHistogram", "FlowUnion", "GISTDescriptor", "LBPHistogram", "PixelProjection",
        "RawPixels", "SIFTBagOfWords",
    ),
    "twoflow.flows.image_traits": ("ImageTraits",),
    "twoflow.flows.sharpness": ("Sharpness",),
    "twoflow.heads": (
        "BinnedForestClassifier", "CappedClassifier", "ClassCovariance", "ForestSelector", "KernelRidgeClassifier",
        "KernelSVMClassifier", "KernelWeight", "LogOpinionPool", "ObjectHierarchyFeatures", "OutOfFoldProbabilities",
        "OutOfScope",
    ),
    "twoflow.heads.hierarchy": ("ClassTree", "Confidence", "HierarchicalClassifier", "Risk"),
    "twoflow.heads.hierarchy.local_classifiers": ("LocalClassifier",),
    "twoflow.heads.hierarchy.rules": ("AtLeast", "Likeliest"),
    "twoflow.heads.multi_target": ("MultiTargetClassifier",),
    "twoflow.heads.object_hierarchy": ("Pair",),
    "twoflow.heads.sequential": ("DiscriminantProjection", "EarlyStoppingMLPClassifier", "SequentialClassifier"),
    "twoflow.models": ("BestOf", "ChoosingClassifier", "FlowClassifier", "SelectingClassifier", "TwoFlowClassifier"),
    "twoflow.networks.card": ("Layer", "NetworkCard"),
    "twoflow.networks.carried": ("CarriedNetwork",),
    "twoflow.networks.quantized_network": ("QuantizedNetwork",),
}

#: The classes of scikit-learn that classify, select, scale, search and wrap. Estimators that hand arrays to compiled
#: code without checking them are left out, unless `checks` checks them.
_SKLEARN: dict[str, tuple[str, ...]] = {
    "sklearn._loss._loss": (
        "CyAbsoluteError", "CyExponentialLoss", "CyHalfBinomialLoss", "CyHalfMultinomialLoss", "CyHalfSquaredError",
        "CyHuberLoss",
    ),
    "sklearn.calibration": ("CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"),
    "sklearn.compose": ("ColumnTransformer", "make_column_selector"),
    "sklearn.covariance": ("EmpiricalCovariance", "LedoitWolf", "OAS", "ShrunkCovariance"),
    "sklearn.decomposition": ("PCA", "TruncatedSVD"),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"),
    "sklearn.dummy": ("DummyClassifier",),
    "sklearn.ensemble": (
        "BaggingClassifier", "ExtraTreesClassifier", "RandomForestClassifier", "StackingClassifier", "VotingClassifier",
    ),
    "sklearn.feature_selection": (
        "GenericUnivariateSelect", "RFE", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectKBest",
        "SelectPercentile", "VarianceThreshold",
    ),
    "sklearn.frozen": ("FrozenEstimator",),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model": (
        "LogisticRegression", "LogisticRegressionCV", "Perceptron", "RidgeClassifier", "RidgeClassifierCV",
        "SGDClassifier",
    ),
    "sklearn.linear_model._sgd_fast": (
        "EpsilonInsensitive", "Hinge", "ModifiedHuber", "SquaredEpsilonInsensitive", "SquaredHinge",
    ),
    "sklearn.metrics._scorer": ("_PassthroughScorer", "_Scorer"),
    "sklearn.model_selection": (
        "FixedThresholdClassifier", "GridSearchCV", "GroupKFold", "GroupShuffleSplit", "KFold", "RandomizedSearchCV",
        "RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedGroupKFold", "StratifiedKFold", "StratifiedShuffleSplit",
        "TunedThresholdClassifierCV",
    ),
    "sklearn.multiclass": ("OneVsOneClassifier", "OneVsRestClassifier"),
    "sklearn.multioutput": ("ClassifierChain", "MultiOutputClassifier"),
    "sklearn.naive_bayes": ("BernoulliNB", "ComplementNB", "GaussianNB", "MultinomialNB"),
    "sklearn.neighbors": ("KNeighborsClassifier", "NearestCentroid"),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        "Binarizer", "FunctionTransformer", "LabelBinarizer", "LabelEncoder", "MaxAbsScaler", "MinMaxScaler",
        "Normalizer", "PowerTransformer", "QuantileTransformer", "RobustScaler", "StandardScaler",
    ),
    "sklearn.svm": ("LinearSVC", "SVC"),
    "sklearn.tree": ("DecisionTreeClassifier", "ExtraTreeClassifier"),
    "sklearn.tree._tree": ("Tree",),
    "sklearn.utils": ("Bunch",),
    "sklearn.utils._metadata_requests": ("MetadataRequest", "MethodMetadataRequest"),
}

#: The functions that parameters may be.
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "numpy": ("absolute", "cbrt", "exp", "expm1", "log", "log1p", "sqrt", "square", "tanh"),
    "sklearn.feature_selection": ("chi2", "f_classif", "mutual_info_classif"),
    "sklearn.metrics": (
        "accuracy_score", "balanced_accuracy_score", "f1_score", "log_loss", "matthews_corrcoef", "precision_score",
        "recall_score", "roc_auc_score", "top_k_accuracy_score",
    ),
}

#: Types that are values themselves: of dict keys, and parameters such as ``dtype``.
_TYPES: dict[str, tuple[str, ...]] = {
    "builtins": ("bool", "float", "int", "str"),
    "numpy": (
        "bool", "bool_", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "str_", "uint16", "uint32",
        "uint64", "uint8",
    ),
}


def _by_name(tables: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[tuple[str, str], str]:
    return {
        (module.partition(".")[0], name): module for table in tables for module, names in table.items()
        for name in names
    }


_KNOWN = _by_name([_OURS, _SKLEARN, _FUNCTIONS, _TYPES])


class Trusted:
    """Find the classes, functions and types that a model file may name.

    Parameters
    ----------
    own : iterable of str or type
        Classes and functions of the user's own, as objects or by their full names, such as "shop.flows.Edges". They
        are trusted besides those of the tables in this module. Empty by default.

    Raises
    ------
    ValueError
        If one is no class or function and no full name.
    """

    def __init__(self, own: Iterable[Any] = ()) -> None:
        self._own: dict[str, Any] = {}
        for each in [own] if isinstance(own, (str, type)) else own:
            name = each if isinstance(each, str) else full_name(each)
            if not name or "." not in name:
                raise InputError(
                    f"trusted: expected classes, or their full names such as 'shop.Edges', got {each!r}; pass the class"
                )
            self._own[name] = None if isinstance(each, str) else each

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Trusted:
        """Trust classes and functions by their full names, however short."""
        trusted = cls()
        trusted._own = dict.fromkeys(names)
        return trusted

    def knows(self, module: str, name: str) -> bool:
        """Return whether a file may name this class, function or type."""
        return (module.partition(".")[0], name) in _KNOWN or f"{module}.{name}" in self._own

    def find(self, module: str, name: str) -> Any:
        """Import a class, function or type that `knows` knows; ValueError if it is not there any more."""
        key = f"{module}.{name}"
        if key in self._own:
            if self._own[key] is None:
                self._own[key] = _import(module, name)
            return self._own[key]
        return _import(_KNOWN[module.partition(".")[0], name], name)


def full_name(thing: Any) -> str | None:
    """Return the full name of a class or function, such as "shop.flows.Edges"; None if it has none."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    return f"{module}.{name}" if module and name else None


def _import(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{module}.{name} cannot be imported: {error}; install the package that has it") from error
