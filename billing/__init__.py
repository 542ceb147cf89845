"""The rules of billing: pure values and functions, standard library only. Time is an argument.

Whoever imports them computes exactly from then on, see :func:`billing.ratios.keep_every_digit`.
"""

from billing.ratios import keep_every_digit

keep_every_digit()
