//! What must never be true of this code, as a test: imports that point up, clocks and sockets in the floors
//! that decide, a file without a first word. It reads text, so it is quick, and it says `path:line: why`.

use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A floor, and what it may name of the others; `sip::uri` allows that one module.
const FLOORS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("fact", &["base"]),
    ("sdp", &["base", "fact"]),
    ("sip", &["base", "fact", "sdp"]),
    ("queue", &["base", "fact"]),
    ("simulate", &["base", "queue"]),
    ("media", &["base", "fact", "sdp"]),
    ("flow", &["base", "fact", "queue", "media", "sip::uri"]),
    ("call", &["base", "fact", "sdp", "queue", "media", "flow", "sip::uri"]),
    ("wire", &["base", "sdp", "sip", "media"]),
    ("store", &["base", "fact", "flow::api", "sip::digest"]),
    ("load", &["base", "sdp", "sip", "media", "wire"]),
    ("server", &["base", "fact", "sdp", "sip", "queue", "media", "flow", "call", "wire", "store"]),
    ("api", &["base", "fact", "sdp", "sip", "queue", "media", "flow", "call", "wire", "store", "server"]),
    (
        "cli",
        &[
            "base", "fact", "sdp", "sip", "queue", "simulate", "media", "flow", "call", "wire", "store",
            "load", "server", "api",
        ],
    ),
];

/// The floors that decide: told the time and what happened, never asking.
const CORES: &[&str] = &["base", "fact", "sdp", "sip", "queue", "simulate", "media", "flow", "call"];

/// What no core names, and why.
const IMPURE: &[(&str, &str)] = &[
    ("TcpStream", "a core has no sockets"),
    ("TcpListener", "a core has no sockets"),
    ("UdpSocket", "a core has no sockets"),
    ("ToSocketAddrs", "a core resolves no names"),
    ("socket2", "a core has no sockets"),
    ("std::fs", "a core reads no files"),
    ("std::env", "a core does not see its environment"),
    ("std::process", "a core starts nothing and ends nothing"),
    ("std::thread", "a core has no threads"),
    ("Instant", "a core is told the time"),
    ("SystemTime", "a core is told the time"),
    ("getrandom", "chance comes from base::Entropy"),
    ("rand", "chance comes from base::Entropy"),
    ("tokio", "a core is not async"),
    ("async", "a core is not async"),
    ("println!", "a core does not print"),
    ("eprintln!", "a core does not print"),
];

const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];

/// Longer than this, a file holds more than one subject.
const MAX_LINES: usize = 900;

/// Where packages come from is the machine's business. Written in halves, so that this file passes.
const REGISTRIES: &[(&str, &str)] = &[
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("proxy.golang", ".org"),
    ("deb.debian", ".org"),
];

#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.why)
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz", "docs", "scripts", "web", "ivr_flows", ".ci", ".cargo"]
    {
        collect(&root.join(folder), &mut files);
    }
    files.extend(["README.md", "CHANGELOG.md", "Cargo.toml"].map(|name| root.join(name)));
    files.sort();
    let mut findings = Vec::new();
    let mut sources = 0;
    for file in files {
        // Pictures, recordings and the torture messages are no text of ours.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let path =
            file.strip_prefix(root).expect("found under the root").to_string_lossy().replace('\\', "/");
        sources += usize::from(path.starts_with("src/"));
        findings.extend(check(&path, &text));
    }
    assert!(sources > 20, "only {sources} files found under src");
    let report: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// What the checker of flows may say, in the code, and what its tests expect it to say: what no test expects is a rule
