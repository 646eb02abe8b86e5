//! One caller's contact from the first ring to the last word: flow, wait, ring, talk, callback.
