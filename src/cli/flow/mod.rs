//! `warmline flow`: flow files, offline but for what a running server serves.

mod announce;
mod check;
mod diff;
mod explore;
mod graph;
mod publish;
mod run;
mod schema;
mod test;

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use jiff::tz::TimeZone;

use crate::base::Name;
use crate::base::WallTime;
use crate::cli::trouble::Trouble;
use crate::flow;
use crate::flow::Center;
use crate::flow::Diagnostic;
use crate::flow::Prompts;
use crate::flow::hours;
use crate::flow::rehearsal::World;
use crate::flow::rehearsal::test as rehearsed;
use crate::server::load;
use crate::server::load::FlowPlace;
use crate::server::load::LoadError;
use crate::server::oddities;

#[derive(Debug, Subcommand)]
pub(super) enum FlowCommand {
    /// Check the flow files and say everything that is wrong with them
    Check(check::CheckArgs),
    /// Run the tests of the flow files, and say what they cover
    Test(test::TestArgs),
    /// Be the caller, in the terminal
    Run(run::RunArgs),
    /// Draw a flow
    Graph(graph::GraphArgs),
    /// Send thousands of callers through a flow by chance, and tell the worst
    Explore(explore::ExploreArgs),
    /// Tell what differs between two folders of flow files
    Diff(diff::DiffArgs),
    /// Have the running server read its flow files now, and serve them to all or to some if they are in order
    Publish(publish::PublishArgs),
    /// Have the running server serve to all what it tries on some
    Promote(publish::ChangeArgs),
    /// Have the running server go back: from what it tries on some, or to a version
    Rollback(publish::RollbackArgs),
    /// Have the running server tell every caller something for a while; or list what it can tell
    Announce(announce::AnnounceArgs),
    /// Tell what the running server serves, and what was before
    Versions(publish::VersionsArgs),
    /// Print the JSON Schema of the files, for editors
    Schema(schema::SchemaArgs),
}

/// Where the files are.
#[derive(Debug, Args)]
pub(in crate::cli) struct Files {
    #[command(flatten)]
    pub(in crate::cli) flows: FlowsArg,
    /// The prompts
    #[arg(long, value_name = "DIR", default_value = "./prompts")]
    prompts: PathBuf,
}

/// Where the flow files are.
#[derive(Debug, Args)]
pub(in crate::cli) struct FlowsArg {
    /// The flow files
    #[arg(long = "flows", value_name = "DIR", default_value = "./ivr_flows")]
    folder: PathBuf,
    /// The center's file [default: center.yaml among the flows]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl FlowsArg {
    fn files(&self) -> Result<Vec<(String, String)>, LoadError> {
        FlowPlace { folder: self.folder.clone(), center: self.config.clone() }.files()
    }

    /// By whose clock times are told: the center's, whatever else is wrong with its files. This machine's where it names no
    /// time zone, or there are no files, which is said.
    pub(in crate::cli) fn zone(&self) -> TimeZone {
        let files = self.files();
        if let Err(error) = &files {
            eprintln!("times are by this machine's clock, for {error}");
        }
        files.ok().as_deref().and_then(flow::named_zone).unwrap_or_else(TimeZone::system)
    }
}

/// When callers call.
#[derive(Debug, Args)]
pub(in crate::cli) struct Moment {
    /// When it is: "2026-12-24 14:30", by a clock in the center's time zone
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

impl Moment {
    /// None when nothing was said.
    fn wall(&self, center: &Center) -> Result<Option<WallTime>, Trouble> {
        let Some(text) = &self.at else { return Ok(None) };
        let hint = "write it as: --at \"2026-12-24 14:30\"";
        let wrong = || Trouble::new(format!("\"{text}\" is not a day and a time")).hint(hint);
        hours::moment_of(text, &center.time_zone).ok_or_else(wrong).map(Some)
    }
}

/// The calendar's time.
pub(in crate::cli) fn wall_now() -> WallTime {
    WallTime(jiff::Timestamp::now().as_microsecond())
}

/// `warmline flow …`
pub(super) fn run(command: FlowCommand) -> Result<(), Trouble> {
    match command {
        FlowCommand::Check(args) => check::run(&args),
        FlowCommand::Test(args) => test::run(&args),
        FlowCommand::Run(args) => run::run(&args),
        FlowCommand::Graph(args) => graph::run(&args),
        FlowCommand::Explore(args) => explore::run(&args),
        FlowCommand::Diff(args) => diff::run(&args),
        FlowCommand::Publish(args) => publish::publish(&args),
        FlowCommand::Promote(args) => publish::promote(&args),
        FlowCommand::Rollback(args) => publish::roll_back(&args),
        FlowCommand::Announce(args) => announce::run(&args),
        FlowCommand::Versions(args) => publish::versions(&args),
        FlowCommand::Schema(args) => schema::run(&args),
    }
}

/// The recordings, and what came of reading and checking the flows.
struct Read {
    prompts: Prompts,
    /// What is wrong with recordings.
    unusable: Vec<String>,
    center: Result<(Center, Vec<Diagnostic>), Vec<Diagnostic>>,
}

impl Files {
    fn read(&self) -> Result<Read, Trouble> {
        let texts = self.flows.files().map_err(unreadable)?;
        let (prompts, unusable) = load::prompts(&self.prompts).map_err(unreadable)?;
        let center = flow::load(&texts, &prompts);
        Ok(Read { prompts, unusable, center })
    }

    /// What is odd in the folders: files that nobody reads, recordings that are hard to hear.
    fn oddities(&self) -> impl Iterator<Item = Diagnostic> {
        let passed_over = oddities::passed_over(&self.flows.folder, &self.prompts);
        passed_over.into_iter().chain(oddities::hard_to_hear(&self.prompts))
    }

