//! Random callers in random flows: every step ends, nobody is left in silence, no secret shows.