/// without a file that breaks it.
#[test]
fn every_rule_of_the_checker_has_a_file_that_breaks_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flow");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let (mut rules, mut expected) = (Vec::new(), String::new());
    for path in files {
        let text = fs::read_to_string(&path).expect("a source file");
        let shown = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let (code, tests) = match text.find("#[cfg(test)]\nmod tests {") {
            Some(begin) => text.split_at(begin),
            None if shown.starts_with("tests/") => ("", text.as_str()),
            None => (text.as_str(), ""),
        };
        expected.push_str(&as_read(tests));
        // A file of tests of flows is told in the same words, and is tested by itself.
        if !shown.starts_with("rehearsal/") {
            rules.extend(messages(code).into_iter().map(|message| (shown.clone(), message)));
        }
    }
    assert!(rules.len() > 100, "only {} rules were found: the code reads otherwise now", rules.len());
    let untested: Vec<String> = rules
        .iter()
        .filter(|(_, message)| !is_expected(message, &expected))
        .map(|(path, message)| format!("src/flow/{path}: {message}"))
        .collect();
    assert!(untested.is_empty(), "no test breaks these rules:\n{}", untested.join("\n"));
}

/// The literals that are handed to a reader's `error`, `error_hint` or `warning`, or kept as a `message` for it.
fn messages(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (call, has_place) in
        [(".error(", true), (".error_hint(", true), (".warning(", true), ("let message =", false)]
    {
        for (at, _) in code.match_indices(call) {
            let rest = &code[at + call.len()..];
            let behind_place = rest.find([',', ';']).filter(|end| rest[*end..].starts_with(','));
            let said = match (has_place, behind_place) {
                (true, Some(end)) => &rest[end + 1..],
                (true, None) => continue,
                (false, _) => rest,
            };
            let said = said.trim_start();
            let said = said.strip_prefix("format!(").unwrap_or(said).trim_start();
            found.extend(said.strip_prefix('"').and_then(literal));
        }
    }
    found
}

/// A literal up to its quotation mark, as it is written.
fn literal(text: &str) -> Option<String> {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map(|end| as_read(&text[..end]))
}

/// Text of literals as it is read: escapes are what they stand for, and space is one blank.
fn as_read(text: &str) -> String {
    let mut read = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match (c, chars.peek()) {
            ('\\', Some('\n')) => {
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                continue;
            }
            ('\\', Some('n')) => chars.next().map_or(' ', |_| ' '),
            ('\\', Some(_)) => chars.next().unwrap_or('\\'),
            (c, _) => c,
        };
        if !c.is_whitespace() {
            read.push(c);
        } else if !read.ends_with(' ') {
            read.push(' ');
        }
    }
    read
}

/// Whether `expected` has this message, whatever stands in the place of its braces.
fn is_expected(message: &str, expected: &str) -> bool {
    let pieces = pieces(message);
    // Words that are put together elsewhere are looked at there.
    let Some((first, rest)) = pieces.split_first() else { return true };
    expected.match_indices(first.as_str()).any(|(at, _)| {
        let mut end = at + first.len();
        rest.iter().all(|piece| {
            // What is filled in is a name or a number, and seldom long.
            let within =
                expected[end..].char_indices().nth(160).map_or(expected.len(), |(more, _)| end + more);
            let found = expected[end..within].find(piece.as_str());
            end += found.map_or(0, |found| found + piece.len());
            found.is_some()
        })
    })
}

