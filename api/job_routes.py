"""How far jobs are, for those whose tenant they work in."""

from typing import Annotated, Any

from litestar import Request, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from api.callers import EVERY_TENANT, Caller
from api.given import Given, Uploads
from api.guarding import needs
from api.jobs.job import Job
from api.problems import documented
from rag.errors import JobNotFound

_ABOUT: dict[str, Any] = {"tags": ["jobs"], "opt": needs("write")}
_REFUSALS = documented(400, 401, 403, 404, 500, 503)
_MOST = 1_000


class Jobs(Struct, frozen=True):
    """Jobs, the newest first."""

    jobs: list[Job]


@get("/v1/jobs", operation_id="listJobs", responses=documented(400, 401, 403, 500), **_ABOUT)
async def list_jobs(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST)] = 100,
) -> Jobs:
    """List the jobs, the newest first."""
    seen = (job for job in await given.uploads.runner.all() if _sees(request.user, job))
    return Jobs([job for job, _ in zip(seen, range(limit), strict=False)])


@get("/v1/jobs/{job_id:str}", operation_id="getJob", responses=_REFUSALS, **_ABOUT)
async def get_job(
    job_id: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> Job:
    """Return how far a job is."""
    return await _seen(request.user, given.uploads, job_id)


@get(
    "/v1/jobs/{job_id:str}/lines",
    operation_id="getJobLines",
    media_type="application/x-ndjson",
    responses=_REFUSALS,
    tags=["jobs"],
    opt=needs("write", waiting=True),
)
async def get_job_lines(
    job_id: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> Stream:
    """Tell what became of every document of an upload, as JSON Lines, until the job is over."""
    await _seen(request.user, given.uploads, job_id)
    return Stream(given.uploads.runner.lines(job_id), media_type="application/x-ndjson")


@delete(
    "/v1/jobs/{job_id:str}",
    operation_id="cancelJob",
    status_code=200,
    responses=_REFUSALS,
    **_ABOUT,
)
async def cancel_job(
    job_id: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> Job:
    """End a job; what it has written stays, and one that is over stays as it is."""
    await _seen(request.user, given.uploads, job_id)
    return await given.uploads.runner.cancel(job_id)


async def _seen(caller: Caller, uploads: Uploads, job_id: str) -> Job:
    job = await uploads.runner.get(job_id)
    if not _sees(caller, job):
        raise JobNotFound(f"no job '{job_id[:64]}'")
    return job


def _sees(caller: Caller, job: Job) -> bool:
    return caller.tenant in {EVERY_TENANT, job.tenant}
