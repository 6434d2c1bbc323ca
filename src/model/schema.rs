//! What the schema of a kind says: which lists are maps and by which keys.
