//! Text with variables in it: `/orders/{order}`, `Your order {order} is on its way`.

use crate::base::Name;

/// A piece of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Written(String),
    Variable(Name),
}

/// The pieces of `text`; none where a brace has no other half. What is between braces may be no name at all.
pub(crate) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (variable, behind) = after.split_once('}')?;
        pieces.push(Piece::Written(before.to_owned()));
        pieces.push(Piece::Variable(Name::from(variable)));
        rest = behind;
    }
    pieces.push(Piece::Written(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Written(text) if text.is_empty()));
    let whole = |piece: &Piece| match piece {
        Piece::Written(text) => !text.contains(['{', '}']),
        Piece::Variable(name) => !name.contains(['{', '}']),
    };
    pieces.iter().all(whole).then_some(pieces)
}

/// The variables in it.
pub(crate) fn variables(pieces: &[Piece]) -> impl Iterator<Item = &Name> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Written(_) => None,
    })
}

/// The text, with what `value` says of each variable.
pub(crate) fn filled(pieces: &[Piece], value: impl Fn(&Name) -> String) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Written(text) => text.clone(),
        Piece::Variable(name) => value(name),
    };
    pieces.iter().map(piece).collect()
}

/// As the file has it.
pub(crate) fn written(pieces: &[Piece]) -> String {
    filled(pieces, |name| format!("{{{name}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_braces_is_a_variable() {
        let text = "Order {order} of {caller.name}.";
        let read = pieces(text).expect("whole");
        assert_eq!(variables(&read).map(|name| &**name).collect::<Vec<_>>(), ["order", "caller.name"]);
        assert_eq!(filled(&read, |name| name.to_uppercase()), "Order ORDER of CALLER.NAME.");
        assert_eq!(written(&read), text);
        assert_eq!(pieces("plain"), Some(vec![Piece::Written("plain".to_owned())]));
        for broken in ["{open", "shut}", "{a}}", "{a{b}"] {
            assert_eq!(pieces(broken), None, "{broken}");
        }
    }
}
