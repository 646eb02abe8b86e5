//! An agent's hold, by permission: who hears whom at each step, told by everybody's own tone.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tone::SUPERVISOR_HZ;
use crate::tools::available;
use crate::tools::within;

/// A caller in talk with alice, and whoever else there is.
pub struct Talk {
    pub server: Server,
    pub alice: Phone,
    pub caller: Sipp,
    pub sip_call_id: String,
    pub call: u64,
}

/// What there is to hear: a letter for each party.
const TONES: [(char, f64); 4] =
    [('c', CALLER_HZ), ('a', AGENT_HZ), ('b', COLLEAGUE_HZ), ('s', SUPERVISOR_HZ)];

impl Talk {
    /// A stranger calls technical support, and alice picks up.
    pub fn begin(server: Server) -> Talk {
        let alice = Phone::agent(&server.sip(), "alice", true);
        let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
        let sip_call_id = caller.sip_call_id.clone();
        let story = server.story_with(&sip_call_id, "agent_connected", 15);
        assert_eq!(story.only("agent_connected")["agent"], "alice");
        let call = story.id();
        let talk = Talk { server, alice, caller, sip_call_id, call };
        talk.hear("a", "c", None);
        talk
    }

    /// Caller, alice and a third one hear exactly these: `a` is alice's tone.
    pub fn hear(&self, caller: &str, alice: &str, third: Option<(&Phone, &str)>) {
        let heard = || {
            let from = self.lengths(third);
            // Long enough to tell a tone, and for what was on its way to have arrived.
            thread::sleep(Duration::from_millis(700));
            let tail = |samples: Vec<i16>, from: usize| of_tones(&samples[from.min(samples.len())..]);
            let mut heard =
                vec![tail(self.caller.line.recording(), from[0]), tail(self.alice.recording(), from[1])];
            heard.extend(third.map(|(phone, _)| tail(phone.recording(), from[2])));
            heard
        };
        let mut expected = vec![caller.to_owned(), alice.to_owned()];
        expected.extend(third.map(|(_, hears)| hears.to_owned()));
        let mut last = Vec::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            within(4, "all hear whom they should", || {
                last = heard();
                (last == expected).then_some(())
            });
        }));
        assert!(found.is_ok(), "heard {last:?}, should be {expected:?}");
    }

    fn lengths(&self, third: Option<(&Phone, &str)>) -> Vec<usize> {
        let mut lengths = vec![self.caller.line.recording().len(), self.alice.recording().len()];
        lengths.extend(third.map(|(phone, _)| phone.recording().len()));
        lengths
    }

    pub fn acts(&self, who: &str, action: &str, body: serde_json::Value) {
        self.server.acts(self.call, who, action, body);
    }

    /// Whoever has the caller hangs up, and nothing is left.
    pub fn over(self, agent: &str) {
        self.acts(agent, "hang_up", json!({}));
        self.caller.ends_well(10);
        let story = self.server.story_with(&self.sip_call_id, "call_ended", 5);
        assert_eq!(story.only("call_ended")["outcome"], "talked");
        let closed = story.all("leg_closed");
        let caller = closed.iter().find(|line| line["party"] == "caller").expect("the caller's line closed");
        assert!(caller["quality"]["r_factor"].is_u64(), "how it sounded is told: {caller}");
        self.server.is_left_clean();
    }
}

fn of_tones(samples: &[i16]) -> String {
    TONES.iter().filter(|(_, hz)| tone::is_in(*hz, samples)).map(|(letter, _)| *letter).collect()
}

/// A colleague's phone, with a tone of its own.
pub fn colleague(server: &Server, user: &str, answers: bool, hz: f64) -> Phone {
    let phone = Phone::start(&Setup {
        user,
        domain: Some(server.sip()),
        password: Some("warmline"),
        answers,
        hz,
        ..Setup::default()
    });
    phone.writes("200 OK", 10);
    phone
}

