//! `warmline flow run`: be the caller in a terminal. Time is not real: what plays is over as soon as it is read.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::io::BufRead;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use clap::Args;

use super::Files;
use super::Moment;
use super::flow_name;
use super::wall_now;
use super::world;
use crate::base::Name;
use crate::cli::trouble::Trouble;
use crate::flow::Center;
use crate::flow::api::Caller;
use crate::flow::prompts;
use crate::flow::rehearsal::Met;
use crate::flow::rehearsal::Rehearsal;
use crate::flow::rehearsal::Verifier;
use crate::flow::rehearsal::World;
use crate::flow::speech;

/// The words of each recording, by language and name.
type Words = BTreeMap<String, BTreeMap<String, String>>;

/// Programs that play a WAV file; those of Linux and of macOS.
const PLAYERS: [&str; 2] = ["aplay", "afplay"];

const HELP: &str = "keys: press them after the last word; !keys: at once, over what plays; nothing: be silent; \
                    ?: what the flow knows; bye: hang up";

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The flow: its name, its file, or a number that leads to it
    flow: String,
    /// The calling number; empty when withheld
    #[arg(long, value_name = "NUMBER", default_value = "+12025550100")]
    from: String,
    /// The number that was dialled [default: the flow's first]
    #[arg(long, value_name = "NUMBER")]
    dialled: Option<String>,
    /// The verifier does not answer
    #[arg(long)]
    verifier_down: bool,
    /// Play what is heard, with aplay or afplay; spoken texts are only read
    #[arg(long)]
    play: bool,
    #[command(flatten)]
    moment: Moment,
    #[command(flatten)]
    files: Files,
}

/// Plays the caller's part until the call has ended.
pub(super) fn run(args: &RunArgs) -> Result<(), Trouble> {
    let (center, prompts) = args.files.center()?;
    let flow = flow_name(&center, &args.flow)?;
    let mut world = world(&args.files, &center, &prompts, &flow)?;
    if args.verifier_down {
        world.verifier = Verifier::Down;
    }
    let words = words(&args.files.prompts, &center);
    let caller = caller(args, &center, &world, &flow);
    let wall = args.moment.wall(&center)?.unwrap_or_else(wall_now);
    let player = if args.play { Some(player()?) } else { None };
    introduce(&world);
    let mut rehearsal = Rehearsal::dial(&center, &prompts, &world, &flow, caller, wall);
    let mut told = 0;
    loop {
        for (at, met) in &rehearsal.log()[told..] {
            if !matches!(met, Met::Left { .. }) {
                say!("{:>8.1} s  {}", at.as_secs_f64(), in_words(met, &words, rehearsal.language()));
            }
            if let (Some(player), Met::Hears { prompts }) = (player, met) {
                play(player, &args.files.prompts, rehearsal.language(), prompts);
            }
        }
        told = rehearsal.log().len();
        if rehearsal.end().is_some() {
            return Ok(());
        }
        if rehearsal.listens() {
            act(&mut rehearsal, read_line()?.as_deref());
        } else {
            rehearsal.advance();
        }
    }
}

/// What each recording says, by language. Without a manifest the names of the recordings say what is heard.
fn words(folder: &Path, center: &Center) -> Words {
    let read = |language: &str| {
        let manifest = folder.join(language).join("manifest.yaml");
        (language.to_owned(), prompts::words(&fs::read_to_string(manifest).unwrap_or_default()))
    };
    center.languages.iter().map(|language| &**language).chain([prompts::COMMON]).map(read).collect()
}

/// The program that plays WAV files here.
fn player() -> Result<&'static str, Trouble> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing =
        || Trouble::new("neither aplay nor afplay is there to play with").hint("read along without --play");
    PLAYERS.into_iter().find(is_there).ok_or_else(missing)
}

/// Plays recordings one after the other. One that cannot be played was read all the same.
fn play(player: &str, folder: &Path, language: &str, prompts: &[Name]) {
    let recording = |name: &Name| {
        let file = |language: &str| folder.join(language).join(format!("{name}.wav"));
        [file(language), file(prompts::COMMON)].into_iter().find(|file| file.is_file())
    };
    for file in prompts.iter().filter_map(recording) {
        // What it says would stand among what is heard.
        let played = Command::new(player).arg(file).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !played.is_ok_and(|status| status.success()) {
            eprintln!("{player} could not play it");
        }
    }
}

fn caller(args: &RunArgs, center: &Center, world: &World, flow: &Name) -> Caller {
    let first = center.numbers.iter().find(|(_, served)| *served == flow);
    let named = center.numbers.contains_key(&args.flow).then(|| args.flow.clone());
    let dialled = args.dialled.clone().or(named).or_else(|| first.map(|(number, _)| number.clone()));
    Caller {
        number: args.from.clone(),
        dialled: dialled.unwrap_or_default(),
        customer: world.customer_of(&args.from).cloned(),
    }
}

fn introduce(world: &World) {
    eprintln!("{HELP}");
    for account in &world.accounts {
        let number = account.number.as_deref().unwrap_or("nowhere in particular");
        let customer = &account.customer;
        eprintln!("customer {} has account {} and calls from {number}", customer.name, customer.account);
    }
}

/// The next line; none when there is no more.
fn read_line() -> Result<Option<String>, Trouble> {
    eprint!("keys> ");
    // A prompt that cannot be shown is no reason to end.
    let _ = io::stderr().flush();
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let read = read.map_err(|error| Trouble::new(format!("the keys cannot be read: {error}")))?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

fn act(rehearsal: &mut Rehearsal<'_>, line: Option<&str>) {
    match line {
        None | Some("bye") => rehearsal.hang_up(),
        Some("") => {
            let before = rehearsal.log().len();
            while rehearsal.log().len() == before && rehearsal.advance() {}
        }
        Some("?") => {
            for (name, value) in rehearsal.variables() {
                say!("            {name} = {}", value.in_words());
            }
        }
        Some(keys) => {
            let (at_once, keys) = keys.strip_prefix('!').map_or((false, keys), |keys| (true, keys));
            if !keys.chars().all(|key| matches!(key, '0'..='9' | '*' | '#')) {
                eprintln!("{HELP}");
                return;
            }
            if at_once || rehearsal.until_asked() {
                rehearsal.key_in(keys);
            }
        }
    }
}

fn in_words(met: &Met, words: &Words, language: &str) -> String {
    let Met::Hears { prompts: heard } = met else { return met.to_string() };
    let of = |language: &str, name: &Name| words.get(language)?.get(&**name).map(String::as_str);
    let recorded = |name| of(language, name).or_else(|| of(prompts::COMMON, name));
    let text = |name| speech::text(name).map(|(text, _)| text);
    let said: Vec<&str> =
        heard.iter().map(|name| recorded(name).or_else(|| text(name)).unwrap_or(name)).collect();
    format!("hears \"{}\" ({})", said.join(" "), heard.join(" "))
}
