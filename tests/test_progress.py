"""How far a run is, on a clock of its own."""

import pytest

from fidelity.progress import Progress


class Run:
    """A run on any number of machines; jobs are (number of them, kind, seconds, point)."""

    def __init__(self, jobs):
        self.now = 0
        self.progress = Progress({name: (kind, point) for name, kind, _, point in jobs}, self.clock)
        self.jobs = jobs

    def clock(self):
        return self.now

    def work(self, machines):
        """Work off all jobs in their order; yield after each that ends."""
        waiting, running = list(self.jobs), {}
        while waiting or running:
            while waiting and len(running) < machines:
                name, _, seconds, _ = waiting.pop(0)
                self.progress.begin(name)
                running[name] = self.now + seconds
            ended = min(running, key=running.get)
            self.now = running.pop(ended)
            self.progress.end(ended)
            yield


def _end(run, machines):
    """Return [(now, what was estimated)] of a run, and when it ended."""
    told = [(run.now, *run.progress.seconds_left()) for _ in run.work(machines)]
    return told, run.now


@pytest.mark.parametrize("machines", [1, 2, 5])
def test_equal_jobs_take_as_long_as_they_take(machines):
    told, end = _end(Run([(i, "train", 7, None) for i in range(100)]), machines)
    for now, seconds, is_partial in told[machines - 1 :: machines]:  # when all machines are free
        assert now + seconds == pytest.approx(end)
        assert not is_partial


def test_kinds_are_weighed_by_what_they_took():
    jobs = [(i, "long" if i % 2 else "short", 30 if i % 2 else 1, None) for i in range(60)]
    jobs.sort(key=lambda job: job[1] == "long" and job[0] > 1)  # one long one, then all short ones
    told, end = _end(Run(jobs), 1)
    assert all(now + seconds == pytest.approx(end) for now, seconds, _ in told[1:])


def test_jobs_that_wait_in_a_queue_take_no_longer():
    """All begin at once, as a cluster is given them, and end one after the other."""
    run = Run([(i, "train", 3 * (i + 1), None) for i in range(50)])
    told, end = _end(run, machines=50)
    for now, seconds, _ in told:
        assert now + seconds == pytest.approx(end)


def test_kinds_never_seen_are_left_out_and_said_to_be():
    run = Run([("a", "train", 10, None), ("b", "train", 10, None), ("c", "draw", 5, None)])
    assert run.progress.seconds_left() == (0, True)
    assert str(run.progress) == "time left not yet known"
    told, _ = _end(run, 1)
    assert told == [(10, 10, True), (20, 0, True), (25, 0, False)]


def test_a_point_is_done_when_all_of_its_jobs_are():
    jobs = [(f"{kind} {point}", kind, 60, point) for kind in ("train", "ask") for point in (1, 2)]
    run = Run([*jobs, ("draw", "draw", 3600, None)])
    said = [str(run.progress), *(str(run.progress) for _ in run.work(1))]
    assert said == [
        "0 of 2 grid points done, time left not yet known",
        "0 of 2 grid points done, about 1 min left, and what jobs of kinds not seen yet will take",
        "0 of 2 grid points done, time left not yet known",
        "1 of 2 grid points done, about 1 min left, and what jobs of kinds not seen yet will take",
        "2 of 2 grid points done, time left not yet known",
        "2 of 2 grid points done, about 0 s left",
    ]


def test_a_job_that_is_tried_again_counts_from_its_last_beginning():
    run = Run([("a", "train", 5, None), ("b", "train", 5, None)])
    run.progress.begin("a")
    run.now = 100
    run.progress.begin("a")
    run.now = 105
    run.progress.end("a")
    assert run.progress.seconds_left() == (105, False)


@pytest.mark.parametrize(
    ("left", "text"),
    [(59, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_times_are_rounded(left, text):
    run = Run([("a", "train", left, None), ("b", "train", left, None)])
    next(run.work(1))
    assert str(run.progress) == f"about {text} left"
