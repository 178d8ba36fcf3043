import pytest

from twoflow.deep.fine_tuning import TrainingPlan
from twoflow.deep.fine_tuning.schedule import find_best, is_over, rate_of_epoch, warm_up


def history(*losses):
    return [{"epoch": number, "valid_loss": loss} for number, loss in enumerate(losses)]


@pytest.mark.parametrize("losses, rate", [
    ([1], 1), ([1, 2, 2], 1), ([1, 2, 2, 2], 0.5), ([1, 2, 2, 0.5, 1, 1], 1), ([1, 2, 2, 2, 2, 2, 2], 0.25),
    ([1, 2, 2, 2, 2, 2, 0.5], 0.5),
])
def test_the_rate_is_halved_after_three_epochs_without_a_smaller_loss(losses, rate):
    assert rate_of_epoch(history(*losses), 30) == rate


def test_without_held_out_images_the_rate_falls_along_half_a_cosine():
    rates = [rate_of_epoch([{"epoch": i} for i in range(n)], 4) for n in range(1, 6)]
    assert rates == pytest.approx([1, 0.853553, 0.5, 0.146447, 0], abs=1e-6)
    assert find_best([{"epoch": 0}, {"epoch": 1}]) == 1


def test_it_stops_after_its_patience_or_the_last_epoch():
    plan = TrainingPlan(max_epochs=4, patience=2)
    ends = [is_over(history(*losses), plan) for losses in ([1], [1, 2], [1, 2, 2], [5, 4, 3, 2, 1], [5, 4, 3, 2])]
    assert ends == [False, False, True, True, False]
    assert not is_over(history(1, 2, 2, 2), TrainingPlan(max_epochs=4, patience=None))


def test_the_first_steps_are_smaller():
    assert [warm_up(step) for step in (0, 24, 49, 500)] == [0.02, 0.5, 1, 1]
