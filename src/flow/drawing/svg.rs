//! SVG: boxes in layers, curved lines between them. Light and dark, as the reader's screen is.

use std::fmt::Write;

use super::Picture;
use super::layout::Graph;
use super::layout::Layout;
use super::layout::layout;
use super::short;
use crate::flow::outline::NodeOutline;

const MARGIN: f64 = 24.0;
const TITLE: f64 = 34.0;
const HEIGHT: f64 = 46.0;
/// From the foot of one layer to the head of the next: room for the names of ways.
const BETWEEN: f64 = 76.0;
const GAP: f64 = 30.0;
/// The space a line of small text takes.
const LINE: f64 = 13.0;

const STYLE: &str = "\
svg{background:#fff;font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif}\
.t{font-size:16px;font-weight:600;fill:#1f2933}.b{fill:#f7f9fb;stroke:#b8c4ce;stroke-width:1.2}\
.n{font-size:13px;font-weight:600;fill:#1f2933}.k{font-size:11px;fill:#5b6b79}\
.l{font-size:11px;fill:#334e68;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
.w{fill:none;stroke:#8294a5;stroke-width:1.4}.c{stroke-dasharray:5 4}.a{fill:#8294a5}\
.s{stroke:#1f2933;stroke-width:2.2}\
@media (prefers-color-scheme:dark){svg{background:#14181d}.t,.n{fill:#e6edf3}.b{fill:#1e252d;stroke:#46535f}\
.k{fill:#9fb0bf}.l{fill:#c3d1de;stroke:#14181d}.w{stroke:#6c7f90}.a{fill:#6c7f90}.s{stroke:#e6edf3}}";

pub(super) fn draw(picture: &Picture) -> String {
    let widths: Vec<f64> = picture.nodes.iter().map(width).collect();
    let lines: Vec<(usize, usize)> =
        picture.lines.iter().filter(|line| line.from != line.to).map(|line| (line.from, line.to)).collect();
    let layout = layout(&Graph { start: picture.start, widths: &widths, lines: &lines, gap: GAP });
    let canvas = Canvas { picture, widths, layout };
    let title = picture.name.chars().count() as f64 * 9.5;
    let across = canvas.layout.width.max(title) + 2.0 * MARGIN + 40.0;
    let down = canvas.head(canvas.layout.layers.saturating_sub(1)) + HEIGHT + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across:.0}\" height=\"{down:.0}\" \
         viewBox=\"0 0 {across:.0} {down:.0}\" role=\"img\">\n<title>{name}</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto-start-reverse\"><path class=\"a\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <text class=\"t\" x=\"{MARGIN}\" y=\"30\">{name}</text>\n",
        name = escape(&picture.name)
    );
    canvas.lines(&mut text);
    canvas.nodes(&mut text);
    canvas.labels(&mut text);
    text.push_str("</svg>\n");
    text
}

struct Canvas<'a> {
    picture: &'a Picture,
    widths: Vec<f64>,
    layout: Layout,
}

impl Canvas<'_> {
    /// Where a layer's boxes begin.
    fn head(&self, layer: usize) -> f64 {
        TITLE + MARGIN / 2.0 + layer as f64 * (HEIGHT + BETWEEN)
    }

    fn middle(&self, node: usize) -> f64 {
        MARGIN + self.layout.across[node]
    }

    fn nodes(&self, text: &mut String) {
        for (place, node) in self.picture.nodes.iter().enumerate() {
            let (width, middle) = (self.widths[place], self.middle(place));
            let (left, head) = (middle - width / 2.0, self.head(self.layout.layer[place]));
            let start = if place == self.picture.start { " s" } else { "" };
            let round = if node.exits.is_empty() { HEIGHT / 2.0 } else { 8.0 };
            let about = if node.about.is_empty() { String::new() } else { format!(" · {}", node.about) };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "<g><title>{name}: {kind}{about}</title>\
                 <rect class=\"b{start}\" x=\"{left:.1}\" y=\"{head:.1}\" width=\"{width:.1}\" \
                 height=\"{HEIGHT}\" rx=\"{round}\"/>\
                 <circle cx=\"{dot:.1}\" cy=\"{dot_y:.1}\" r=\"4\" fill=\"{colour}\"/>\
                 <text class=\"n\" x=\"{middle:.1}\" y=\"{first:.1}\" text-anchor=\"middle\">{name}</text>\
                 <text class=\"k\" x=\"{middle:.1}\" y=\"{second:.1}\" text-anchor=\"middle\">{words}</text></g>",
                name = escape(&node.name),
                kind = node.kind,
                words = escape(&short(&format!("{}{about}", node.kind))),
                about = escape(&about),
                dot = left + if node.exits.is_empty() { 18.0 } else { 12.0 },
                dot_y = head + 16.0,
                colour = colour(node.kind),
                first = head + 20.0,
                second = head + 36.0,
            );
        }
    }

    fn lines(&self, text: &mut String) {
        let mut bends = self.layout.bends.iter();
        for (place, line) in self.picture.lines.iter().enumerate() {
            let class = if line.by_caller { "w c" } else { "w" };
            let path = if line.from == line.to {
                let (right, head) = (
                    self.middle(line.from) + self.widths[line.from] / 2.0,
                    self.head(self.layout.layer[line.from]),
                );
                format!("M{right:.1} {:.1}c34 -8 34 38 2 30", head + 9.0,)
            } else {
                let Some((bends, back)) = bends.next() else { continue };
                self.path(place, bends, *back)
            };
            let title = escape(&line.labels.join(", "));
            let _ = writeln!(
                text,
                "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#a)\"><title>{title}</title></path>"
            );
        }
    }

    /// From the foot of the one to the head of the other, through the bends.
    fn path(&self, place: usize, bends: &[(usize, f64)], back: bool) -> String {
        let line = &self.picture.lines[place];
        let (upper, lower) = if back { (line.to, line.from) } else { (line.from, line.to) };
        let foot = (self.port(place, upper, true), self.head(self.layout.layer[upper]) + HEIGHT);
        let end = (self.port(place, lower, false), self.head(self.layout.layer[lower]));
        let mut points = vec![foot];
        for (layer, across) in bends {
            let head = self.head(*layer);
            points.push((MARGIN + across, head - 6.0));
            points.push((MARGIN + across, head + HEIGHT + 6.0));
        }
        points.push(end);
        if back {
            points.reverse();
        }
        let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let bow = (y1 - y0) * 0.5;
            let _ = write!(path, "C{x0:.1} {:.1} {x1:.1} {:.1} {x1:.1} {y1:.1}", y0 + bow, y1 - bow);
        }
        path
    }

    /// Where along a node's edge a line begins or ends: side by side, in the order of where they come from.
    fn port(&self, place: usize, node: usize, foot: bool) -> f64 {
        let mut ports: Vec<(f64, usize)> = Vec::new();
        let mut bends = self.layout.bends.iter();
        for (other, line) in self.picture.lines.iter().enumerate() {
            if line.from == line.to {
                continue;
            }
            let Some((bends, back)) = bends.next() else { continue };
            let (upper, lower) = if *back { (line.to, line.from) } else { (line.from, line.to) };
            let far = match foot {
                true if upper == node => bends.first().map_or(self.layout.across[lower], |bend| bend.1),
                false if lower == node => bends.last().map_or(self.layout.across[upper], |bend| bend.1),
                _ => continue,
            };
            ports.push((far, other));
        }
        ports.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let at = ports.iter().position(|(_, other)| *other == place).unwrap_or(0) as f64;
        let room = (self.widths[node] - 36.0).max(0.0);
        let step = (room / ports.len().max(1) as f64).min(34.0);
        self.middle(node) + (at - (ports.len().saturating_sub(1)) as f64 / 2.0) * step
    }

    /// The names of ways, each near where its line begins; neighbours of one node stand at different heights.
    fn labels(&self, text: &mut String) {
        let mut bends = self.layout.bends.iter();
        let mut order: Vec<(usize, f64, f64, &Vec<String>, bool)> = Vec::new();
        for (place, line) in self.picture.lines.iter().enumerate() {
            if line.from == line.to {
                let across = self.middle(line.from) + self.widths[line.from] / 2.0 + 30.0;
                let down = self.head(self.layout.layer[line.from]) + 28.0;
                self.label(text, across, down, &line.labels, "start");
                continue;
            }
            let Some((bends, back)) = bends.next() else { continue };
            let (upper, lower) = if *back { (line.to, line.from) } else { (line.from, line.to) };
            let from = self.port(place, upper, true);
            let to = bends.first().map_or(self.port(place, lower, false), |bend| MARGIN + bend.1);
            order.push((upper, from, to, &line.labels, *back));
        }
        order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut before = usize::MAX;
        let mut count = 0;
        for (upper, from, to, labels, back) in order {
            count = if upper == before { count + 1 } else { 0 };
            before = upper;
            // The third or the half of the way down, in turn, and as far across as the curve is there.
            let share: f64 = if back { 0.75 } else { [0.34, 0.62][count % 2] };
            let curve = share * share * (3.0 - 2.0 * share);
            let across = from + (to - from) * curve;
            let lines = labels.len().saturating_sub(1) as f64 * LINE / 2.0;
            let down = self.head(self.layout.layer[upper]) + HEIGHT + BETWEEN * share + 4.0 - lines;
            self.label(text, across, down, labels, "middle");
        }
    }

    fn label(&self, text: &mut String, across: f64, down: f64, labels: &[String], anchor: &str) {
        for (row, label) in labels.iter().enumerate() {
            let _ = writeln!(
                text,
                "<text class=\"l\" x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                down + row as f64 * LINE,
                escape(&short(label))
            );
        }
    }
}

/// How wide a box is: as its longer line of text.
fn width(node: &NodeOutline) -> f64 {
    let about = if node.about.is_empty() { 0 } else { node.about.chars().count() + 3 };
    let words = (node.kind.chars().count() + about).min(super::LONGEST_LABEL) as f64 * 6.3;
    let name = node.name.chars().count() as f64 * 7.6;
    words.max(name).max(56.0) + 50.0
}

fn colour(kind: &str) -> &'static str {
    match kind {
        "menu" | "collect" | "survey" => "#2f6feb",
        "verify" => "#8957e5",
        "branch" | "hours" => "#d29922",
        "enqueue" | "callback" | "transfer" | "voicemail" => "#2da44e",
        "hang_up" | "ring" | "echo" => "#cf222e",
        "call" | "return" | "go_to" => "#0e7490",
        _ => "#8294a5",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
