//! Every rule of the checker: a file that breaks it, and what is said.
