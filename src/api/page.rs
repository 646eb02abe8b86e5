//! `/`: what runs here, what to dial, where to look. Plain HTML without scripts.

use axum::extract::State;
use axum::response::Html;

use crate::api::ApiState;

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
