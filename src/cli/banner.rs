//! What a person sees when the server has started: what to dial, what to open, who is there.

use std::net::SocketAddr;

use crate::flow::Center;
use crate::flow::center::AgentContact;
use crate::server::ServeOptions;

/// Where what people use is bound.
pub(super) struct Bound {
    pub sip: SocketAddr,
    pub sip_tls: Option<SocketAddr>,
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
}

/// Prints the few lines that a newcomer needs.
pub(super) fn print(options: &ServeOptions, center: &Center, bound: Bound, trouble: Option<&str>) {
    eprint!("{}", text(options, center, &bound, trouble));
}

/// `trouble` is what somebody should know of the flow files.
fn text(options: &ServeOptions, center: &Center, bound: &Bound, trouble: Option<&str>) -> String {
    let agents: Vec<&str> = center
        .engine
        .agents
        .iter()
        .zip(&center.contacts)
        .filter(|(_, contact)| matches!(contact, AgentContact::Registered { .. }))
        .map(|(agent, _)| &*agent.name)
        .collect();
    // Bound to every address, the server is reached at the one that was named.
    let reached = |bound: SocketAddr| {
        let named = options.public_address.filter(|_| !bound.ip().is_loopback());
        SocketAddr::new(named.unwrap_or(bound.ip()), bound.port())
    };
    let sip = reached(bound.sip);
    let numbers: Vec<String> =
        center.numbers.iter().map(|(number, flow)| format!("{number} {flow}")).collect();
    let mut text = format!("Warmline {} serves {}\n\n", env!("CARGO_PKG_VERSION"), center.company);
    text += &paragraph("dial", &format!("sip:NUMBER@{sip} (UDP or TCP), with one of these for NUMBER:"), " ");
    text += &paragraph("", &numbers.join(", "), ", ");
    // None stands where others reach the server: it would not have started.
    let demo = if options.is_public() { "" } else { "; the demo password is `warmline`" };
    text += &paragraph("agents", &format!("{}: register a SIP phone at {sip}{demo}", agents.join(", ")), " ");
    if let Some(tls) = bound.sip_tls.map(reached) {
        text += &paragraph("", &format!("over TLS at {tls};transport=tls"), " ");
    }
    let http = bound.http;
    let secure = bound.https.map(reached).map(|https| format!("https://{https}/ and on this machine "));
    text += &paragraph("web", &format!("{}http://{http}/", secure.unwrap_or_default()), " ");
    if let Some(trouble) = trouble {
        text += &paragraph("flows", trouble, " ");
    }
    text += &paragraph("data", &options.data.display().to_string(), " ");
    if sip.ip().is_loopback() {
        text += &paragraph(
            "network",
            "only this machine can call; to open it, change the demo passwords (`warmline agent passwd NAME`), \
             then start with --sip 0.0.0.0:5060 --https 0.0.0.0:8443 --public-address IP",
            " ",
        );
    }
    text + &paragraph("stop", "Ctrl-C lets the calls that are up come to their end; twice ends them", " ")
}

/// `words` beside their label, in lines for a terminal of 80 columns; a line ends only at a `gap`.
fn paragraph(label: &str, words: &str, gap: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_inclusive(gap) {
        match lines.last_mut() {
            Some(line) if line.len() + word.trim_end().len() <= 70 => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    let labels = [label].into_iter().chain(std::iter::repeat(""));
    labels.zip(lines).map(|(label, line)| format!("{label:<9}{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_paragraph_goes_on_below_its_beginning() {
        let numbers = ["1000 main"; 9].join(", ");
        let text = paragraph("dial", &numbers, ", ");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("dial     1000 main, ") && lines[0].ends_with("main,"), "{text}");
        assert!(lines[1].starts_with("         1000 main"), "{text}");
        assert!(lines.iter().all(|line| line.len() < 80), "{text}");
    }
}
