//! A table for the terminal: columns as wide as what is in them, without lines or colour.

use std::borrow::Cow;

use crate::cli::on_one_line;

/// Puts `rows` under `head`. A column whose every cell is a number is right-aligned.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| on_one_line(cell)).collect()).collect();
    let column = |place: usize| rows.iter().map(move |row| &*row[place]);
    let width = |place: usize| column(place).chain([head[place]]).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|place| width(place).unwrap_or(0)).collect();
    let number =
        |cell: &str| !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || "-.".contains(c));
    let numbers: Vec<bool> = (0..head.len()).map(|place| column(place).all(number)).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (place, cell) in cells.enumerate() {
            let width = widths[place];
            line += &if numbers[place] { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut head.iter().copied());
    for row in &rows {
        text += &line(&mut row.iter().map(|cell| &**cell));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [vec!["9".to_owned(), "Ann".to_owned()], vec!["10".to_owned(), String::new()]];
        assert_eq!(table(&["id", "name"], &rows), "id  name\n 9  Ann\n10\n");
    }

    #[test]
    fn no_cell_ends_a_line_or_tells_the_terminal_anything() {
        let rows = [vec!["9".to_owned(), "\u{1b}[31mAnn\n10  Ben\u{202e}".to_owned()]];
        assert_eq!(table(&["id", "name"], &rows), "id  name\n 9  \\u001b[31mAnn\\u000a10  Ben\\u202e\n");
    }
}
