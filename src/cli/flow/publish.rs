//! `warmline flow publish`, `promote`, `rollback` and `versions`: what a running server serves to new calls.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde_json::Value;
use serde_json::json;

use super::unreadable;
use crate::base::WallTime;
use crate::cli::Format;
use crate::cli::address;
use crate::cli::http;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::server::load;
use crate::store::story::moment;

/// How long the server may take: it reads and checks every file, and has every new text spoken.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub(in crate::cli) struct PublishArgs {
    #[command(flatten)]
    canary: CanaryArgs,
    /// The folder of the files to try [default: the server's own]
    #[arg(long, value_name = "DIR", requires = "CanaryArgs")]
    flows: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Whom to try it on first.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct CanaryArgs {
    /// Try it on so many callers, in per cent: 10%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    canary: Option<f64>,
    /// Try it on whoever dials this number
    #[arg(long, value_name = "NUMBER")]
    canary_number: Vec<String>,
    /// Try it on the callers whose numbers are in this file, one on each line
    #[arg(long, value_name = "FILE")]
    canary_callers: Option<PathBuf>,
}

/// Who changes what is served, and why.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChangeArgs {
    /// Why: it is written down
    #[arg(long)]
    why: String,
    /// Who [default: the user who asks]
    #[arg(long)]
    by: Option<String>,
    /// The server's web
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address::<8_080>)]
    http: SocketAddr,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The version, or the beginning of its name [default: the one before]
    version: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsArgs {
    /// The server's web
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address::<8_080>)]
    http: SocketAddr,
    /// For people, or for programs as the API answers
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Has the server read its folder of flows now; fails, with all that is wrong, when it is not served.
pub(super) fn publish(args: &PublishArgs) -> Result<(), Trouble> {
    let mut body = body(&args.change);
    if let Some(canary) = args.canary.wanted()? {
        body["canary"] = canary;
        if let Some(folder) = &args.flows {
            let files = load::flow_files(folder).map_err(unreadable)?;
            let within = |path: &str| {
                Path::new(path).strip_prefix(folder).unwrap_or(Path::new(path)).display().to_string()
            };
            body["files"] =
                files.into_iter().map(|(path, text)| (within(&path), Value::from(text))).collect();
        }
    }
    told(&ask(args.change.http, "POST", "/api/v1/flows/publish", Some(&body))?);
    Ok(())
}

/// Has the server serve to all what it tries on some.
pub(super) fn promote(args: &ChangeArgs) -> Result<(), Trouble> {
    told(&ask(args.http, "POST", "/api/v1/flows/promote", Some(&body(args)))?);
    Ok(())
}

/// Has the server go back to a version.
pub(super) fn roll_back(args: &RollbackArgs) -> Result<(), Trouble> {
    let mut body = body(&args.change);
    if let Some(version) = &args.version {
        body["to"] = json!(version);
    }
    told(&ask(args.change.http, "POST", "/api/v1/flows/rollback", Some(&body))?);
    Ok(())
}

/// What is served, what is wrong with what is not, and what was before.
pub(super) fn versions(args: &VersionsArgs) -> Result<(), Trouble> {
    let flows = ask(args.http, "GET", "/api/v1/flows/versions", None)?;
    match args.format {
        Format::Text => show(&flows),
        Format::Json => say!("{flows:#}"),
    }
    if flows["problem"].is_object() {
        return Err(
            Trouble::new("the files in the folder of flows are not served").hint("warmline flow check")
        );
    }
    Ok(())
}

fn show(flows: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let zone = zone(flows);
    let row = |change: &Value| {
        let changes = change["changes"].as_array().map_or(0, Vec::len).to_string();
        let at = by_clock(change["at"].as_str().unwrap_or_default(), &zone);
        [text(&change["version"]), at, text(&change["did"]), text(&change["by"])]
            .into_iter()
            .chain([changes, text(&change["why"])])
            .collect()
    };
    let rows: Vec<Vec<String>> = flows["changes"].as_array().into_iter().flatten().map(row).collect();
    say!("{}", table(&["version", "at", "did", "by", "changes", "why"], &rows));
    say!("new calls get {}", text(&flows["version"]));
    let canary = &flows["canary"];
    if canary.is_object() {
        say!("{} is tried on: {}", text(&canary["version"]), text(&canary["audience"]));
    }
    outcomes(&flows["outcomes"], &zone);
    if let Some(errors) = flows["problem"]["errors"].as_array() {
        errors.iter().for_each(|error| say!("\n{}", text(error)));
    }
}

