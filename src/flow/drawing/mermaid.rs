//! Mermaid's flowchart language.

use std::fmt::Write;

use super::Picture;
use super::short;

pub(super) fn draw(picture: &Picture) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart TD\n", picture.name);
    for (place, node) in picture.nodes.iter().enumerate() {
        let about = if node.about.is_empty() { String::new() } else { format!(" {}", node.about) };
        let words = format!("<b>{}</b><br/>{}{}", escape(&node.name), node.kind, escape(&short(&about)));
        let (open, close) = match node.kind {
            "branch" | "hours" => ("{{", "}}"),
            "call" | "go_to" | "return" => ("[[", "]]"),
            "fetch" => ("[(", ")]"),
            "enqueue" | "callback" | "transfer" | "voicemail" => ("([", "])"),
            "hang_up" | "echo" | "ring" => ("((", "))"),
            _ => ("[", "]"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    n{place}{open}\"{words}\"{close}");
    }
    for line in &picture.lines {
        let arrow = if line.by_caller { "-.->" } else { "-->" };
        let labels: Vec<String> = line.labels.iter().map(|label| escape(&short(label))).collect();
        let label = if labels.is_empty() { String::new() } else { format!("|\"{}\"|", labels.join("<br/>")) };
        let _ = writeln!(text, "    n{} {arrow}{label} n{}", line.from, line.to);
    }
    let _ = writeln!(text, "    style n{} stroke-width:3px", picture.start);
    text
}

/// Mermaid's own way of writing what has a meaning in it.
fn escape(text: &str) -> String {
    text.replace('&', "#amp;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}
