//! What keeps a file from being read at all, in the words of whoever wrote it: where it stands, and how it is written rightly.

use granit_parser::ErrorKind;
use granit_parser::ScanError;

use super::yaml::Place;
use super::yaml::Problem;

const TABS: &str = "indent with spaces, not with tabs";

/// The same problem in plain words; `text` is the whole file.
pub(super) fn in_words(error: &ScanError, text: &str) -> Problem {
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    let file = File { lines: text.lines().collect(), line, column };
    let told = file.open_bracket().or_else(|| match error.kind() {
        ErrorKind::MappingValueNotAllowed => file.value_too_many(),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => file.astray(),
        ErrorKind::ExpectedDocumentStart => file.before_the_first_line(),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => file.open_quote(),
        ErrorKind::UnexpectedCharacter { character } => file.at_the_beginning(*character),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => file.tab(),
        ErrorKind::MisplacedFlowCollectionEnd if file.has_no_colon().is_some() => file.has_no_colon(),
        kind => short(kind).map(|(message, hint)| file.here(message, hint)),
    });
    told.or_else(|| file.tab_in_the_line()).unwrap_or_else(|| {
        let hint = file.source().contains('*').then(|| quoted("*51"));
        Problem {
            place: file.place(line, column),
            message: format!("this is not YAML: {}", error.info()),
            hint,
        }
    })
}

/// What is the same wherever it stands.
fn short(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::UnclosedFlowCollection { open: '{' }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => ("a { is never closed", "add } where it ends"),
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::UnexpectedEofFlowSequence => {
            ("a [ is never closed", "add ] where it ends")
        }
        ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("this bracket closes another kind than was opened", "{ goes with }, and [ with ]")
        }
        ErrorKind::MisplacedFlowCollectionEnd => (
            "this bracket closes none",
            "take it out, or write the text that it belongs to between quotation marks",
        ),
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("a comma or a } is missing before this", "write { key: value, key: value }")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a comma or a ] is missing before this", "write [one, two]")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "something follows a text that has ended with its quotation mark",
            "put all of it between the marks; a mark within it is written \\\"",
        ),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            ("a backslash before this letter says nothing", "a backslash itself is written \\\\")
        }
        ErrorKind::CommentNotSeparated => {
            ("a # stands in the middle of a word", "put a space before a comment")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("a colon is missing here", "lines are written as \"key: value\", with a space behind the colon")
        }
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            ("a list with dashes cannot begin here", "begin it on the next line, or write [one, two]")
        }
        ErrorKind::InvalidBlockEntryWhitespace => ("a space is missing behind the dash", "write \"- one\""),
        ErrorKind::InvalidMappingValueWhitespace | ErrorKind::InvalidColonPlacement => {
            ("a colon stands in the wrong place", "write \"key: value\", with a space behind the colon")
        }
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => {
            ("a text cannot begin with * or &", "write what begins with a * between quotation marks: \"*51\"")
        }
        ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent => {
            ("this line is indented less than what it belongs to", "indent it as the lines above it")
        }
        _ => return None,
    })
}

fn quoted(text: &str) -> String {
    format!("write what begins with a * between quotation marks: \"{text}\"")
}

/// The file, and where reading it ended.
struct File<'a> {
    lines: Vec<&'a str>,
    /// Both count from 1.
    line: usize,
    column: usize,
}

