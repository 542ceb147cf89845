"""Credit that customers buy: by people, and by rules that top it up."""
