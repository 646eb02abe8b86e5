//! Where the nodes of a drawing stand: in layers from the start downwards, with few crossings.
//!
//! The method is Sugiyama's: ways that lead back are turned round, a way over several layers gets a bend in each,
//! layers are ordered by the mean place of their neighbours, and places across are fitted by least squares.

use std::collections::BTreeMap;

/// Rounds of ordering, and of fitting.
const ROUNDS: usize = 12;
/// How wide the bend of a long line is.
const BEND: f64 = 18.0;

/// What is to be laid out: widths of nodes, and lines between them.
pub(super) struct Graph<'a> {
    pub start: usize,
    pub widths: &'a [f64],
    /// From, to. No line leads from a node to itself.
    pub lines: &'a [(usize, usize)],
    /// Space between neighbours of a layer.
    pub gap: f64,
}

/// Where everything stands. Across is the middle of a node, from 0 at the left edge of the drawing.
pub(super) struct Layout {
    pub across: Vec<f64>,
    pub layer: Vec<usize>,
    /// The bends of each line, downwards, as layer and across; and whether it leads upwards.
    pub bends: Vec<(Vec<(usize, f64)>, bool)>,
    pub width: f64,
    pub layers: usize,
}

pub(super) fn layout(graph: &Graph<'_>) -> Layout {
    let nodes = graph.widths.len();
    let backward = backward(graph);
    let downward: Vec<(usize, usize)> = graph
        .lines
        .iter()
        .zip(&backward)
        .map(|(&(from, to), back)| if *back { (to, from) } else { (from, to) })
        .collect();
    let mut layer = layers(nodes, &downward);
    let mut widths = graph.widths.to_vec();
    // One link from layer to layer each, through the bends of long lines.
    let mut links: Vec<(usize, usize)> = Vec::new();
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for &(from, to) in &downward {
        let mut chain = Vec::new();
        let mut last = from;
        for at in layer[from] + 1..layer[to] {
            layer.push(at);
            widths.push(BEND);
            let bend = layer.len() - 1;
            links.push((last, bend));
            chain.push(bend);
            last = bend;
        }
        links.push((last, to));
        chains.push(chain);
    }
    let depth = layer.iter().max().map_or(0, |deepest| deepest + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (node, at) in layer.iter().enumerate() {
        rows[*at].push(node);
    }
    let (above, below) = neighbours(layer.len(), &links);
    order(&mut rows, &above, &below);
    let across = fit(&rows, &above, &below, &widths, graph.gap);
    let left = (0..across.len()).map(|node| across[node] - widths[node] / 2.0).fold(f64::MAX, f64::min);
    let right = (0..across.len()).map(|node| across[node] + widths[node] / 2.0).fold(0.0, f64::max);
    let place = |node: usize| across[node] - left;
    let bends = chains
        .iter()
        .zip(backward)
        .map(|(chain, back)| (chain.iter().map(|bend| (layer[*bend], place(*bend))).collect(), back));
    Layout {
        bends: bends.collect(),
        across: (0..nodes).map(place).collect(),
        layer: layer[..nodes].to_vec(),
        width: (right - left).max(0.0),
        layers: depth,
    }
}

/// Which lines lead back to a node on the way to them.
fn backward(graph: &Graph<'_>) -> Vec<bool> {
    let nodes = graph.widths.len();
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (line, (from, _)) in graph.lines.iter().enumerate() {
        out[*from].push(line);
    }
    let mut backward = vec![false; graph.lines.len()];
    let (mut on_path, mut done) = (vec![false; nodes], vec![false; nodes]);
    for first in std::iter::once(graph.start).chain(0..nodes) {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if !done[first] && !on_path[first] {
            on_path[first] = true;
            path.push((first, 0));
        }
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(&line) = out[at].get(*next) else {
                on_path[at] = false;
                done[at] = true;
                path.pop();
                continue;
            };
            *next += 1;
            let to = graph.lines[line].1;
            if on_path[to] {
                backward[line] = true;
            } else if !done[to] {
                on_path[to] = true;
                path.push((to, 0));
            }
        }
    }
    backward
}

/// The longest way to each node, in steps. The lines have no circle.
fn layers(nodes: usize, lines: &[(usize, usize)]) -> Vec<usize> {
    let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut missing = vec![0usize; nodes];
    for &(from, to) in lines {
        out.entry(from).or_default().push(to);
        missing[to] += 1;
    }
    let mut layer = vec![0; nodes];
    let mut open: Vec<usize> = (0..nodes).filter(|node| missing[*node] == 0).collect();
    while let Some(at) = open.pop() {
        for &to in out.get(&at).into_iter().flatten() {
            layer[to] = layer[to].max(layer[at] + 1);
            missing[to] -= 1;
            if missing[to] == 0 {
                open.push(to);
            }
        }
    }
    layer
}

type Neighbours = Vec<Vec<usize>>;

