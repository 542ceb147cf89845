"""What prices would come to: supposed usage, and edits of a plan before they are made."""