/// What stands between the braces of a format.
fn pieces(message: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut depth) = (Vec::new(), String::new(), 0);
    let mut chars = message.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if depth == 0 && chars.next_if_eq(&c).is_some() => piece.push(c),
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                pieces.push(std::mem::take(&mut piece));
            }
            c if depth == 0 => piece.push(c),
            _ => {}
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target"
                && name != "node_modules"
                && name != "corpus"
                && name != "artifacts"
                && name != "data"
            {
                collect(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}

/// Everything that is wrong in one file, in the order of its lines.
fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line: usize, why: String| findings.push(Finding { path: path.to_owned(), line, why });
    for (index, line) in text.lines().enumerate() {
        for (name, domain) in REGISTRIES {
            if line.contains(&format!("{name}{domain}")) {
                add(index + 1, "names a package registry".to_owned());
            }
        }
    }
    if !path.ends_with(".rs") {
        return findings;
    }
    if !text.starts_with("//!") {
        add(1, "the first line says what the file is: //! …".to_owned());
    }
    let length = text.lines().count();
    if length > MAX_LINES {
        add(length, format!("{length} lines; more than {MAX_LINES} is more than one subject"));
    }
    let floor = floor_of(path);
    let tests_from = tests_begin(path, text);
    for (index, line) in text.lines().enumerate() {
        let code = without_comment(line);
        let number = index + 1;
        if path != "tests/tidy.rs" {
            for unfinished in UNFINISHED.iter().filter(|word| has_word(code, word)) {
                add(number, format!("{unfinished} is not finished"));
            }
        }
        if is_grouped_use(code) {
            add(number, "use one item per line".to_owned());
        }
        let Some(floor) = floor else { continue };
        for why in upward(floor, code) {
            add(number, why);
        }
        if !matches!(floor, "wire" | "media") && ["rtp", "webrtc"].iter().any(|name| starts_path(code, name))
        {
            add(number, "rtp and webrtc types stay in wire and media".to_owned());
        }
        if number >= tests_from || !CORES.contains(&floor) {
            continue;
        }
        for (word, why) in IMPURE.iter().filter(|(word, _)| has_word(code, word)) {
            add(number, format!("{word}: {why}"));
        }
        let hashed = has_word(code, "HashMap") || has_word(code, "HashSet");
        if matches!(floor, "queue" | "flow") && hashed && !line.contains("// looked up only") {
            add(
                number,
                "the order of a hash table decides nothing: BTreeMap, or `// looked up only`".to_owned(),
            );
        }
    }
    findings
}

/// `src/queue/engine.rs` and `src/queue.rs` are of the floor `queue`; what is not in `src` is of none.
fn floor_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    FLOORS.iter().map(|(floor, _)| *floor).find(|floor| *floor == name)
}

/// The line from which on a file is tests: all of `tests.rs`, and `mod tests {` at the foot of the others.
fn tests_begin(path: &str, text: &str) -> usize {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    (1..lines.len())
        .find(|at| {
            lines[at - 1] == "#[cfg(test)]" && lines[*at].starts_with("mod ") && lines[*at].ends_with('{')
        })
        .unwrap_or(usize::MAX)
}

/// Every `crate::x` that the floor may not name, as a reason.
fn upward(floor: &str, code: &str) -> Vec<String> {
    let below = FLOORS.iter().find(|(name, _)| *name == floor).map_or(&[][..], |(_, below)| below);
    let mut reasons = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_ident) || code[..at].ends_with('$') {
            continue;
        }
        let named: Vec<&str> = code[at + "crate::".len()..]
            .split("::")
            .map(|part| part.split(|c| !is_ident(c)).next().unwrap_or(""))
            .collect();
        let module = named[0];
        let deep = format!("{module}::{}", named.get(1).unwrap_or(&""));
        let is_floor = FLOORS.iter().any(|(name, _)| *name == module);
        if is_floor && module != floor && !below.contains(&module) && !below.contains(&deep.as_str()) {
            reasons.push(format!("{floor} may not name crate::{deep}; below it are: {}", below.join(", ")));
        }
    }
    reasons
}

fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The line up to `//`, unless that stands in a string, as in `sip://`.
fn without_comment(line: &str) -> &str {
    let mut in_string = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before != '\\' && before != '\'' => in_string = !in_string,
            '/' if before == '/' && !in_string => return &line[..at - 1],
            _ => {}
        }
        before = c;
    }
    line
}

/// Whether the word stands in the code, and not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_ident)
            && (word.ends_with('!') || !code[at + word.len()..].starts_with(is_ident))
    })
}

/// Whether a path in the code begins at the crate of that name: `rtp::`, but not `media::rtp::`.
fn starts_path(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with(is_ident) && (!before.ends_with("::") || before.ends_with(" ::"))
    })
}

