"""Files -> lines, rows and pairs: text, tables, JSON, translation memories, test sets."""
