//! What a person sees when the server has started: what to dial, what to open, who is there.

use std::net::SocketAddr;

use crate::flow::Center;
use crate::flow::center::AgentContact;
use crate::server::ServeOptions;
use crate::store::AgentAccount;

/// Where what people use is bound.
pub(super) struct Bound {
    pub sip: SocketAddr,
    pub sip_tls: Option<SocketAddr>,
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
}

/// Prints the few lines that a newcomer needs.
pub(super) fn print(
    options: &ServeOptions,
    center: &Center,
    accounts: &[AgentAccount],
    bound: Bound,
    trouble: Option<&str>,
) {
    eprint!("{}", text(options, center, accounts, &bound, trouble));
}

/// `trouble` is what somebody should know of the flow files.
fn text(
    options: &ServeOptions,
    center: &Center,
    accounts: &[AgentAccount],
    bound: &Bound,
    trouble: Option<&str>,
) -> String {
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
    for (line, words) in agents(options, center, accounts, sip).into_iter().enumerate() {
        text += &paragraph(if line == 0 { "agents" } else { "" }, &words, " ");
    }
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

/// Who may sign in with a phone and by which password, as far as that is no secret; and who has no account yet.
fn agents(
    options: &ServeOptions,
    center: &Center,
    accounts: &[AgentAccount],
    sip: SocketAddr,
) -> Vec<String> {
    let all = center.engine.agents.iter().zip(&center.contacts).filter(|(agent, _)| !agent.gone);
    let registered = all.filter(|(_, contact)| matches!(contact, AgentContact::Registered { .. }));
    let account = |name: &str| accounts.iter().find(|account| *account.name == *name);
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        registered.map(|(agent, _)| &*agent.name).partition(|name| account(name).is_some());
    let demo: Vec<&str> =
        known.iter().copied().filter(|name| account(name).is_some_and(|account| account.demo)).collect();
    let mut lines = Vec::new();
    if !known.is_empty() {
        let password = match demo.len() {
            0 => String::new(),
            all if all == known.len() => "; the demo password is `warmline`".to_owned(),
            _ => format!("; the demo password `warmline` is still that of {}", demo.join(", ")),
        };
        lines.push(format!("{}: register a SIP phone at {sip}{password}", known.join(", ")));
    }
    if let Some(first) = unknown.first() {
        let data = match &options.data {
            data if data.strip_prefix(".").unwrap_or(data) == ServeOptions::default().data => String::new(),
            data => format!(" --data {}", data.display()),
        };
        lines.push(format!("without an account: {}; `warmline agent add {first}{data}`", unknown.join(", ")));
    }
    lines
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
    use crate::base::Secret;
    use crate::store::Store;

    #[test]
    fn it_is_told_who_may_sign_in_how_and_who_has_no_account() {
        let (folder, center) = (tempfile::tempdir().unwrap(), crate::flow::tests::demo());
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into(), "bob".into()]).unwrap();
        let told = |data: &str| {
            let options = ServeOptions { data: data.into(), ..ServeOptions::default() };
            agents(&options, &center, &store.agent_accounts().unwrap(), options.sip)
        };
        let usual = "./warmline-data";
        let lines = told(usual);
        assert_eq!(
            lines[0],
            "alice, bob: register a SIP phone at 127.0.0.1:5060; the demo password is `warmline`"
        );
        assert!(
            lines[1].starts_with("without an account: carol, ")
                && lines[1].ends_with("; `warmline agent add carol`"),
            "{lines:?}"
        );
        assert!(told("/srv/data")[1].ends_with("`warmline agent add carol --data /srv/data`"));
        store.change_password("alice", &Secret::new("correct horse")).unwrap();
        assert!(told(usual)[0].ends_with("; the demo password `warmline` is still that of bob"));
        store.change_password("bob", &Secret::new("correct horse")).unwrap();
        assert!(told(usual)[0].ends_with("127.0.0.1:5060"));
    }

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
