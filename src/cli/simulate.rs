//! `warmline simulate`: days of centers in virtual time, by our own routing and by what others do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::Format;
use super::table::table;
use super::trouble::Trouble;
use crate::queue::api::Routing;
use crate::queue::api::Weights;
use crate::simulate;
use crate::simulate::Center;
use crate::simulate::Score;
use crate::simulate::bank;
use crate::simulate::busy;
use crate::simulate::center::Patience;
use crate::simulate::center::Plan;
use crate::simulate::centers;
use crate::simulate::engine::EngineRouter;
use crate::simulate::few_skills;
use crate::simulate::large;
use crate::simulate::reference::Policy;
use crate::simulate::reference::Reference;
use crate::simulate::stepped;
use crate::simulate::stepped::Form;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Real calls to live through as well: CSV with date,wd,type,prio,tod,q,served,svc
    calls: Option<PathBuf>,
    /// Which of the centers that are built in
    #[arg(long, value_enum, default_value_t)]
    centers: Centers,
    /// Days of each center
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    days: u64,
    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 900)]
    seed: u64,
    /// How ready to hang up those who wait are
    #[arg(long, default_value = "even", value_parser = patience())]
    patience: Patience,
    /// How far each agent's speed differs by type of call: the sigma of the logarithm. Default 0, in large centers 0.2
    #[arg(long, value_name = "SIGMA", value_parser = sigma)]
    differ: Option<f64>,
    /// A line for each center, not only their mean
    #[arg(long)]
    each: bool,
    /// Take agents first who have what a type of calls prefers, as `route --stdio` does
    #[arg(long)]
    prefer: bool,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Centers {
    // Those that the routing was tuned on.
    Tuned,
    // Those that were kept apart.
    #[default]
    Apart,
    // The same of centers with more work than first come, first served copes with.
    BusyTuned,
    Busy,
    // Three times as large, with as much work as those of the published figures.
    LargeTuned,
    Large,
    // Agents of two skills or so, and as much work.
    FewSkills,
    // Some with steps, beside the same without.
    Steps,
}

/// Of the core's, which knows no command line.
fn patience() -> impl TypedValueParser<Value = Patience> {
    let even = |word: String| if word == "even" { Patience::Even } else { Patience::Falling };
    PossibleValuesParser::new(["even", "falling"]).map(even)
}

impl Centers {
    /// What the mean of each set is called, and the set.
    fn plans(self) -> Vec<(&'static str, Vec<Plan>)> {
        match self {
            Centers::Tuned => vec![("all", centers::tuned())],
            Centers::Apart => vec![("all", centers::apart())],
            Centers::BusyTuned => vec![("all", busy::tuned())],
            Centers::Busy => vec![("all", busy::apart())],
            Centers::LargeTuned => vec![("all", large::tuned())],
            Centers::Large => vec![("all", large::apart())],
            Centers::FewSkills => vec![("all", few_skills::apart())],
            Centers::Steps => vec![
                ("the best alone", stepped::plans(Form::BestAlone)),
                ("the best, others by steps", stepped::plans(Form::Steps)),
                ("anybody at once", stepped::plans(Form::Anybody)),
            ],
        }
    }

    fn is_apart(self) -> bool {
        matches!(self, Centers::Apart | Centers::Busy | Centers::Large | Centers::FewSkills)
    }

    /// The offered work over the staff in the busiest hour of a real day.
    fn bank_load(self) -> f64 {
        match self {
            Centers::Tuned | Centers::Apart | Centers::Steps => 1.0,
            Centers::BusyTuned | Centers::Busy => busy::BANK_LOAD,
            Centers::LargeTuned => large::BANK_LOADS.1,
            Centers::Large => large::BANK_LOADS.0,
            Centers::FewSkills => few_skills::BANK_LOAD,
        }
    }

    /// How many real days are lived through as one.
    fn real_days_at_once(self) -> usize {
        if matches!(self, Centers::LargeTuned | Centers::Large) { large::TIMES } else { 1 }
    }

    /// How far each agent's speed differs by type of call where nobody says.
    fn differ(self) -> f64 {
        if matches!(self, Centers::LargeTuned | Centers::Large) { large::DIFFER } else { 0.0 }
    }
}