#[test]
fn a_caller_is_held_when_they_say_yes_and_their_key_brings_the_agent_back() {
    if !available("a_caller_is_held_when_they_say_yes_…", &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let hold = json!({ "reason": "the invoice", "quote_s": 60, "way": "prompted" });
    talk.acts("alice", "hold", hold.clone());
    talk.server.story_with(&talk.sip_call_id, "hold_asked", 5);
    talk.caller.line.key("2");
    let story = talk.server.story_with(&talk.sip_call_id, "hold_answered", 5);
    assert_eq!(story.only("hold_answered")["answer"], "no");
    assert!(!story.has("hold_started"));
    talk.hear("a", "c", None);

    talk.acts("alice", "hold", hold);
    talk.server.story_when(&talk.sip_call_id, "asked again", 5, |story| story.all("hold_asked").len() == 2);
    talk.caller.line.key("1");
    let story = talk.server.story_with(&talk.sip_call_id, "hold_started", 5);
    assert_eq!(story.only("hold_started")["by"], "caller");
    let from = talk.caller.line.recording().len();
    talk.hear("", "", None);
    let music = &talk.caller.line.recording()[from..];
    assert!(music.iter().any(|sample| sample.unsigned_abs() > 300), "the held caller hears nothing at all");

    talk.caller.line.key("1");
    let story = talk.server.story_with(&talk.sip_call_id, "hold_ended", 5);
    assert_eq!(story.only("hold_ended")["by"], "caller");
    talk.hear("a", "c", None);
    let (status, problem) = talk.server.act(talk.call, "alice", "resume", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("the caller is not on hold")));
    talk.over("alice");
}

#[test]
fn a_hold_that_takes_too_long_brings_both_together_again() {
    if !available("a_hold_that_takes_too_long_…", &["sipp", "baresip"]) {
        return;
    }
    let capped = "  support:\n    hold_cap: 3s\n    hold_quote: 4s\n";
    let (_flows, setup) = center_with(&[("  support:\n", capped)]);
    let talk = Talk::begin(Server::set_up(setup));
    let (status, problem) = talk.server.act(talk.call, "alice", "hold", json!({ "way": "override" }));
    assert_eq!((status, &problem["error"]), (409, &json!("a hold needs a reason")));
    talk.acts(
        "alice",
        "hold",
        json!({ "reason": "looking it up", "way": "verbal", "agreed": true, "quote_s": 2 }),
    );
    let story = talk.server.story_with(&talk.sip_call_id, "hold_ended", 8);
    assert_eq!(story.only("hold_ended")["by"], "cap");
    assert!(story.has("hold_nudged") && story.has("hold_alarm"), "{:?}", story.kinds());
    talk.hear("a", "c", None);
    talk.over("alice");
}

#[test]
fn an_agent_at_a_plain_phone_holds_by_keys_and_when_they_leave_the_caller_is_back_in_line() {
    if !available("an_agent_at_a_plain_phone_…", &["sipp", "baresip"]) {
        return;
    }
    let mut talk = Talk::begin(Server::start());
    talk.alice.key("*1");
    talk.server.story_with(&talk.sip_call_id, "hold_asked", 5);
    talk.caller.line.key("1");
    talk.server.story_with(&talk.sip_call_id, "hold_started", 5);
    talk.alice.key("*2");
    let story = talk.server.story_with(&talk.sip_call_id, "hold_ended", 5);
    assert_eq!(story.only("hold_ended")["by"], "agent");
    talk.hear("a", "c", None);

    talk.acts("alice", "hold", json!({ "reason": "looking it up", "way": "verbal", "agreed": true }));
    talk.alice.hang_up();
    let story = talk
        .server
        .story_when(&talk.sip_call_id, "in the queue again", 5, |story| story.all("enqueued").len() == 2);
    assert_eq!(story.all("hold_ended")[1]["by"], "left");
    assert!(!story.has("call_ended"), "the caller is not left alone");
    // Somebody else gets free, and takes the caller.
    let bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    let story = talk.server.story_when(&talk.sip_call_id, "connected again", 20, |story| {
        story.all("agent_connected").len() == 2
    });
    assert_eq!(story.all("agent_connected")[1]["agent"], "bob");
    talk.hear("b", "", Some((&bob, "c")));
    talk.over("bob");
}
