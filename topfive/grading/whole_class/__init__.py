"""`topfive grade ASSIGNMENT`: a whole class, executed by many processes or machines and graded by nbgrader in one.

Left out: how one submission is graded. That is the rooms beside this one, through nbgrader_config.py.
"""
