//! What the checker says: where, what, and what to do about it. No colours.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The files are not used.
    Error,
    /// The files are used; somebody should look.
    Warning,
}

/// One thing found in the files.
///
/// [`Display`](fmt::Display) writes it for a terminal: place and message, the line with a caret, the hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// As it was given to [`load`](crate::flow::load()).
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The offending text.
    pub text: String,
    /// The whole line it stands in.
    pub source: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do, when there is something sensible to say.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Whether the files cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {severity}: {}", self.file, self.line, self.column, self.message)?;
        if !self.source.is_empty() {
            let gutter = self.line.to_string();
            let blank = " ".repeat(gutter.len());
            let indent = " ".repeat(self.column.saturating_sub(1) as usize);
            let carets = "^".repeat(self.text.chars().count().max(1));
            write!(f, "\n {gutter} | {}\n {blank} | {indent}{carets}", self.source)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The name among `known` that `wrong` was probably meant to be: at most a third of it differs.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().collect();
    let allowed = match wrong.len() {
        0 | 1 => 0,
        length => (length / 3).max(1),
    };
    known
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(wrong.len()) <= allowed)
        .map(|name| (distance(&wrong, &name.chars().collect::<Vec<char>>()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let change = last[j] + usize::from(a[i] != b[j]);
            let mut least = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_mistyped_finds_the_one_that_was_meant() {
        let known = ["main_menu", "mailbox", "goodbye"];
        assert_eq!(nearest("mainmenu", known), Some("main_menu"));
        assert_eq!(nearest("godbye", known), Some("goodbye"));
        assert_eq!(nearest("maibl", ["mail", "plya", "main"]), Some("mail"));
        assert_eq!(nearest("plya", ["pause", "play"]), Some("play"));
        assert_eq!(nearest("support", known), None);
        assert_eq!(nearest("q", ["a", "b"]), None);
    }

    #[test]
    fn it_reads_like_a_compiler() {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            file: "ivr_flows/main.yaml".into(),
            line: 12,
            column: 9,
            text: "mainmenu".into(),
            source: "  then: mainmenu".into(),
            message: "no node is called \"mainmenu\"".into(),
            hint: Some("did you mean \"main_menu\"?".into()),
        };
        assert_eq!(
            diagnostic.to_string(),
            "ivr_flows/main.yaml:12:9: error: no node is called \"mainmenu\"\n \
             12 |   then: mainmenu\n    |         ^^^^^^^^\n\
             hint: did you mean \"main_menu\"?"
        );
    }
}
