"""Speed and quality, side by side with peers: `make benchmarks`, or `python -m benchmarks lm sampling ppo`.

Every number is a median of repeated blocks. Where two things are compared, their blocks alternate in one run, and
ratios are taken pair by pair, so that what else the machine is doing strikes both. Results go to `results.md`.
"""
