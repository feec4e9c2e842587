"""One endpoint serves many threads: libcloud's drivers keep state, so each thread has one of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance.endpoints.libcloud_ec2 import lab as made
from vmdirac_py.clouds.api import LaunchRequest, Mark

THREADS, EACH = 4, 3


def test_threads_do_not_mix_their_answers(tmp_path: Path) -> None:
    """Launches and listings from several threads at once each get their own answer."""
    with made(tmp_path) as lab:
        ours = lab.endpoint("inst-ours")

        def launch(number: int) -> tuple[str, set[str]]:
            batch = f"b-{number}"
            request = LaunchRequest(
                Mark("inst-ours", batch, "vo-1", "pool-1"),
                lab.pool,
                [f"vm-{n}" for n in range(EACH)],
                b"#cloud-config\n",
            )
            launched = {instance.id for instance in ours.launch(request).launched}
            listed = {instance.id for instance in ours.instances() if instance.mark.batch == batch}
            assert launched == listed
            return batch, launched

        with ThreadPoolExecutor(THREADS) as pool:
            answers = dict(pool.map(launch, range(THREADS)))
    assert len(set().union(*answers.values())) == THREADS * EACH
