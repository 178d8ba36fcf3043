import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from twoflow import RawPixels
from twoflow.deep import ConvNetClassifier
from twoflow.images.tags import ImageTags, extend_tags, read_tag


class Thumbnails(BaseEstimator):
    def __sklearn_tags__(self):
        tags = extend_tags(super().__sklearn_tags__(), ImageTags)
        tags.image_size = (32, 24)
        return tags


@pytest.mark.parametrize("estimator, size", [
    (Thumbnails(), (32, 24)), (ConvNetClassifier((48, 16)), (48, 16)), (RawPixels((8, 6)), None),
    (LogisticRegression(), "default"), (object(), "default"), ("passthrough", "default"), (None, "default"),
])
def test_the_size_of_any_estimators_images(estimator, size):
    assert read_tag(estimator, "image_size", "default") == size


def test_other_tags_are_kept():
    tags = ConvNetClassifier(random_state=None).__sklearn_tags__()
    assert tags.estimator_type == "classifier" and tags.non_deterministic and not tags.input_tags.two_d_array
    extended = extend_tags(LogisticRegression().__sklearn_tags__(), ImageTags)
    assert extended.estimator_type == "classifier" and extended.image_size is None
    assert extended.classifier_tags == LogisticRegression().__sklearn_tags__().classifier_tags
