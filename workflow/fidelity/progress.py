"""How far a run of many jobs is."""

import time
from collections import Counter, defaultdict


class Progress:
    """Points done and time left of a run, from the jobs that have ended so far.

    A job's weight w is the mean time that jobs of its kind took so far. With the time t since the
    start,

        time left = t * (sum of w over the jobs that are left) / (sum of w over those that ended),

    whatever number of jobs ran at once, and whether they were computing or waiting in a queue.
    While no job of some kind has ended, its jobs weigh nothing: the time is that of other kinds.

    Parameters
    ----------
    jobs : dict
        {job: (kind, point)} of all jobs of the run; point is None for those of no point.
    clock : callable
        Returns seconds.
    """

    def __init__(self, jobs, clock=time.monotonic):
        self._jobs = jobs
        self._clock = clock
        self._start = clock()
        self._begun = {}
        self._left = Counter(kind for kind, _ in jobs.values())
        self._points = Counter(point for _, point in jobs.values() if point is not None)
        self._n_points = len(self._points)
        self._took = defaultdict(list)

    def begin(self, job):
        """Note that a job begins, maybe not for the first time."""
        self._begun[job] = self._clock()

    def end(self, job):
        """Note that a job, which began, ended well."""
        kind, point = self._jobs[job]
        self._took[kind].append(self._clock() - self._begun.pop(job))
        self._left[kind] -= 1
        self._points[point] -= 1

    def points(self):
        """Return (points of which all jobs ended, all points)."""
        n_left = sum(count > 0 for count in self._points.values())
        return self._n_points - n_left, self._n_points

    def seconds_left(self):
        """Return (seconds, whether jobs of some kind are left out)."""
        left = {kind: count for kind, count in self._left.items() if count}
        weight = sum(
            count * sum(self._took[kind]) / len(self._took[kind])
            for kind, count in left.items()
            if kind in self._took
        )
        done = sum(map(sum, self._took.values()))
        seconds = (self._clock() - self._start) * weight / done if done else 0
        return seconds, not left.keys() <= self._took.keys()

    def __str__(self):
        """Return points and time left in words."""
        done, total = self.points()
        seconds, is_partial = self.seconds_left()
        time_left = f"about {_rounded(seconds)} left"
        if is_partial and seconds == 0:
            time_left = "time left not yet known"
        elif is_partial:
            time_left += ", and what jobs of kinds not seen yet will take"
        return f"{done} of {total} grid points done, {time_left}" if total else time_left


def _rounded(seconds):
    if seconds < 60:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
