"""scikit-learn's own checks on estimators of images.

scikit-learn skips an estimator that takes no table of numbers altogether. Here every check is run that can be; the
tables say which cannot, since they feed numbers, and which check of ours keeps the same promise with images.
"""

from sklearn.utils.estimator_checks import estimator_checks_generator

#: scikit-learn's check -> ours, of the same name in flow_checks.py and in classifier_checks.py.
_REPLACED = {
    "check_array_api_input": "check_numbers_are_refused",
    "check_complex_data": "check_numbers_are_refused",
    "check_dont_overwrite_parameters": "check_fit_changes_no_parameter",
    "check_dtype_object": "check_kinds_of_images",
    "check_estimator_sparse_array": "check_numbers_are_refused",
    "check_estimator_sparse_matrix": "check_numbers_are_refused",
    "check_estimators_empty_data_messages": "check_numbers_are_refused",
    "check_estimators_fit_returns_self": "check_fit_changes_no_parameter",
    "check_estimators_nan_inf": "check_numbers_are_refused",
    "check_estimators_overwrite_params": "check_fit_changes_no_parameter",
    "check_estimators_pickle": "check_pickle",
    "check_f_contiguous_array_estimator": "check_kinds_of_images",
    "check_fit2d_1feature": "check_numbers_are_refused",
    "check_fit2d_1sample": "check_batch_of_one",
    "check_fit2d_predict1d": "check_numbers_are_refused",
    "check_fit_check_is_fitted": "check_not_fitted",
    "check_fit_idempotent": "check_fit_twice",
    "check_fit_score_takes_y": "check_pipelines",
    "check_methods_sample_order_invariance": "check_permutation",
    "check_methods_subset_invariance": "check_batch_of_one",
    "check_n_features_in": "check_numbers_are_refused",
    "check_n_features_in_after_fitting": "check_numbers_are_refused",
    "check_pipeline_consistency": "check_pipelines",
    "check_positive_only_tag_during_fit": "check_numbers_are_refused",
    "check_readonly_memmap_input": "check_kinds_of_images",
}

REPLACED_FOR_FLOWS = _REPLACED | {
    "check_dict_unchanged": "check_transform_changes_nothing",
    "check_estimators_dtypes": "check_shape_and_dtype",
    "check_transformer_data_not_an_array": "check_kinds_of_images",
    "check_transformer_general": "check_shape_and_dtype",
    "check_transformers_unfitted_stateless": "check_not_fitted",
}

REPLACED_FOR_CLASSIFIERS = _REPLACED | {
    "check_classifier_data_not_an_array": "check_kinds_of_images",
    "check_classifiers_classes": "check_labels_of_any_kind",
    "check_classifiers_regression_target": "check_bad_labels",
    "check_classifiers_train": "check_learns_and_predicts",
    "check_dict_unchanged": "check_predict_changes_nothing",
    "check_estimators_dtypes": "check_learns_and_predicts",
    "check_requires_y_none": "check_bad_labels",
    "check_supervised_y_2d": "check_bad_labels",
}


def sklearn_checks(estimator, replaced, ours):
    """Yield every check of scikit-learn that needs no table of numbers, as (estimator, check).

    Parameters
    ----------
    estimator : estimator of images
    replaced : dict of str to str
        scikit-learn's checks that cannot be run, each with the check of ours that is run in its place.
    ours : list of callable
        The checks of ours that this estimator is put through; an AssertionError if one that replaces another is not
        among them.
    """
    cls = type(estimator)
    run = {check.__name__ for check in ours}

    def tags(self):
        tags = cls.__sklearn_tags__(self)
        tags.input_tags.two_d_array = True  # or there would be no checks at all
        return tags

    disguised = type(cls.__name__, (cls,), {"__sklearn_tags__": tags, "__module__": cls.__module__})
    params = estimator.get_params(deep=False)
    for disguise, check in estimator_checks_generator(disguised(**params)):
        name = check.func.__name__
        if name not in replaced:
            yield disguise, check
        else:
            assert replaced[name] in run, f"{name} is not run, and {replaced[name]}, which replaces it, is not either"