/// How a day is routed.
#[derive(Clone, Copy)]
enum Way {
    Reference(Policy),
    Engine(Routing),
    /// The same, with agents first who have what is preferred.
    Preferring(Routing),
    /// Everybody has every skill: what no routing can reach.
    Bound,
}

const HEAD: [&str; 14] = [
    "center",
    "routing",
    "calls",
    "SL %",
    "worst %",
    "short",
    "mean wait s",
    "p99 wait s",
    "hung up %",
    "uneven",
    "as preferred %",
    "said - waited s",
    "off by s",
    "in bound %",
];

pub(super) fn run(args: SimulateArgs) -> Result<(), Trouble> {
    let sets = sets(&args)?;
    let ours = if args.prefer { Way::Preferring } else { Way::Engine };
    let ways = [
        ("first come, longest idle", Way::Reference(Policy::FirstCome)),
        ("app_queue: penalties, polled", Way::Reference(Policy::Penalties)),
        ("mod_callcenter: tiers, polled", Way::Reference(Policy::Tiers)),
        ("priority, best level", Way::Reference(Policy::BestLevel)),
        ("bullseye, 10 and 20 s", Way::Reference(Policy::Bullseye)),
        ("weights of wait and idle", Way::Reference(Policy::Weights)),
        ("generalized c-mu, quadratic", Way::Reference(Policy::GeneralizedCmu)),
        ("least slack first", Way::Reference(Policy::Slack)),
        ("Warmline, longest waiting", ours(Routing::LongestWaiting)),
        ("Warmline, short tail", ours(Routing::ServiceLevel(Weights::short_tail()))),
        ("Warmline, service level", ours(Routing::default())),
        ("Warmline, most in target", ours(Routing::ServiceLevel(Weights::most_in_target()))),
        ("if everybody had every skill", Way::Bound),
    ];
    let lines = lines(&sets, &ways, args.each);
    match args.format {
        Format::Text => {
            let rows: Vec<_> = lines.iter().map(Line::row).collect();
            say!("{}", table(&HEAD, &rows).trim_end());
        }
        Format::Json => say!("{:#}", report(&lines)),
    }
    Ok(())
}

/// What the days of one center came to by one way of routing, or those of all centers of a set.
struct Line<'a> {
    set: &'static str,
    /// None: the mean of the set.
    center: Option<&'a str>,
    routing: &'static str,
    figures: Figures,
}

fn lines<'a>(sets: &'a Sets, ways: &[(&'static str, Way)], each: bool) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (set, centers) in sets {
        for &(routing, way) in ways {
            let of_centers: Vec<Figures> = centers.iter().map(|days| Figures::of(days, way)).collect();
            let line = |center, figures| Line { set, center, routing, figures };
            if each {
                let each = centers.iter().zip(&of_centers);
                lines.extend(each.map(|(days, figures)| line(Some(&*days[0].name), *figures)));
            }
            lines.push(line(None, Figures::mean(&of_centers)));
        }
    }
    lines
}

/// What programs read.
fn report(lines: &[Line]) -> Value {
    let views: Vec<LineView> = lines.iter().map(LineView::from).collect();
    json!({ "lines": views })
}

/// A line for programs: shares in per cent, nothing rounded.
#[derive(Debug, Serialize)]
struct LineView<'a> {
    set: &'a str,
    /// Null: the mean of the set.
    center: Option<&'a str>,
    routing: &'a str,
    calls: u64,
    /// Answered in target, of all who called.
    service_level_of_all: f64,
    /// The same of the type of calls that is worst off.
    worst: f64,
    /// How many points the types are below their targets, weighed by calls.
    short: f64,
    average_wait_s: f64,
    p99_wait_s: f64,
    /// Of all who called, however short they waited.
    hung_up: f64,
    /// The standard deviation of occupancy among agents with the same skills, in points.
    uneven: f64,
    /// Answered by who had what is preferred.
    as_preferred: f64,
    /// What was said of waits beyond what they were, the mean and the mean size; null where a routing says nothing of waits.
    quote_bias_s: Option<f64>,
    quote_error_s: Option<f64>,
    /// Waits that stayed within the bound that was said.
    in_bound: Option<f64>,
}

