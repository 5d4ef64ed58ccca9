"""Real processes for tests and for `./run regtest`: node, PostgreSQL, pool, miner. Standard library only."""
