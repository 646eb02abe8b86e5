//! `warmline flow publish`, `rollback` and `versions`: what a running server serves to new calls.

use std::env;
use std::net::SocketAddr;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::cli::http;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;

#[derive(Debug, Args)]
pub(in crate::cli) struct PublishArgs {
    /// Why: it is written down
    #[arg(long)]
    why: String,
    /// Who [default: the user who asks]
    #[arg(long)]
    by: Option<String>,
    /// The server's web
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The version, or the beginning of its name [default: the one before]
    version: Option<String>,
    #[command(flatten)]
    publish: PublishArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsArgs {
    /// The server's web
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
}

/// Has the server read its folder of flows now; fails, with all that is wrong, when it is not served.
pub(super) fn publish(args: &PublishArgs) -> Result<(), Trouble> {
    told(&ask(args.http, "POST", "/api/v1/flows/publish", Some(&body(args, None)))?);
    Ok(())
}

/// Has the server go back to a version.
pub(super) fn roll_back(args: &RollbackArgs) -> Result<(), Trouble> {
    let body = body(&args.publish, args.version.as_deref());
    told(&ask(args.publish.http, "POST", "/api/v1/flows/rollback", Some(&body))?);
    Ok(())
}

/// What is served, what is wrong with what is not, and what was before.
pub(super) fn versions(args: &VersionsArgs) -> Result<(), Trouble> {
    let flows = ask(args.http, "GET", "/api/v1/flows/versions", None)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |change: &Value| {
        let changes = change["changes"].as_array().map_or(0, Vec::len).to_string();
        ["version", "at", "did", "by"]
            .iter()
            .map(|key| text(&change[*key]))
            .chain([changes, text(&change["why"])])
            .collect()
    };
    let rows: Vec<Vec<String>> = flows["changes"].as_array().into_iter().flatten().map(row).collect();
    say!("{}", table(&["version", "at", "did", "by", "changes", "why"], &rows));
    say!("new calls get {}", text(&flows["version"]));
    if let Some(errors) = flows["problem"]["errors"].as_array() {
        errors.iter().for_each(|error| say!("\n{}", text(error)));
        return Err(
            Trouble::new("the files in the folder of flows are not served").hint("warmline flow check")
        );
    }
    Ok(())
}

fn body(args: &PublishArgs, to: Option<&str>) -> Value {
    // Who asks is for the log; who may ask, the server says.
    let user = || env::var("USER").or_else(|_| env::var("LOGNAME")).ok();
    let mut body = json!({ "why": args.why, "by": args.by.clone().or_else(user) });
    if let Some(to) = to {
        body["to"] = json!(to);
    }
    body
}

fn told(change: &Value) {
    say!("new calls get {}", change["version"].as_str().unwrap_or_default());
    for line in change["changes"].as_array().into_iter().flatten() {
        say!("  {}", line.as_str().unwrap_or_default());
    }
}

fn ask(server: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Trouble> {
    let body = body.map(Value::to_string);
    let answer = http::ask(server, method, path, body.as_deref()).map_err(|error| {
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