    /// The checked center of another center's file, with these flows and prompts.
    pub(in crate::cli) fn center_of(&self, path: &Path) -> Result<Center, Trouble> {
        let place = FlowPlace { folder: self.flows.folder.clone(), center: Some(path.to_owned()) };
        let texts = place.files().map_err(unreadable)?;
        let (prompts, unusable) = load::prompts(&self.prompts).map_err(unreadable)?;
        in_order(flow::load(&texts, &prompts), &unusable)
    }

    /// The checked center and the recordings; else everything that is wrong.
    pub(in crate::cli) fn center(&self) -> Result<(Center, Prompts), Trouble> {
        let read = self.read()?;
        Ok((in_order(read.center, &read.unusable)?, read.prompts))
    }
}

/// The center, if it and the recordings are in order; else everything that is wrong is told.
fn in_order(
    center: Result<(Center, Vec<Diagnostic>), Vec<Diagnostic>>,
    unusable: &[String],
) -> Result<Center, Trouble> {
    unusable.iter().for_each(|problem| say!("{problem}\n"));
    if !unusable.is_empty() && center.is_ok() {
        let recordings = counted(unusable.len(), "recording");
        return Err(Trouble::new(format!("{recordings} cannot be used")).hint(load::RECORDING_HINT));
    }
    center.map(|(center, _)| center).map_err(|found| {
        found.iter().filter(|one| one.is_error()).for_each(|one| say!("{one}\n"));
        Trouble::new("the flow files are not in order").hint("warmline flow check")
    })
}

/// The flow that is meant: `main`, or `ivr_flows/main.yaml`.
fn flow_name(center: &Center, said: &str) -> Result<Name, Trouble> {
    let file = said.rsplit('/').next().unwrap_or(said);
    let name = file.strip_suffix(".yaml").unwrap_or(file);
    let named = center.flows.get_key_value(name).map(|(name, _)| name);
    named.or_else(|| center.numbers.get(said)).cloned().ok_or_else(|| {
        let flows: Vec<&str> = center.flows.keys().map(|name| &**name).collect();
        let numbers: Vec<&str> = center.numbers.keys().map(String::as_str).collect();
        let hint = format!("there is {}; or a number to dial: {}", flows.join(", "), numbers.join(", "));
        Trouble::new(format!("no flow is called \"{name}\", and no number leads to one")).hint(hint)
    })
}

/// The customers and services that the tests of a flow know.
fn world(files: &Files, center: &Center, prompts: &Prompts, flow: &Name) -> Result<World, Trouble> {
    let tests = load::test_files(&files.flows.folder).map_err(unreadable)?;
    let own = tests.iter().find(|(path, _)| Path::new(path).file_stem().is_some_and(|stem| *stem == **flow));
    Ok(own.map(|(path, text)| rehearsed::world(center, prompts, path, text)).unwrap_or_default())
}

fn unreadable(error: LoadError) -> Trouble {
    let flag = match &error {
        LoadError::NoFlows(_) => "--flows",
        LoadError::NoPrompts(_) | LoadError::PromptFolder { .. } => "--prompts",
        LoadError::Prompts { .. } => return Trouble::new(error.to_string()).hint(load::RECORDING_HINT),
        LoadError::DataFolder { .. } => "--data",
        LoadError::Read { .. } | LoadError::Flows(_) | LoadError::Speech { .. } => "--flows and --prompts",
    };
    let hint = format!("start in the folder that has them, or name it with {flag}");
    Trouble::new(error.to_string()).hint(hint)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn times_are_told_by_the_centers_clock_whatever_else_is_wrong_with_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let zone = || FlowsArg { folder: folder.path().to_owned(), config: None }.zone();
        let center = |text: &str| fs::write(folder.path().join("center.yaml"), text).unwrap();
        assert_eq!(zone(), TimeZone::system(), "there are no files");
        center("time_zone: Asia/Tokyo\nqueues: 7\n");
        assert_eq!(zone().iana_name(), Some("Asia/Tokyo"));
        center("company: Juniper\n");
        assert_eq!(zone(), TimeZone::system(), "none is named");
    }

    #[test]
    fn another_centers_file_is_taken_in_the_place_of_the_folders() {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other.yaml");
        let text = fs::read_to_string(demo.join("ivr_flows/center.yaml")).unwrap();
        let company = text.lines().find(|line| line.starts_with("company:")).unwrap();
        fs::write(&other, text.replace(company, "company: Other")).unwrap();
        let files = |config| Files {
            flows: FlowsArg { folder: demo.join("ivr_flows"), config },
            prompts: demo.join("prompts"),
        };
        assert_eq!(files(None).center_of(&other).unwrap().company, "Other");
        assert_eq!(files(Some(other)).center().unwrap().0.company, "Other");
        assert_ne!(files(None).center().unwrap().0.company, "Other");
    }

    #[test]
    fn a_flow_is_named_by_its_name_its_file_or_a_number_that_leads_to_it() {
        let center = flow::tests::demo();
        for said in ["main", "main.yaml", "ivr_flows/main.yaml", "1000"] {
            assert_eq!(&*flow_name(&center, said).unwrap(), "main", "{said}");
        }
        assert_eq!(&*flow_name(&center, "1001").unwrap(), "support_line");
        let none = flow_name(&center, "4711").unwrap_err().to_string();
        assert!(
            none.starts_with("error: no flow is called \"4711\", and no number leads to one\n"),
            "{none}"
        );
    }
}