impl<'a> From<&'a Line<'a>> for LineView<'a> {
    fn from(line: &'a Line<'a>) -> LineView<'a> {
        let Line { set, center, routing, figures } = *line;
        let [
            service_level_of_all,
            worst,
            short,
            average_wait_s,
            p99_wait_s,
            hung_up,
            uneven,
            as_preferred,
            of_waits @ ..,
        ] = figures.figures;
        let [quote_bias_s, quote_error_s, in_bound] =
            of_waits.map(|figure| figures.says_waits().then_some(figure));
        LineView {
            set,
            center,
            routing,
            calls: figures.calls,
            service_level_of_all,
            worst,
            short,
            average_wait_s,
            p99_wait_s,
            hung_up,
            uneven,
            as_preferred,
            quote_bias_s,
            quote_error_s,
            in_bound,
        }
    }
}

/// The days of each center, by what the mean of these is called.
type Sets = Vec<(&'static str, Vec<Vec<Center>>)>;

fn sets(args: &SimulateArgs) -> Result<Sets, Trouble> {
    let day = |plan: &Plan| {
        let plan = Plan { patience: args.patience, ..plan.clone() };
        (0..args.days).map(|day| plan.day(args.seed + day)).collect()
    };
    let set = |(set, plans): (_, Vec<Plan>)| (set, plans.iter().map(day).collect());
    let mut sets: Sets = args.centers.plans().into_iter().map(set).collect();
    if let Some(path) = &args.calls {
        let days = real_days(path, args)?;
        sets.iter_mut().for_each(|(_, centers)| centers.push(days.clone()));
    }
    let sigma = args.differ.unwrap_or(args.centers.differ());
    let differ = |day: Center| day.with_agents_who_differ(sigma, args.seed);
    let few = args.centers == Centers::FewSkills;
    let with_skills = |day: Center| if few { day.with_few_skills(few_skills::KEPT) } else { day };
    let all = |centers: Vec<Vec<Center>>| {
        centers.into_iter().map(|days| days.into_iter().map(with_skills).map(differ).collect()).collect()
    };
    Ok(sets.into_iter().map(|(set, centers)| (set, all(centers))).collect())
}

fn sigma(text: &str) -> Result<f64, String> {
    let sigma = text.parse().ok().filter(|sigma| (0.0..=1.0).contains(sigma));
    sigma.ok_or_else(|| {
        "a number from 0 to 1: by 0.3 one agent in six takes a quarter longer with a type, and one a quarter less".to_owned()
    })
}

/// The busiest days of the file: those at odd places for one set of centers, at even ones for the other.
fn real_days(path: &Path, args: &SimulateArgs) -> Result<Vec<Center>, Trouble> {
    let text = fs::read_to_string(path)
        .map_err(|error| Trouble::new(format!("{} cannot be read: {error}", path.display())))?;
    let rows = bank::rows(&text).map_err(|line| {
        Trouble::new(format!("{}:{line}: not a call", path.display()))
            .hint("the columns are date,wd,type,prio,tod,q,served,svc; unpack a .gz first")
    })?;
    let mut calls: BTreeMap<u32, usize> = BTreeMap::new();
    rows.iter().for_each(|row| *calls.entry(row.date).or_default() += 1);
    let mut dates: Vec<(usize, u32)> = calls.into_iter().map(|(date, calls)| (calls, date)).collect();
    dates.sort_by(|a, b| b.cmp(a));
    let first = usize::from(args.centers.is_apart());
    let dates: Vec<u32> = dates.into_iter().skip(first).step_by(2).map(|(_, date)| date).collect();
    let at_once = args.centers.real_days_at_once();
    let count = (dates.len() / at_once).min(args.days as usize);
    let days: Vec<Center> = (0..count)
        .filter_map(|day| {
            let dates: Vec<u32> = dates[day..].iter().step_by(count).take(at_once).copied().collect();
            bank::day(&rows, &dates, args.centers.bank_load(), args.seed)
        })
        .collect();
    if days.is_empty() {
        return Err(Trouble::new(format!("{} has calls of too few days", path.display())).hint(format!(
            "every other day of the file belongs to these centers, and {at_once} of them make one of theirs"
        )));
    }
    Ok(days)
}

/// The mean figures of some days.
#[derive(Clone, Copy, Default)]
struct Figures {
    calls: u64,
    figures: [f64; 11],
}

impl Figures {
    fn of(days: &[Center], way: Way) -> Figures {
        let scores: Vec<Figures> = days.iter().map(|day| Figures::from(&score(day, way))).collect();
        let calls = scores.iter().map(|score| score.calls).sum();
        Figures { calls, ..Figures::mean(&scores) }
    }

    fn mean(all: &[Figures]) -> Figures {
        let mut mean = Figures::default();
        for one in all {
            mean.calls += one.calls;
            let parts = mean.figures.iter_mut().zip(one.figures);
            parts.for_each(|(sum, figure)| *sum += figure / all.len() as f64);
        }
        mean
    }

    /// Those who are not of this house say nothing of waits.
    fn says_waits(&self) -> bool {
        self.figures[10] > 0.0
    }
}

impl Line<'_> {
    fn row(&self) -> Vec<String> {
        let Line { set, center, routing, figures } = self;
        let said = if figures.says_waits() { 11 } else { 8 };
        let cells = figures.figures[..said].iter().map(|figure| format!("{figure:.1}"));
        let cells = cells.chain(std::iter::repeat_n(String::new(), 11 - said));
        let names = [center.unwrap_or(set).to_owned(), routing.to_string(), figures.calls.to_string()];
        names.into_iter().chain(cells).collect()
    }
}

