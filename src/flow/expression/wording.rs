//! Why a condition cannot be read, in the words of whoever wrote it.

/// How conditions are written, where nothing better is known.
const WRITTEN: &str =
    "write && for and, || for or, ! for not, == for is, and texts in quotes: dialled == '1000'";

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub message: String,
    pub hint: Option<String>,
}

impl From<String> for Unreadable {
    fn from(message: String) -> Unreadable {
        Unreadable { message, hint: None }
    }
}

/// What is wrong with `text`, of which the parser says `told`.
pub(super) fn unreadable(text: &str, told: &str) -> Unreadable {
    let wrong = |at: &str, hint: &str| Unreadable {
        message: format!("this condition cannot be read{at}"),
        hint: Some(hint.to_owned()),
    };
    if let Some(mark) = text.chars().find(|c| "“”„‘’«»".contains(*c)) {
        return wrong(&format!(" at {mark}"), "write texts between straight quotes: '1000'");
    }
    let Some(code) = without_texts(text) else {
        return wrong(": a quote is not closed", "a text has one before and one behind it: '1000'");
    };
    if let Some((written, meant)) = code.split_whitespace().find_map(|word| other_language(word)) {
        return wrong(&format!(" at \"{written}\""), &format!("\"{written}\" is written {meant}"));
    }
    let (open, closed) = (code.matches('(').count(), code.matches(')').count());
    if open != closed {
        return wrong(": its brackets do not fit each other", "each ( has its )");
    }
    match told.split('\'').nth(1) {
        Some("<EOF>") | None => wrong(": it ends too early", WRITTEN),
        Some(_) if told.contains("'<EOF>'") => wrong(": it ends too early", WRITTEN),
        Some(at) => wrong(&format!(" at \"{}\"", at.trim()), WRITTEN),
    }
}

/// The condition without what stands in quotes; none where a quote is not closed.
fn without_texts(text: &str) -> Option<String> {
    let mut open: Option<char> = None;
    let outside = |c: &char| match open {
        Some(mark) => {
            open = open.filter(|_| *c != mark);
            false
        }
        None => {
            open = ['\'', '"'].into_iter().find(|mark| mark == c);
            open.is_none()
        }
    };
    let code: String = text.chars().filter(outside).collect();
    open.is_none().then_some(code)
}

/// A word that other languages have for what is written otherwise here.
fn other_language(word: &str) -> Option<(&str, &'static str)> {
    let meant = match word.trim_matches(['(', ')']).to_lowercase().as_str() {
        "and" => "&&",
        "or" => "||",
        "not" => "!",
        "is" | "equals" | "=" => "==",
        "<>" | "≠" | "isnt" => "!=",
        "≤" => "<=",
        "≥" => ">=",
        _ => return None,
    };
    Some((word.trim_matches(['(', ')']), meant))
}

#[cfg(test)]
mod tests {
    use super::super::Expression;

    #[test]
    fn who_writes_a_condition_as_another_language_has_it_is_told_how_it_is_written_here() {
        let told = |text: &str| {
            let error = Expression::parse(text).unwrap_err();
            let message = error.message.replace("this condition cannot be read", "…");
            format!("{message} ({})", error.hint.unwrap_or_default())
        };
        let cases = [
            ("caller.known and verified", "… at \"and\" (\"and\" is written &&)"),
            ("caller.known OR verified", "… at \"OR\" (\"OR\" is written ||)"),
            ("(not verified)", "… at \"not\" (\"not\" is written !)"),
            ("dialled = '1000'", "… at \"=\" (\"=\" is written ==)"),
            ("verified is true", "… at \"is\" (\"is\" is written ==)"),
            (
                "dialled == 'this and that",
                "…: a quote is not closed (a text has one before and one behind it: '1000')",
            ),
            ("dialled == “1000”", "… at “ (write texts between straight quotes: '1000')"),
            ("(verified", "…: its brackets do not fit each other (each ( has its ))"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
        assert!(
            told("dialled ==").starts_with("…: it ends too early (write && for and"),
            "{}",
            told("dialled ==")
        );
        assert!(told("verified, language").starts_with("… at \",\" (write && for and"));
        assert!(Expression::parse("dialled == 'this and that'").is_ok());
    }
}
