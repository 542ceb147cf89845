"""The rules of billing: pure values and functions, standard library only. Time is an argument."""