impl From<&Score> for Figures {
    fn from(score: &Score) -> Figures {
        let (bias, size) = score.bias();
        let figures = [
            score.service_level(),
            score.worst(),
            score.short(),
            score.mean_wait(),
            score.wait_of(0.99),
            score.abandoned(),
            score.spread,
            score.as_wanted(),
            bias,
            size,
            score.coverage(),
        ];
        Figures { calls: u64::from(score.offered()), figures }
    }
}

fn score(day: &Center, way: Way) -> Score {
    match way {
        Way::Reference(policy) => simulate::run(day, &mut Reference::new(policy, &day.setup)),
        Way::Engine(routing) => simulate::run(day, &mut EngineRouter::new(&day.setup, routing)),
        Way::Preferring(routing) => simulate::run(day, &mut EngineRouter::preferring(&day.setup, routing)),
        Way::Bound => {
            let day = day.with_every_skill();
            simulate::run(&day, &mut EngineRouter::new(&day.setup, Routing::default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_the_figures_of_the_table_unrounded() {
        let plans = few_skills::apart();
        let sets: Sets = vec![("all", vec![vec![plans[0].day(900)]])];
        let ways = [("theirs", Way::Reference(Policy::FirstCome)), ("ours", Way::Engine(Routing::default()))];
        let lines = lines(&sets, &ways, true);
        let told: Value = serde_json::from_str(&format!("{:#}", report(&lines))).unwrap();
        let told = told["lines"].as_array().unwrap();
        let names = |line: &Value| (line["center"].is_null(), line["routing"].as_str().unwrap().to_owned());
        let expected = [(false, "theirs"), (true, "theirs"), (false, "ours"), (true, "ours")];
        assert_eq!(
            told.iter().map(names).collect::<Vec<_>>(),
            expected.map(|(mean, by)| (mean, by.to_owned()))
        );
        for (line, told) in lines.iter().zip(told) {
            let row = line.row();
            assert_eq!((&told["set"], &told["calls"].to_string()), (&json!("all"), &row[2]));
            let figures = [
                "service_level_of_all",
                "worst",
                "short",
                "average_wait_s",
                "p99_wait_s",
                "hung_up",
                "uneven",
                "as_preferred",
                "quote_bias_s",
                "quote_error_s",
                "in_bound",
            ];
            for (place, figure) in figures.into_iter().enumerate() {
                let shown = told[figure].as_f64().map_or(String::new(), |figure| format!("{figure:.1}"));
                assert_eq!(shown, row[place + 3], "{figure} of {}", line.routing);
            }
            assert_eq!(told["service_level_of_all"].as_f64(), Some(line.figures.figures[0]), "not rounded");
            assert_eq!(told["in_bound"].is_null(), line.routing == "theirs");
        }
    }
}
