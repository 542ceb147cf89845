"""How a document looks: fonts, template, words and logos."""
