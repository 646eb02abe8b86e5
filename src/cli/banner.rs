//! What a person sees when the server has started: what to dial, what to open, who is there.

use std::net::SocketAddr;

use crate::flow::Center;
use crate::flow::center::AgentContact;
use crate::server::ServeOptions;

/// Prints the few lines that a newcomer needs.
pub(super) fn print(options: &ServeOptions, center: &Center, sip: SocketAddr, http: SocketAddr) {
    eprint!("{}", text(options, center, sip, http));
}

fn text(options: &ServeOptions, center: &Center, sip: SocketAddr, http: SocketAddr) -> String {
    let agents: Vec<&str> = center
        .engine
        .agents
        .iter()
        .zip(&center.contacts)
        .filter(|(_, contact)| matches!(contact, AgentContact::Registered { .. }))
        .map(|(agent, _)| &*agent.name)
        .collect();
    let numbers: Vec<String> =
        center.numbers.iter().map(|(number, flow)| format!("{number} {flow}")).collect();
    let mut text = format!(
        "Warmline {version} serves {company}\n\
         \n\
         dial     sip:NUMBER@{sip} (UDP or TCP): {numbers}\n\
         agents   {agents}: register a SIP phone at {sip}; the demo password is `warmline`\n\
         web      http://{http}/\n\
         data     {data}\n",
        version = env!("CARGO_PKG_VERSION"),
        company = center.company,
        numbers = numbers.join(", "),
        agents = agents.join(", "),
        data = options.data.display(),
    );
    if sip.ip().is_loopback() {
        text += "network  only this machine can call; to open it, change the demo passwords \
                 (warmline agent passwd NAME), then start with --sip 0.0.0.0:5060 --public-address IP\n";
    }
    text
}
