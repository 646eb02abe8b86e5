//! Phones that secure their audio, by keys in the description or by a handshake: with one that does not, and among
//! themselves.

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// No audio without SRTP: baresip refuses a call that has none.
const KEYS: Option<&str> = Some("srtp-mand");
const HANDSHAKE: Option<&str> = Some("dtls_srtp");

#[test]
fn phones_that_secure_their_audio_talk_with_one_that_does_not_and_among_themselves() {
    if !available("phones_that_secure_their_audio_talk_…", &["baresip"]) {
        return;
    }
    for (policy, caller, agent) in
        [("optional", KEYS, None), ("required", HANDSHAKE, KEYS), ("dtls", HANDSHAKE, HANDSHAKE)]
    {
        let (_flows, setup) = center_with(&[("company: ", &format!("srtp: {policy}\ncompany: "))]);
        let server = Server::set_up(setup);
        let domain = Some(server.sip());
        let setup =
            Setup { user: "bob", domain: domain.clone(), answers: true, srtp: agent, ..Setup::default() };
        let bob = Phone::agent_set_up(&setup);
        let setup = Setup { user: STRANGER, domain, srtp: caller, ..Setup::default() };
        let mut phone = Phone::start(&setup);
        phone.dial(&server.uri("1001"));
        let id = phone.is_answered();
        server.story_with(&id, "agent_connected", 15);
        within(10, &format!("a caller with {caller:?} and an agent with {agent:?} hear each other"), || {
            (phone.heard(AGENT_HZ) >= 1.0 && bob.heard(CALLER_HZ) >= 1.0).then_some(())
        });
        phone.hang_up();
        server.story_with(&id, "call_ended", 5);
        server.is_left_clean();
        assert!(!server.logged().contains("inline:"), "a key stands in the log");
    }
}
