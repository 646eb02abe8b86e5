//! Phones with wideband codecs: what they hear of us and of each other, by other people's encoders and decoders.

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

const OPUS: &str = "opus/48000/2";
const G722: &str = "g722/16000/1";

#[test]
fn phones_of_every_codec_hear_prompts_and_each_other() {
    if !available("phones_of_every_codec_hear_…", &["baresip"]) {
        return;
    }
    for (caller, agent) in [(OPUS, "pcmu"), ("pcmu", OPUS), (G722, OPUS), (OPUS, OPUS), (G722, "pcma")] {
        let server = Server::start();
        let domain = Some(server.sip());
        let setup =
            Setup { user: "bob", domain: domain.clone(), answers: true, codec: agent, ..Setup::default() };
        let bob = Phone::agent_set_up(&setup);
        let setup = Setup { user: STRANGER, domain, codec: caller, ..Setup::default() };
        let mut caller_phone = Phone::start(&setup);
        caller_phone.dial(&server.uri("1001"));
        let id = caller_phone.is_answered();
        server.story_with(&id, "agent_connected", 15);
        within(10, &format!("a caller with {caller} and an agent with {agent} hear each other"), || {
            (caller_phone.heard(AGENT_HZ) >= 2.0 && bob.heard(CALLER_HZ) >= 2.0).then_some(())
        });
        // What a phone makes up for packets that a busy machine brings late may reach the top now and then.
        let heard = caller_phone.recording();
        let clipped = heard.iter().filter(|sample| sample.unsigned_abs() >= 32_000).count();
        assert!(clipped * 1_000 < heard.len(), "{clipped} of {} samples clip", heard.len());
        caller_phone.hang_up();
        server.story_with(&id, "call_ended", 5);
        server.is_left_clean();
    }
}

#[test]
fn a_caller_with_opus_hears_the_greeting_and_keys_through_the_menu() {
    if !available("a_caller_with_opus_hears_the_greeting_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let setup = Setup { user: STRANGER, domain: Some(server.sip()), codec: OPUS, ..Setup::default() };
    let mut caller = Phone::start(&setup);
    caller.dial(&server.uri("1000"));
    let id = caller.is_answered();
    server.story_with(&id, "played", 10);
    within(10, "the caller hears something that is speech", || {
        let heard = caller.recording();
        let loud = heard.chunks(160).filter(|frame| frame.iter().any(|sample| sample.unsigned_abs() > 2_000));
        (loud.count() > 50).then_some(())
    });
    caller.key("0");
    within(10, "the key is told", || {
        let story = server.story_with(&id, "played", 5);
        (story.has("no_match") || story.has("chose") || story.has("digit") || story.has("barged_in"))
            .then_some(())
    });
    caller.hang_up();
    server.story_with(&id, "call_ended", 5);
    server.is_left_clean();
}
