"""Labels by several people: how far they agree, what they say together, and whom to believe.

Everything here works on a matrix of labels, one row a task and one column a worker; `labels.from_rows` makes it from
rows with the columns `task`, `worker` and `label`, and says in words what is wrong with them.
"""
