//! `docs/TUTORIAL.md`, done as it says: its files written, its commands run, what they say compared with what it shows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const TUTORIAL: &str = include_str!("../docs/TUTORIAL.md");

/// A block of the text: its language, and what is in it.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<&str> = TUTORIAL.split("```").collect();
    parts.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_tutorial_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    symlink(root.join("prompts"), folder.path().join("prompts")).expect("the prompts");
    let mut commands = 0;
    for (language, text) in blocks() {
        if language == "yaml" {
            let name = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("the file's name");
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        } else if language == "sh" {
            let (command, shown) = text.split_once('\n').unwrap_or((text, ""));
            let command = command.strip_prefix("$ ").expect("a command");
            assert_eq!(run(command, folder.path()).trim_end(), shown.trim_end(), "{command}");
            commands += 1;
        }
    }
    assert!(commands >= 5, "only {commands} commands were found");
}

/// What a command says, on stdout and stderr, without blanks at the ends of lines.
fn run(command: &str, folder: &Path) -> String {
    let script = format!("warmline() {{ \"$WARMLINE\" \"$@\"; }}; {{ {command}; }} 2>&1");
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("WARMLINE", env!("CARGO_BIN_EXE_warmline"))
        .current_dir(folder)
        .output()
        .expect("a shell");
    let said = String::from_utf8(output.stdout).expect("text");
    said.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