impl File<'_> {
    fn text(&self, line: usize) -> &str {
        self.lines.get(line.wrapping_sub(1)).copied().unwrap_or_default()
    }

    fn source(&self) -> &str {
        self.text(self.line)
    }

    fn place(&self, line: usize, column: usize) -> Place {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Place { line: count(line), column: count(column), length: 1 }
    }

    fn problem(
        &self,
        (line, column): (usize, usize),
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem { place: self.place(line, column), message: message.into(), hint: Some(hint.into()) }
    }

    fn here(&self, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        self.problem((self.line, self.column), message, hint)
    }

    /// The line above that says something.
    fn above(&self) -> Option<usize> {
        (1..self.line).rev().find(|line| says_something(self.text(*line)))
    }

    fn above_has_no_colon(&self) -> Option<Problem> {
        let above = self.above().filter(|above| !self.text(*above).contains(':'))?;
        Some(self.colonless(above, self.text(above).trim()))
    }

    /// The same of this line, where a bracket stands behind the key, and else of the one above.
    fn has_no_colon(&self) -> Option<Problem> {
        let key = self.source().split(['{', '[']).next().unwrap_or_default().trim();
        let own = !key.is_empty() && key != "-" && !key.contains(':');
        if own { Some(self.colonless(self.line, key)) } else { self.above_has_no_colon() }
    }

    fn colonless(&self, line: usize, said: &str) -> Problem {
        let hint = "lines are written as \"key: value\", with a space behind the colon";
        self.problem((line, indent(self.text(line)) + 1), format!("\"{said}\" has no colon"), hint)
    }

    /// A bracket above that was never closed, where a line begins that is not indented more than that one.
    fn open_bracket(&self) -> Option<Problem> {
        let mut open = Vec::new();
        for line in 1..self.line {
            let code = self.text(line).split(" #").next().unwrap_or_default();
            let mut quoted = None;
            for (column, c) in code.chars().enumerate() {
                match (quoted, c) {
                    (None, '"' | '\'') => quoted = Some(c),
                    (Some(mark), _) => quoted = quoted.filter(|_| c != mark),
                    (None, '{' | '[') => open.push((line, column + 1, c)),
                    (None, '}' | ']') => drop(open.pop()),
                    _ => {}
                }
            }
        }
        let (line, column, bracket) =
            open.pop().filter(|(line, ..)| indent(self.source()) <= indent(self.text(*line)))?;
        let close = if bracket == '{' { '}' } else { ']' };
        Some(self.problem(
            (line, column),
            format!("a {bracket} is never closed"),
            format!("add {close} where it ends"),
        ))
    }

    /// A colon where there can be no value: a second one in its line, or one in a line below a value.
    fn value_too_many(&self) -> Option<Problem> {
        let source = self.source();
        let before: String = source.chars().take(self.column.saturating_sub(1)).collect();
        if let Some((key, _)) = before.split_once(": ") {
            let key = key.trim_start().trim_start_matches("- ");
            let value = source.split_once(": ").map_or("", |(_, value)| value).trim();
            let hint = format!("a text with a colon stands between quotation marks: {key}: \"{value}\"");
            return Some(self.here("this line has a second colon", hint));
        }
        if let Some(told) = self.above_has_no_colon() {
            return Some(told);
        }
        let above = self.above()?;
        let (own, others) = (indent(source), indent(self.text(above)));
        let message =
            format!("this line is indented by {} below line {above}, which has a value already", spaces(own));
        let hint = format!("indent it by {}, as line {above}", spaces(others));
        (own > others).then(|| self.problem((self.line, own + 1), message, hint))
    }

    /// A line that belongs to none above: its indentation is none of theirs, or it is a list among keys or the other way round.
    fn astray(&self) -> Option<Problem> {
        let own = indent(self.source());
        let open = self.open_indents();
        let at = (self.line, own + 1);
        if !open.contains(&own) {
            let known: Vec<String> = open.iter().map(ToString::to_string).collect();
            let hint = format!("indent it as the lines it belongs to: by {}", spaces_of(&known));
            return Some(self.problem(
                at,
                format!("this line is indented by {}, and none that it could belong to is", spaces(own)),
                hint,
            ));
        }
        let (message, hint) = match self.source().trim_start().starts_with("- ") {
            true => (
                "a list stands where a \"key: value\" line is wanted",
                "indent it below the key that it belongs to",
            ),
            false => (
                "this does not belong to the line above",
                "lists are \"- one\" lines, all else is \"key: value\" lines",
            ),
        };
        Some(self.problem(at, message, hint))
    }

    /// How far the lines above are indented to which this one could belong, the outermost first.
    fn open_indents(&self) -> Vec<usize> {
        let mut open: Vec<usize> = Vec::new();
        for text in (1..self.line).map(|line| self.text(line)).filter(|text| says_something(text)) {
            open.retain(|known| *known < indent(text));
            open.push(indent(text));
        }
        open
    }

    /// The first line is indented more than this one.
    fn before_the_first_line(&self) -> Option<Problem> {
        let first = (1..self.line).find(|line| says_something(self.text(*line)))?;
        let (own, of_first) = (indent(self.source()), indent(self.text(first)));
        let message =
            format!("this line is indented by {}, and line {first} by {}", spaces(own), spaces(of_first));
        (own < of_first).then(|| {
            self.problem((self.line, own + 1), message, "begin the lines of one level below each other")
        })
    }

    /// A quotation mark without another: the one that stands alone in its line, at the line or above it.
    fn open_quote(&self) -> Option<Problem> {
        let last = self.line.min(self.lines.len());
        let alone = |mark: char| {
            (1..=last)
                .rev()
                .find(|line| self.text(*line).matches(mark).count() % 2 == 1)
                .map(|line| (line, mark))
        };
        let (line, mark) = alone('"').or_else(|| alone('\''))?;
        let column = self.text(line).chars().position(|c| c == mark)? + 1;
        Some(self.problem(
            (line, column),
            "a quotation mark is not closed",
            format!("add {mark} where the text ends"),
        ))
    }

    fn at_the_beginning(&self, character: char) -> Option<Problem> {
        if character == '\t' {
            return self.tab();
        }
        let hint = "write the text between quotation marks".to_owned();
        (!character.is_control()).then(|| self.here(format!("a text cannot begin with {character}"), hint))
    }

    /// A tab, here or in a line below.
    fn tab(&self) -> Option<Problem> {
        let line = (self.line..=self.lines.len()).find(|line| self.text(*line).contains('\t'))?;
        let column = self.text(line).chars().position(|c| c == '\t')? + 1;
        Some(self.problem((line, column), "a tab stands here", TABS))
    }

    fn tab_in_the_line(&self) -> Option<Problem> {
        self.source().contains('\t').then(|| self.tab()).flatten()
    }
}

