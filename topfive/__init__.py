"""Top Five: your first RLHF experiment, on top-5 lists.

The rooms, from the bottom up; each imports only from rooms named before it:
lists · data · stats · judge · annotation · crowd · ledger · lm · reward · ppo · evaluate · plots · panels · exercises ·
checks · run · grading · build · cli; CONTRIBUTING.md has the whole tree.
"""

import os
import sys

__version__ = "0.1.0"

# PyTorch's switch for large memory pages under large tensors (Linux; ignored elsewhere): a logits tensor is then in
# memory several times sooner. Read when PyTorch first allocates; what the environment says goes first.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# OpenMP's threads wait for each other after every operation, by default spinning for long: then one busy program beside
# us makes training four times as slow (benchmarks/results.md). With 10,000 spins a quiet machine is as fast; with 1,000
# it was a fifth slower. What is left `topfive/threads.py` sees and mends. GNU's libgomp counts spins (its manual,
# GOMP_SPINCOUNT); LLVM's and Intel's count milliseconds (KMP_BLOCKTIME, by default 200). Read when PyTorch loads;
# whoever chose a way of waiting keeps it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("KMP_BLOCKTIME", "1")

if "ipykernel" in sys.modules:
    from topfive.shadows import warn

    warn()
