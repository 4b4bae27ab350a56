# What a run tells beside what Snakemake does: how far it is, and how a job failed.
import itertools
import logging
import os
import time
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from fidelity.logs import ended_well, last_lines
from fidelity.progress import Progress

STARTED = time.time()
POINT_NAMES = {
    "common": "common fraction",
    "target": "target size",
    "adversary": "adversary size",
}


class ProgressLines(logging.Handler):
    """Tells of points and time left when a point is done, or after ten seconds."""

    def __init__(self, jobs):
        super().__init__()
        self.jobs = jobs
        self.progress = Progress(jobs)
        self.told = time.monotonic(), self.progress.points()

    def emit(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO and record.jobid in self.jobs:
            self.progress.begin(record.jobid)
        elif event == LogEvent.JOB_FINISHED and record.job_id in self.jobs:
            self.progress.end(record.job_id)
        elif event == LogEvent.PROGRESS:
            now, points = time.monotonic(), self.progress.points()
            if now - self.told[0] >= 10 or points != self.told[1]:
                self.told = now, points
                logger.info(str(self.progress), extra={"quietness": Quietness.PROGRESS})


def tell_progress():
    """Tell from now on how far the run is."""
    points = set(itertools.product(FRACTIONS, SIZES))
    jobs = {}
    for job in workflow.dag.needrun_jobs():
        point = tuple(map(job.wildcards_dict.get, ("common", "target")))
        if job.output:  # not the rule that but names what is to be made
            jobs[job.jobid] = (job.rule.name, point if point in points else None)
    logger.addHandler(ProgressLines(jobs))


def tell_failures():
    """Tell of each job that failed its grid point and the end of its log.

    Of jobs that were submitted as one, all count as failed; told of are those that began and did
    not end well.
    """
    for failed in workflow.scheduler.failed:
        if not failed.is_group():
            logger.error(failure(failed))
            continue
        jobs = list(failed.jobs)
        begun = [job for job in jobs if any(map(is_of_this_run, job.log))]
        unfinished = [job for job in begun if not any(map(ended_well, job.log))]
        for job in unfinished:
            logger.error(failure(job))
        if not unfinished:
            logger.error(
                f"a submission of {len(jobs)} jobs failed outside of them: {len(begun)} ended "
                "well, the others did not begin; see the log of the submission"
            )


def is_of_this_run(log):
    return Path(log).is_file() and os.path.getmtime(log) >= STARTED


def failure(job):
    """Return what is to be told of a job that failed."""
    place = ", ".join(
        f"{POINT_NAMES.get(name, name)} {value}" for name, value in job.wildcards_dict.items()
    )
    title = f"{job.rule.name} failed{' at ' if place else ''}{place}"
    for log in job.log:
        lines = last_lines(log) if is_of_this_run(log) else ""
        title += f"; the end of {log}:\n{lines}" if lines else f"; {log} is empty"
    return title
