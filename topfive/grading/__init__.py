"""What the course adds to nbgrader's autograde: submissions put in order, notebooks run to their end, points read.

`nbgrader_config.py` puts these steps among nbgrader's own. Left out: a sandbox around the kernel.
"""