fn neighbours(count: usize, links: &[(usize, usize)]) -> (Neighbours, Neighbours) {
    let (mut above, mut below) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for &(from, to) in links {
        below[from].push(to);
        above[to].push(from);
    }
    (above, below)
}

/// Orders each row by the mean place of the neighbours in the row before, downwards and upwards in turn.
fn order(rows: &mut [Vec<usize>], above: &Neighbours, below: &Neighbours) {
    let count = above.len();
    let mut place = vec![0usize; count];
    let note = |row: &[usize], place: &mut Vec<usize>| {
        row.iter().enumerate().for_each(|(at, node)| place[*node] = at);
    };
    rows.iter().for_each(|row| note(row, &mut place));
    for round in 0..ROUNDS {
        let downwards = round % 2 == 0;
        let near = if downwards { above } else { below };
        let across = |node: usize, place: &[usize]| match near[node].len() {
            0 => place[node] as f64,
            many => near[node].iter().map(|other| place[*other] as f64).sum::<f64>() / many as f64,
        };
        let all: Vec<usize> =
            if downwards { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for at in all {
            rows[at].sort_by(|a, b| across(*a, &place).total_cmp(&across(*b, &place)));
            note(&rows[at], &mut place);
        }
    }
}

/// Places across: each near the mean of its neighbours, in order, without touching.
fn fit(rows: &[Vec<usize>], above: &Neighbours, below: &Neighbours, widths: &[f64], gap: f64) -> Vec<f64> {
    let mut across = vec![0.0; widths.len()];
    for row in rows {
        let mut at = 0.0;
        for node in row {
            across[*node] = at + widths[*node] / 2.0;
            at += widths[*node] + gap;
        }
    }
    for round in 0..ROUNDS * 2 {
        let last = round + 2 >= ROUNDS * 2;
        for row in rows {
            let wanted = |node: usize| {
                let near: Vec<usize> = match (round % 2, last) {
                    (_, true) => above[node].iter().chain(&below[node]).copied().collect(),
                    (0, _) => above[node].clone(),
                    _ => below[node].clone(),
                };
                match near.len() {
                    0 => across[node],
                    many => near.iter().map(|other| across[*other]).sum::<f64>() / many as f64,
                }
            };
            let wanted: Vec<f64> = row.iter().map(|node| wanted(*node)).collect();
            for (node, at) in row.iter().zip(apart(row, &wanted, widths, gap)) {
                across[*node] = at;
            }
        }
    }
    across
}

/// The places nearest to those `wanted`, in order and apart: isotonic regression by pooling what clashes.
fn apart(row: &[usize], wanted: &[f64], widths: &[f64], gap: f64) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(row.len());
    for (at, node) in row.iter().enumerate() {
        if at > 0 {
            offset += (widths[row[at - 1]] + widths[*node]) / 2.0 + gap;
        }
        offsets.push(offset);
    }
    // Each pool: the sum of what its members want, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (wanted - offset, 1);
        while let Some(&(sum, many)) = pools.last() {
            if sum / (many as f64) <= pool.0 / pool.1 as f64 {
                break;
            }
            pool = (pool.0 + sum, pool.1 + many);
            pools.pop();
        }
        pools.push(pool);
    }
    let means = pools.iter().flat_map(|(sum, many)| std::iter::repeat_n(sum / *many as f64, *many));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_layer_do_not_touch_and_lines_lead_down() {
        let lines = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 0), (0, 4)];
        let widths = [80.0, 60.0, 120.0, 60.0, 90.0];
        let graph = Graph { start: 0, widths: &widths, lines: &lines, gap: 20.0 };
        let layout = layout(&graph);
        assert_eq!(layout.layer, [0, 1, 1, 1, 2]);
        for (a, b) in [(1, 2), (2, 3), (1, 3)] {
            let apart = (layout.across[a] - layout.across[b]).abs();
            assert!(apart >= (widths[a] + widths[b]) / 2.0 + 19.9, "{a} and {b}: {apart}");
        }
        let back: Vec<bool> = layout.bends.iter().map(|(_, back)| *back).collect();
        assert_eq!(back, [false, false, false, false, false, false, true, false]);
        assert_eq!(layout.bends[7].0.len(), 1);
        assert!((0..5).all(|node| layout.across[node] >= widths[node] / 2.0 - 0.1));
    }

    #[test]
    fn a_node_stands_between_those_that_lead_to_it() {
        let lines = [(0, 1), (0, 2), (1, 3), (2, 3)];
        let widths = [50.0; 4];
        let layout = layout(&Graph { start: 0, widths: &widths, lines: &lines, gap: 20.0 });
        let middle = (layout.across[1] + layout.across[2]) / 2.0;
        assert!((layout.across[0] - middle).abs() < 1.0 && (layout.across[3] - middle).abs() < 1.0);
    }
}
