//! Text of strangers, as people may be shown it: without what a terminal acts on, or what makes it read as something else.

/// Whether a character shows nothing and changes how what stands around it is shown: controls, ends of lines, changes of direction,
/// what has no width. Not the joiners, without which some names are spelled wrong.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text without hidden characters.
pub fn plain(text: String) -> String {
    if text.contains(is_hidden) { text.replace(is_hidden, "") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_left_out_and_names_stay_as_they_are() {
        for (given, shown) in [
            ("\u{1b}[31mRED\nFAKE LINE", "[31mREDFAKE LINE"),
            ("\u{1b}]0;title\u{7}Ann", "]0;titleAnn"),
            ("Ann\u{202e}nnA", "AnnnnA"),
            ("\u{9b}31mAnn\u{2028}\u{feff}\u{e0041}", "31mAnn"),
        ] {
            assert_eq!(plain(given.to_owned()), shown);
        }
        for name in ["Ann O'Neill", "Zoë", "محمد", "می\u{200c}خواهم", "李雷", "+12025550143", ""]
        {
            assert_eq!(plain(name.to_owned()), name);
        }
    }
}
