"""The pool asks its node whether it would take the pool's blocks, before one is found: the whole block of
the first job, and of each new kind of job since, goes there as a proposal (BIP23).
"""

from framework.util import wait_until


def verdicts(pool):
    return [line for line in pool.log.read_text().splitlines() if "proposal" in line]


def test_the_first_jobs_block_passes(cluster):
    pool = cluster.start(blocks=3)
    wait_until(lambda: verdicts(pool), 30, "the node's word on the first block")
    assert "proposal_accepted" in verdicts(pool)[0], verdicts(pool)
    client = cluster.client()
    for _ in range(3):
        client.wait_for_job(cluster.node.mine(), timeout=10)
    assert not any("refused" in line for line in verdicts(pool)), verdicts(pool)
    assert len(verdicts(pool)) == 1, "the same kind of block is not asked about again"
    assert not pool.api()["node"]["error"]
