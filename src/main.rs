//! The program: everything is in the library's `cli`.

use std::process::ExitCode;

/// A call makes some hundred small pieces of text on one thread, and some are let go on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    warmline::cli::main()
}