/// The center's own zone, by which an answer's times are shown; UTC where the server names none.
pub(super) fn zone(answer: &Value) -> TimeZone {
    answer["time_zone"].as_str().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// A time of an answer by the clock of this zone.
pub(super) fn by_clock(at: &str, zone: &TimeZone) -> String {
    let instant = at.parse::<Instant>().ok();
    instant.map_or(at.to_owned(), |at| moment(WallTime(at.as_microsecond()), zone))
}

/// How calls came out, by version, side by side.
fn outcomes(outcomes: &Value, zone: &TimeZone) {
    let versions: Vec<&Value> = outcomes["versions"].as_array().into_iter().flatten().collect();
    if versions.is_empty() {
        return;
    }
    let lines = [
        ("calls", "calls"),
        ("reached a person", "reached_person"),
        ("served by the flow", "served"),
        ("hung up in the flow", "left_in_flow"),
        ("no key in time", "no_input"),
        ("key that is no choice", "no_match"),
        ("failed", "failed"),
        ("seconds in the flow", "in_flow_s"),
    ];
    let cell = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
    let row = |(words, key): (&str, &str)| {
        [words.to_owned()].into_iter().chain(versions.iter().map(|tally| cell(&tally[key]))).collect()
    };
    let rows: Vec<Vec<String>> = lines.into_iter().map(row).collect();
    let name = |tally: &&Value| {
        let tried = if tally["canary"] == true { " (tried)" } else { "" };
        format!("{}{tried}", tally["version"].as_str().unwrap_or_default())
    };
    let names: Vec<String> = versions.iter().map(name).collect();
    let head: Vec<&str> = [""].into_iter().chain(names.iter().map(String::as_str)).collect();
    say!("\n{}", counted(outcomes, zone));
    say!("{}", table(&head, &rows));
}

/// Which calls are counted: all since the server's start or since a trial began, however long a version has been served.
fn counted(outcomes: &Value, zone: &TimeZone) -> String {
    let since = by_clock(outcomes["since"].as_str().unwrap_or_default(), zone);
    match outcomes["counted_from"].as_str() {
        Some("trial") => format!("of the calls since the trial began, {since}:"),
        _ => format!("of the calls since the server's start, {since}:"),
    }
}

impl CanaryArgs {
    /// As the server is asked; none: for all.
    fn wanted(&self) -> Result<Option<Value>, Trouble> {
        if let Some(percent) = self.canary {
            return Ok(Some(json!({ "share": percent })));
        }
        if !self.canary_number.is_empty() {
            return Ok(Some(json!({ "numbers": self.canary_number })));
        }
        let Some(path) = &self.canary_callers else { return Ok(None) };
        let text = fs::read_to_string(path)
            .map_err(|error| Trouble::new(format!("{} cannot be read: {error}", path.display())))?;
        let callers = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Some(json!({ "callers": callers.collect::<Vec<_>>() })))
    }
}

/// `10%`, or `0.5`.
fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse();
    percent.map_err(|_| "a share is written as: 10%".to_owned())
}

/// Who asks, for the log; who may ask, the server says.
pub(super) fn user() -> Option<String> {
    env::var("USER").or_else(|_| env::var("LOGNAME")).ok()
}

fn body(args: &ChangeArgs) -> Value {
    json!({ "why": args.why, "by": args.by.clone().or_else(user) })
}

pub(super) fn told(change: &Value) {
    let version = change["version"].as_str().unwrap_or_default();
    match (change["did"].as_str(), change["audience"].as_str()) {
        (Some("canary_ended"), _) => say!("{version} is tried no more: new calls get what all others got"),
        (Some("announce"), _) => say!("calls from now on:"),
        (_, Some(audience)) => say!("{version} is tried on: {audience}"),
        _ => say!("new calls get {version}"),
    }
    for line in change["changes"].as_array().into_iter().flatten() {
        say!("  {}", line.as_str().unwrap_or_default());
    }
}

pub(super) fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Trouble> {
    let body = body.map(Value::to_string);
    let answer = http::ask_within(PATIENCE, server, method, path, body.as_deref()).map_err(|error| {
        Trouble::new(format!("no server answers at {server}: {error}"))
            .hint("start it with `warmline serve`, or say where its web is with --http")
    })?;
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if (200..300).contains(&answer.status) {
        return Ok(value);
    }
    let words = |key: &str| value[key].as_str().map(str::to_owned);
    let error = words("error").unwrap_or_else(|| format!("the server answered with {}", answer.status));
    let trouble = Trouble::new(error);
    Err(match words("hint") {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_since_when_they_are_and_that_it_is_not_since_a_version_serves() {
        let berlin = zone(&json!({ "time_zone": "Europe/Berlin" }));
        let counts = |from: &str| json!({ "since": "2026-11-22T14:00:00.000Z", "counted_from": from });
        let of = |from: &str| counted(&counts(from), &berlin);
        assert_eq!(of("start"), "of the calls since the server's start, 2026-11-22 15:00:00 CET:");
        assert_eq!(of("trial"), "of the calls since the trial began, 2026-11-22 15:00:00 CET:");
    }

    #[test]
    fn times_are_those_of_the_centers_clock_and_say_which_that_is() {
        let of = |zone_name: Value, at: &str| by_clock(at, &zone(&json!({ "time_zone": zone_name })));
        assert_eq!(of(json!("Europe/Berlin"), "2026-07-01T10:00:00Z"), "2026-07-01 12:00:00 CEST");
        assert_eq!(of(json!("America/Sao_Paulo"), "2026-07-01T10:00:00Z"), "2026-07-01 07:00:00 -03");
        assert_eq!(of(Value::Null, "2026-07-01T10:00:00Z"), "2026-07-01 10:00:00 UTC");
        assert_eq!(of(Value::Null, "soon"), "soon");
    }
}
