"""Top Five: your first RLHF experiment, on top-5 lists.

The rooms, from the bottom up; each imports only from rooms named before it:
lists · data · stats · judge · crowd · ledger · lm · reward · ppo · evaluate · plots · panels · run · build · cli.
"""

__version__ = "0.1.0"
