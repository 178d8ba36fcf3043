"""Ready, warm-up, draining and the metrics of a service."""

import re
import threading
import time

import numpy as np
import pytest

from .serving import GREEN, RED, model_file, serving, wait_for  # isort: skip; skips where the extra is missing

import httpx

from twoflow.models.model_file import HeldOut, TargetCard
from twoflow.serving.app import make_app
from twoflow.serving.drift import Drift, stability_index
from twoflow.serving.prometheus import Counter, Histogram
from twoflow.serving.server import Server
from twoflow.serving.service import Service

from .test_app import Asking, Hold, error_of, hold, predict  # noqa: F401


def test_health_and_ready():
    with serving() as running:
        assert httpx.get(f"{running.url}/health").json()["model"] == "ab" * 32
        assert httpx.get(f"{running.url}/ready").json() == {"ready": True}


def test_not_ready_before_every_worker_has_predicted():
    held = threading.Event()
    calls = []

    def hook():
        calls.append(threading.get_ident())
        assert held.wait(30)

    service = Service(model_file(hook), n_workers=3)
    server = Server(service, make_app(service), port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        url = server.address
        wait_for(lambda: len(calls) == 3)
        assert httpx.get(f"{url}health").status_code == 200
        loading = httpx.get(f"{url}ready")
        assert loading.status_code == 503 and "loading" in error_of(loading)
        refused = httpx.post(f"{url}predict", files=[("images", ("a", RED))])
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
        held.set()
        wait_for(lambda: httpx.get(f"{url}ready").status_code == 200)
        assert len(set(calls)) == 3
    finally:
        held.set()
        server.stop()
        thread.join(30)


def test_a_model_that_cannot_predict_ends_the_service():
    def hook():
        raise RuntimeError("no network")

    service = Service(model_file(hook))
    with pytest.raises(RuntimeError, match="no network"):
        Server(service, make_app(service), port=0).run()


def test_every_accepted_request_is_answered_when_the_service_stops(hold):  # noqa: F811
    with serving(hold, n_workers=1) as running:
        hold.is_on = True
        asked = [Asking(running, RED), Asking(running, GREEN, RED)]
        wait_for(lambda: hold.n == 1 and running.service.workers.n_waiting == 2)
        running.stop()
        wait_for(lambda: running.service.is_draining)
        assert httpx.get(f"{running.url}/ready").status_code == 503
        assert httpx.get(f"{running.url}/health").status_code == 200
        refused = predict(running, RED)
        assert refused.status_code == 503 and "stopping" in error_of(refused)
        assert refused.headers["connection"] == "close"
        hold.event.set()
        assert [each.result().status_code for each in asked] == [200, 200]
        running.join()
        assert running.n_cut_off == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/health")


def test_in_the_grace_new_work_is_taken_but_the_service_is_not_ready():
    with serving(grace_seconds=20) as running:
        running.stop()
        wait_for(lambda: httpx.get(f"{running.url}/ready").status_code == 503)
        assert predict(running, RED).status_code == 200


def test_after_the_cap_the_rest_is_503(hold):  # noqa: F811
    with serving(hold, n_workers=1, drain_seconds=0.2) as running:
        hold.is_on = True
        asked = [Asking(running, RED), Asking(running, GREEN)]
        wait_for(lambda: hold.n == 1 and running.service.workers.n_waiting == 1)
        running.stop()
        assert [each.result().status_code for each in asked] == [503, 503]
        hold.event.set()
        running.join()
        assert running.n_cut_off == 2


_LINE = re.compile(r'[a-z_]+(\{([a-z]+="(?:[^"\\\n]|\\[\\n"])*")(,[a-z]+="(?:[^"\\\n]|\\[\\n"])*")*\})? '
                   r"(-?[0-9.e+-]+|NaN|[+-]Inf)")


def read_metrics(running):
    response = httpx.get(f"{running.url}/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = response.text.split("\n")
    assert lines.pop() == ""
    values = {}
    for line in lines:
        if not line.startswith("# "):
            assert _LINE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in values
            values[name] = float(value)
    return values


def test_metrics():
    with serving(threshold=0.5) as running:
        predict(running, RED, RED, GREEN, b"no image")
        predict(running, b"no image")
        httpx.get(f"{running.url}/none")
        values = read_metrics(running)
        assert values['twoflow_requests_total{method="POST",path="/predict",status="200"}'] == 1
        assert values['twoflow_requests_total{method="POST",path="/predict",status="422"}'] == 1
        assert values['twoflow_requests_total{method="GET",path="other",status="404"}'] == 1
        assert values['twoflow_images_total{outcome="answered"}'] == 3
        assert values['twoflow_images_total{outcome="unreadable"}'] == 2
        assert values['twoflow_answers_total{target="class",level="class",label="red"}'] == 2
        assert values['twoflow_unknown_total{target="class"}'] == 0
        assert values['twoflow_confidence_bucket{target="class",le="0.9"}'] == 0
        assert values['twoflow_confidence_bucket{target="class",le="0.95"}'] == 3
        assert values['twoflow_confidence_count{target="class"}'] == 3
        assert np.isnan(values['twoflow_drift_index{target="class",of="confidence"}'])
        assert values["twoflow_ready"] == 1 and values["twoflow_requests_in_work"] == 1


def test_labels_of_metrics_are_bounded():
    with serving() as running:
        for number in range(20):
            httpx.get(f"{running.url}/page-{number}")
            httpx.get(f"{running.url}/examples/{number}/0")
            httpx.request(f"METHOD{number}", f"{running.url}/")
        names = [name for name in read_metrics(running) if name.startswith("twoflow_requests_total")]
    assert len(names) == 3, names


def test_unknown_answers_are_counted():
    with serving(threshold=0.99) as running:
        predict(running, RED)
        values = read_metrics(running)
    assert values['twoflow_unknown_total{target="class"}'] == 1
    assert values['twoflow_answers_total{target="class",level="",label="unknown"}'] == 1


def test_text_of_counters_and_histograms():
    counter = Counter("a_total", "A \\ of\nlines.", ("name",))
    counter.add('"quoted" \\ and\nbroken', by=2)
    assert list(counter.lines()) == [
        "# HELP a_total A \\\\ of\\nlines.", "# TYPE a_total counter",
        'a_total{name="\\"quoted\\" \\\\ and\\nbroken"} 2']
    histogram = Histogram("b", "B.", (0.5, 1.0))
    for value in (0.25, 0.5, 0.75, 2.0):
        histogram.observe(value)
    assert list(histogram.lines()) == [
        "# HELP b B.", "# TYPE b histogram", 'b_bucket{le="0.5"} 2', 'b_bucket{le="1.0"} 3', 'b_bucket{le="+Inf"} 4',
        "b_sum 3.5", "b_count 4"]


def target_with(confidence, predicted=None):
    n = len(confidence)
    predicted = np.zeros(n, np.int32) if predicted is None else predicted
    held_out = HeldOut(predicted, predicted, np.asarray(confidence, np.float32))
    return TargetCard("class", ("a", "b"), held_out=held_out)


def test_the_stability_index_of_counts():
    # sum of (p - q) ln(p / q), here (0.8 - 0.5) ln(0.8 / 0.5) + (0.2 - 0.5) ln(0.2 / 0.5) = 0.41589
    assert stability_index(np.array([5e6, 5e6]), np.array([8e6, 2e6])) == pytest.approx(0.41589, abs=1e-4)
    a, b = np.array([3, 9, 1]), np.array([7, 2, 2])
    assert stability_index(a, b) == pytest.approx(stability_index(b, a)) and stability_index(a, a) == 0


def test_drift_is_small_for_the_same_confidences_and_large_for_others():
    rng = np.random.default_rng(0)
    held_out = rng.beta(8, 1, 3000)
    same, other = Drift(target_with(held_out)), Drift(target_with(held_out))
    for value in rng.beta(8, 1, 1000):
        same.add(0, value)
    for value in rng.beta(3, 2, 1000):
        other.add(0, value)
    assert same.of_confidences() < 0.05 < 1 < other.of_confidences()


def test_drift_of_classes():
    drift = Drift(target_with(np.full(1000, 0.9), np.arange(1000, dtype=np.int32) % 2))
    for number in range(100):
        drift.add(number % 2, 0.9)
    assert drift.of_classes() < 0.01
    for _ in range(900):
        drift.add(0, 0.9)
    assert drift.of_classes() > 0.5


def test_no_drift_without_held_out_answers_or_with_few_answers():
    assert np.isnan(Drift(TargetCard("class", ("a", "b"))).of_classes())
    drift = Drift(target_with(np.full(50, np.nan)))
    for _ in range(100):
        drift.add(0, np.nan)
    assert np.isnan(drift.of_confidences()) and drift.of_classes() < 0.05
    few = Drift(target_with(np.full(50, 0.9)))
    few.add(0, 0.9)
    assert np.isnan(few.of_confidences()) and np.isnan(few.of_classes())


def test_only_the_last_answers_count():
    drift = Drift(target_with(np.full(1000, 0.9)))
    for number in range(3000):
        drift.add(1 if number < 2000 else 0, 0.9)
    assert drift.n_answers == 1000 and drift.of_classes() < 0.01


def test_the_queue_is_seen_in_the_metrics(hold):  # noqa: F811
    with serving(hold, n_workers=1) as running:
        hold.is_on = True
        asked = Asking(running, RED, GREEN, RED)
        wait_for(lambda: running.service.workers.n_waiting == 2)
        values = read_metrics(running)
        assert (values["twoflow_queue_images"], values["twoflow_requests_in_work"]) == (2, 2)
        assert values["twoflow_upload_bytes"] > len(RED)
        hold.event.set()
        assert asked.result().status_code == 200


def test_many_clients_get_the_answers_of_single_requests():
    """Sixteen clients at once; every body is the same to the byte as that of a single request."""
    with serving(n_workers=2) as running:
        contents = [RED, GREEN, b"no image"]
        single = [predict(running, each).content for each in contents]
        found = [[] for _ in range(16)]

        def ask(number):
            with httpx.Client(timeout=60) as client:
                for turn in range(6):
                    which = (number + turn) % 3
                    answer = client.post(f"{running.url}/predict", files=[("images", ("0.png", contents[which]))])
                    found[number].append(answer.content == single[which])

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert [sum(each) for each in found] == [6] * 16


def test_the_loop_is_free_while_workers_work(hold):  # noqa: F811
    with serving(hold, n_workers=2) as running:
        hold.is_on = True
        asked = [Asking(running, *[RED] * 8) for _ in range(4)]
        wait_for(lambda: hold.n == 2)
        began = time.monotonic()
        assert [httpx.get(f"{running.url}/health").status_code for _ in range(5)] == [200] * 5
        assert hold.n == 2 and time.monotonic() > began
        hold.event.set()
        assert [each.result().status_code for each in asked] == [200] * 4
