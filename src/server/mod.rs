//! The control thread, the clock, the registry of live calls: where the cores meet the wires.
