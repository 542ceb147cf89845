"""Tables: columns and named constraints, no methods. Importing the package loads every table."""
