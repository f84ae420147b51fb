"""Top Five: your first RLHF experiment, on top-5 lists.

The rooms, from the bottom up; each imports only from rooms named before it:
lists · data · stats · judge · crowd · ledger · lm · reward · ppo · evaluate · plots · panels · checks · run · build ·
cli.
"""

import os
import sys

__version__ = "0.1.0"

# PyTorch's switch for large memory pages under large tensors (Linux; ignored elsewhere): a logits tensor is then in
# memory several times sooner. Read when PyTorch first allocates; what the environment says goes first.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

if "ipykernel" in sys.modules:
    from topfive.shadows import warn

    warn()
