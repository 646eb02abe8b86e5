//! What outlives a run: the history and the customers, in one SQLite file in the data folder.
