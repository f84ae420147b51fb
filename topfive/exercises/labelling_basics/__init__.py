"""The exercises of assignment 01, labelling basics, in order.

Labels are whole numbers from 0, one a class, and -1 where somebody gave none. Toy cases have classes of unequal size,
workers who were asked about different items, and no two counts alike where a mistake could hide behind that.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.labelling_basics import (
    e_step,
    golden,
    kappa,
    krippendorff,
    m_step,
    majority,
    percent,
    spammers,
)

EXERCISES: tuple[Exercise, ...] = (
    percent.EXERCISE,
    kappa.EXERCISE,
    krippendorff.EXERCISE,
    majority.EXERCISE,
    m_step.EXERCISE,
    e_step.EXERCISE,
    golden.EXERCISE,
    spammers.EXERCISE,
)
