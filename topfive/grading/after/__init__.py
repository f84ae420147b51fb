"""What comes after grading: pages for students, points as tables, a report of the class, a case on the desk.

All of it is read from the gradebook and the graded notebooks, as nbgrader leaves them.
"""
