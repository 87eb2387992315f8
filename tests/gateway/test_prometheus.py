"""The text format, read back by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.prometheus import (
    BoundedCounter,
    Counter,
    CounterOf,
    Gauge,
    Histogram,
    Metric,
    exposition,
)


def read(*metrics: Metric) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Sample name and labels -> value."""
    families = text_string_to_metric_families(exposition(metrics).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_counter_counts_for_each_combination_of_labels() -> None:
    counter = Counter("made_total", "What was made.", ("kind", "outcome"))
    counter.count("a", "ok")
    counter.count("a", "ok")
    counter.count("b", "ok")

    assert read(counter) == {
        ("made_total", (("kind", "a"), ("outcome", "ok"))): 2,
        ("made_total", (("kind", "b"), ("outcome", "ok"))): 1,
    }


def test_a_counter_without_labels_begins_at_nought() -> None:
    assert read(Counter("made_total", "What was made.")) == {("made_total", ()): 0}


def test_a_label_may_hold_anything() -> None:
    odd = 'a "quoted" \\ back\nline é'
    counter = Counter("made_total", "What was made.", ("kind",))
    counter.count(odd)

    assert read(counter) == {("made_total", (("kind", odd),)): 1}


def test_a_bounded_counter_keeps_the_first_values_apart_and_the_rest_together() -> None:
    counter = BoundedCounter("errors_total", "Errors.", ("code",), distinct=2)
    for code in ("a", "b", "c", "d", "a"):
        counter.count(code)

    assert read(counter) == {
        ("errors_total", (("code", "a"),)): 2,
        ("errors_total", (("code", "b"),)): 1,
        ("errors_total", (("code", "other"),)): 2,
    }


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    histogram = Histogram("taken_seconds", "Time taken.", ("kind",), bounds=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds, "a")

    kind = ("kind", "a")
    assert read(histogram) == {
        ("taken_seconds_bucket", (kind, ("le", "0.1"))): 2,
        ("taken_seconds_bucket", (kind, ("le", "1.0"))): 3,
        ("taken_seconds_bucket", (kind, ("le", "+Inf"))): 4,
        ("taken_seconds_sum", (kind,)): 7.65,
        ("taken_seconds_count", (kind,)): 4,
    }


def test_gauges_and_counts_of_others_are_read_when_somebody_asks() -> None:
    values = [1.0]
    metrics = Gauge("now", "Now.", lambda: values[0]), CounterOf("so_far_total", "So far.", lambda: values[0])
    before = read(*metrics)
    values[0] = 2.5

    assert before == {("now", ()): 1, ("so_far_total", ()): 1}
    assert read(*metrics) == {("now", ()): 2.5, ("so_far_total", ()): 2.5}


def test_each_metric_has_its_type_and_meaning() -> None:
    metrics = (
        Counter("a_total", "A."),
        Histogram("b_seconds", "B.", ()),
        Gauge("c", "C.", lambda: 1),
        CounterOf("d_total", "D.", lambda: 1),
    )

    families = list(text_string_to_metric_families(exposition(metrics).decode()))

    assert [(family.type, family.documentation) for family in families] == [
        ("counter", "A."), ("histogram", "B."), ("gauge", "C."), ("counter", "D."),
    ]  # fmt: skip