fn is_grouped_use(code: &str) -> bool {
    let code = code.trim_start();
    let code = code.strip_prefix("pub ").unwrap_or(code);
    code.starts_with("use ") && code.contains("::{")
}

mod the_check_itself {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        check(path, text).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn an_import_that_points_up_is_found_with_its_line() {
        let found =
            told("src/queue/engine.rs", "//! Engine.\nuse crate::base::Name;\nuse crate::sip::uri::Uri;\n");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("src/queue/engine.rs:3: queue may not name crate::sip::uri;"),
            "{found:?}"
        );
        assert_eq!(told("src/flow/center.rs", "//! Center.\nuse crate::sip::uri::Uri;\n"), [""; 0]);
        assert_eq!(told("src/flow/center.rs", "//! Center.\nuse crate::sip::api::Event;\n").len(), 1);
        assert_eq!(told("src/flow/center.rs", "//! C.\nfn f(x: crate::server::Server) {}\n").len(), 1);
        assert_eq!(
            told("src/base/mod.rs", "//! Base. See [`crate::queue`].\n/// [`crate::sip`]\nfn f() {}\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_core_that_asks_the_world_is_found() {
        for line in [
            "use std::net::UdpSocket;",
            "let t = Instant::now();",
            "use std::time::SystemTime;",
            "let s = std::fs::read(p);",
            "async fn f() {}",
            "tokio::spawn(x);",
            "std::thread::spawn(f);",
            "std::env::var(\"X\")",
            "println!(\"x\");",
        ] {
            assert_eq!(told("src/sip/x.rs", &format!("//! X.\n{line}\n")).len(), 1, "{line}");
            assert_eq!(told("src/server/x.rs", &format!("//! X.\n{line}\n")), [""; 0], "{line}");
            let at_the_foot = format!("//! X.\n#[cfg(test)]\nmod tests {{\n{line}\n}}\n");
            assert_eq!(told("src/sip/x.rs", &at_the_foot), [""; 0], "{line}");
        }
        assert_eq!(
            told("src/sip/x.rs", "//! X.\nuse std::net::SocketAddr;\nlet asynchronous = 1; // tokio\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_hash_table_that_could_decide_is_found() {
        assert_eq!(told("src/queue/x.rs", "//! X.\nuse std::collections::HashMap;\n").len(), 1);
        assert_eq!(told("src/flow/x.rs", "//! X.\nmap: HashMap<A, B>, // looked up only\n"), [""; 0]);
        assert_eq!(told("src/sip/x.rs", "//! X.\nuse std::collections::HashMap;\n"), [""; 0]);
    }

    #[test]
    fn packet_types_outside_wire_and_media_are_found() {
        assert_eq!(told("src/call/x.rs", "//! X.\nuse rtp::header::Header;\n").len(), 1);
        assert_eq!(told("src/call/x.rs", "//! X.\nuse crate::media::rtp::Stream;\n"), [""; 0]);
        assert_eq!(told("src/media/x.rs", "//! X.\nuse rtp::header::Header;\n"), [""; 0]);
    }

    #[test]
    fn what_is_unfinished_nameless_or_too_long_is_found() {
        assert_eq!(told("src/cli/x.rs", "fn f() {}\n").len(), 1);
        assert_eq!(told("src/cli/x.rs", "//! X.\nfn f() { todo!() }\n").len(), 1);
        assert_eq!(told("src/cli/x.rs", "//! X.\nlet url = \"http://x\"; dbg!(url);\n").len(), 1);
        assert_eq!(told("src/cli/x.rs", "//! X.\nuse std::fmt::{self, Debug};\n").len(), 1);
        let long = format!("//! X.\n{}", "\n".repeat(MAX_LINES));
        assert_eq!(told("src/cli/x.rs", &long).len(), 1);
        let url = format!("see https://{}{}/x", REGISTRIES[3].0, REGISTRIES[3].1);
        assert_eq!(told("docs/x.md", &url), ["docs/x.md:1: names a package registry"]);
    }
}
