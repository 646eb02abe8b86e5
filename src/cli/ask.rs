//! Secrets from a person or a pipe: never from the command line, where every user of the machine sees them.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Read;
use std::io::Write;

use rustix::termios;
use rustix::termios::LocalModes;
use rustix::termios::OptionalActions;
use rustix::termios::Termios;

use crate::base::Secret;
use crate::cli::trouble::Trouble;

/// The longest line that is taken for a secret.
const LONGEST: u64 = 1_024;

/// Asks for a new secret: twice and unseen at a terminal, one line from a pipe.
pub(super) fn new_secret(what: &str) -> Result<Secret, Trouble> {
    let terminal = io::stdin().is_terminal();
    let first = secret(what, terminal)?;
    if terminal && secret(&format!("{what} once more"), terminal)? != first {
        return Err(Trouble::new("the two are not the same").hint("try again; nothing was changed"));
    }
    if first.is_empty() {
        return Err(Trouble::new(format!("no {what} was given")).hint("type it, or pipe it to stdin"));
    }
    Ok(first)
}

fn secret(what: &str, terminal: bool) -> Result<Secret, Trouble> {
    let failed = |error: io::Error| Trouble::new(format!("the {what} could not be read: {error}"));
    let silence = terminal.then(Silence::begin).transpose().map_err(failed)?;
    if terminal {
        eprint!("{what}: ");
        io::stderr().flush().map_err(failed)?;
    }
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line).map_err(failed)?;
    if silence.is_some() {
        eprintln!();
    }
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

/// While it lives, the terminal does not show what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Silence> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Silence(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The terminal is gone when this fails: nothing is left to set right.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