fn says_something(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

fn spaces(count: usize) -> String {
    spaces_of(&[count.to_string()])
}

/// `1 space`, `0, 2 or 4 spaces`
fn spaces_of(counts: &[String]) -> String {
    match counts {
        [one] if one == "1" => "1 space".to_owned(),
        [more @ .., last] if !more.is_empty() => format!("{} or {last} spaces", more.join(", ")),
        counts => format!("{} spaces", counts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;

    /// The first problem as `line:column message (hint)`.
    fn told(text: &str) -> String {
        let (_, problems) = yaml::parse(text);
        let first = problems.first().expect("something is wrong");
        let place = first.place;
        format!(
            "{}:{} {} ({})",
            place.line,
            place.column,
            first.message,
            first.hint.as_deref().unwrap_or("-")
        )
    }

    #[test]
    fn who_indents_a_line_wrongly_is_told_so_and_how_far_it_should_be() {
        let numbers = "company: x\nnumbers:\n  1000: main\n";
        assert_eq!(
            told(&format!("{numbers} 1001: main\n")),
            "4:2 this line is indented by 1 space, and none that it could belong to is (indent it as the lines it belongs \
             to: by 0 or 2 spaces)"
        );
        assert_eq!(
            told(&format!("{numbers}    1001: main\n")),
            "4:5 this line is indented by 4 spaces below line 3, which has a value already (indent it by 2 spaces, as line 3)"
        );
        assert_eq!(
            told(" company: x\nnumbers: y\n"),
            "2:1 this line is indented by 0 spaces, and line 1 by 1 space (begin the lines of one level below each other)"
        );
        assert_eq!(
            told(&format!("{numbers}\t1001: main\n")),
            "4:1 a tab stands here (indent with spaces, not with tabs)"
        );
        assert!(told("a:\n  - one\n  two: x\n").starts_with("3:3 this does not belong to the line above"));
        assert!(told("a:\n  two: x\n  - one\n").starts_with("3:3 a list stands where"));
    }

    #[test]
    fn what_is_forgotten_within_a_line_is_named() {
        let cases = [
            (
                "company: x: y\n",
                "1:11 this line has a second colon (a text with a colon stands between quotation marks: company: \"x: y\")",
            ),
            (
                "company x\nnumbers:\n",
                "1:1 \"company x\" has no colon (lines are written as \"key: value\", with a space behind the colon)",
            ),
            (
                "company: \"x\nnumbers: 1\n",
                "1:10 a quotation mark is not closed (add \" where the text ends)",
            ),
            ("a: 'x\n", "1:4 a quotation mark is not closed (add ' where the text ends)"),
            ("numbers: { 1000: main\n", "1:10 a { is never closed (add } where it ends)"),
            ("skills: [a, b\n", "1:9 a [ is never closed (add ] where it ends)"),
            ("a: @x\n", "1:4 a text cannot begin with @ (write the text between quotation marks)"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
        for text in [
            "a: { b: c ]\n",
            "a: [b }\n",
            "a: ]\n",
            "a: \"b\" c\n",
            "a: - b\n",
            "a: { b: \"c\" d: e }\n",
            "a: *51\n",
            "a: \"\\q\"\n",
        ] {
            assert!(!told(text).contains("this is not YAML"), "{text}: {}", told(text));
        }
    }
}
