//! `/`: what runs here, what to dial, where to look. Plain HTML without scripts. `/call`: the page of a caller, and
//! the files of `web/`, which are part of the program.

use axum::extract::Path;
use axum::extract::State;
use axum::http::header;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::api::ApiState;
use crate::api::problem::Problem;

/// A page may load from this server alone, and speak to it alone.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of `web/`: name, kind, contents.
const FILES: &[(&str, &str, &str)] = &[
    ("call.css", "text/css; charset=utf-8", include_str!("../../web/call.css")),
    ("call.js", "text/javascript; charset=utf-8", include_str!("../../web/call.js")),
    ("phone.js", "text/javascript; charset=utf-8", include_str!("../../web/phone.js")),
];

/// `GET /call`
pub(super) async fn call() -> Response {
    guarded("text/html; charset=utf-8", include_str!("../../web/call.html"))
}

/// `GET /web/{file}`
pub(super) async fn file(Path(file): Path<String>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(name, _, _)| *name == file);
    let (_, kind, contents) =
        found.ok_or_else(|| Problem::not_found(format!("there is no file {file:?}"), "begin at /"))?;
    Ok(guarded(kind, contents))
}

fn guarded(kind: &'static str, contents: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, contents).into_response()
}

/// `GET /`
pub(super) async fn show(State(state): State<ApiState>) -> Html<String> {
    let (sip, calls) = (state.sip, state.live.call_count());
    let agents = state.live.agents();
    let agents: Vec<_> = agents.iter().map(|agent| escape(&agent.name)).collect();
    let agents = agents.join(", ");
    let version = env!("CARGO_PKG_VERSION");
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Warmline</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style>
<h1>Warmline {version}</h1>
<p>The contact center runs; calls now: {calls}.</p>
<h2>Dial</h2>
<p>Calls are taken at <code>sip:NUMBER@{sip}</code>. In the demo center <code>1000</code> is the main
number, <code>1001</code> goes straight to the queue, <code>9196</code> is an echo.</p>
<p>Agents sign in there with a SIP phone: {agents}.</p>
<h2>Look</h2>
<ul>
<li><a href="/api/v1/calls">calls</a>, <a href="/api/v1/agents">agents</a>,
<a href="/api/v1/queues">queues</a>, <a href="/api/v1/events">events</a></li>
<li><a href="/api/v1/openapi.json">the API's description</a></li>
<li><a href="/metrics">metrics</a>, <a href="/healthz">health</a>, <a href="/readyz">readiness</a></li>
</ul>
<p>At the terminal: <code>warmline calls</code>, <code>warmline call ID</code>,
<code>warmline agent list</code>, <code>warmline doctor</code>.</p>
</html>
"#
    ))
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
