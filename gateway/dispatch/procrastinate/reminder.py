"""The statement that brings word of a run, within the unit of work that wakes it."""

QUEUE = "gateway"
"""The queue of all jobs that are about runs."""

TASK = "advance"
"""The task of these jobs."""

URGENT = 10
"""The priority of runs for which a caller waits; the others have 0."""

REMINDER = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
SELECT '{QUEUE}', '{TASK}', urgent * {URGENT}, '{QUEUE}:' || run_id,
       jsonb_build_object('run_id', run_id, 'workspace', workspace, 'urgent', urgent = 1)
FROM claim WHERE run_id = :of_run AND owner IS NULL
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""  # noqa: S608 - the names above, nothing that is given
"""Adds a job for the run ``of_run``, unless one waits already, or somebody holds the run.

A worker that took the waiting job just now has yet to claim the run. The unit that runs this has
changed the run's claim before: so either that worker's claim comes later and sees the change, or
one of the two is a collision and is run again. Whoever holds the run is told by the record itself.
"""
