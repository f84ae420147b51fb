"""What the course adds to nbgrader's autograde: submissions put in order, notebooks run in a sandbox, points read.

`nbgrader_config.py` puts these steps among nbgrader's own. Left out: points that a student's code cannot forge.
"""
