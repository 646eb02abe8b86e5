//! `warmline flow announce`: tells every caller something for a while, and tells what is told.

use std::net::SocketAddr;

use clap::Args;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::publish::ask;
use super::publish::by_clock;
use super::publish::told;
use super::publish::user;
use super::publish::zone;
use crate::cli::address;
use crate::cli::http::path_part;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::flow;

#[derive(Debug, Args)]
pub(in crate::cli) struct AnnounceArgs {
    /// The announcement, as center.yaml calls it [default: lists them all]
    name: Option<String>,
    /// Switch it on for so long: 2h, or 45m
    #[arg(long = "for", value_name = "TIME", value_parser = seconds, requires_all = ["name", "why"])]
    lasts: Option<u64>,
    /// What is said; where callers are spoken to in several languages, en=… and es=…
    #[arg(long, value_name = "TEXT", requires = "lasts", conflicts_with = "prompt")]
    say: Vec<String>,
    /// The recording that is played [default: what the files say]
    #[arg(long, value_name = "NAME", requires = "lasts")]
    prompt: Option<String>,
    /// Switch it off
    #[arg(long, conflicts_with = "lasts", requires_all = ["name", "why"])]
    off: bool,
    /// Why: it is written down
    #[arg(long)]
    why: Option<String>,
    /// Who [default: the user who asks]
    #[arg(long)]
    by: Option<String>,
    /// The server's web
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address::<8_080>)]
    http: SocketAddr,
}

/// Switches an announcement, or lists all.
pub(super) fn run(args: &AnnounceArgs) -> Result<(), Trouble> {
    let Some(name) = &args.name else { return list(args.http) };
    if args.lasts.is_none() && !args.off {
        return Err(Trouble::new("on for how long, or off?").hint("--for 2h, or --off"));
    }
    let mut body = json!({ "why": args.why, "by": args.by.clone().or_else(user) });
    if let Some(lasts) = args.lasts {
        body["for_s"] = json!(lasts);
    }
    if let Some(said) = said(&args.say) {
        body["say"] = said;
    }
    if let Some(prompt) = &args.prompt {
        body["prompt"] = json!(prompt);
    }
    told(&ask(args.http, "PUT", &format!("/api/v1/announcements/{}", path_part(name)), Some(&body))?);
    Ok(())
}

fn list(server: SocketAddr) -> Result<(), Trouble> {
    let answer = ask(server, "GET", "/api/v1/announcements", None)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let zone = zone(&answer);
    let row = |one: &Value| {
        let until = one["on_until"].as_str();
        let until = until.map_or("off".to_owned(), |until| format!("on until {}", by_clock(until, &zone)));
        let says: Vec<String> = one["says"].as_array().into_iter().flatten().map(text).collect();
        let switched = &one["switched"];
        vec![text(&one["name"]), until, text(&switched["by"]), text(&switched["why"]), says.join(", ")]
    };
    let rows: Vec<Vec<String>> = answer["announcements"].as_array().into_iter().flatten().map(row).collect();
    say!("{}", table(&["announcement", "is", "switched by", "why", "says"], &rows));
    Ok(())
}

/// One text, or `en=…` for each language.
fn said(texts: &[String]) -> Option<Value> {
    let of_language = |text: &String| {
        let (language, text) = text.split_once('=')?;
        let is_language =
            (2..=8).contains(&language.len()) && language.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        is_language.then(|| (language.to_owned(), json!(text)))
    };
    let by_language: Option<Map<String, Value>> = texts.iter().map(of_language).collect();
    match (texts, by_language) {
        ([], _) => None,
        (_, Some(by_language)) => Some(Value::Object(by_language)),
        (texts, None) => Some(json!(texts.join(" "))),
    }
}

/// `2h`, as files write it.
fn seconds(text: &str) -> Result<u64, String> {
    let lasts = flow::duration(text).ok_or("a time is written as: 45m, or 2h")?;
    Ok(lasts.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_or_has_its_language_before_it() {
        let said = |texts: &[&str]| said(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(said(&[]), None);
        assert_eq!(said(&["Lines are down: 2 + 2 = 4"]), Some(json!("Lines are down: 2 + 2 = 4")));
        assert_eq!(said(&["en=Down", "es=Caído = no"]), Some(json!({ "en": "Down", "es": "Caído = no" })));
    }

    #[test]
    fn how_long_is_written_as_in_files() {
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("45m"), Ok(2_700));
        assert!(seconds("soon").is_err());
    }
}
