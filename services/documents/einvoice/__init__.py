"""Documents for software: CII and UBL, both written from one mapping to the terms of EN 16931."""
