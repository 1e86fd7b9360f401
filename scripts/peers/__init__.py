"""Other systems beside ours, on the same work: what `scripts/bench_peers.py` is made of."""
