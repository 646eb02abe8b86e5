//! Calls in virtual time: a script of what happens, a transcript of what the call wants done.

mod forward;
mod listen;
mod message;
mod model;
mod recall;
mod recording;
mod shown;
mod survey;
mod verified;
mod waiting;
mod whisper;

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::fact::MissedWhy;
use crate::fact::Quality;
use crate::fact::Reason;
use crate::fact::WaitExit;
use crate::flow::api::Customer;

const CENTER: &str = "
company: Test
language: en
languages: [en, es]
numbers:
  { 1000: greet, 1001: straight, 1002: recorded, 1003: asked, 1004: spanish, 1005: consents, 1006: outside, 1007: alone,
    1008: kept, 1009: message, 1010: told, 1011: judged, 1012: placed, 1013: surges,
    1014: closed, 1015: whispers, 1016: given }
skills: [talk]
queues:
  help: { needs: talk >= 1, permission: ask }
  recorded: { record: yes }
  asked: { record: with consent }
  told:
    needs: talk >= 1
    waiting: { messages: [wait/web, wait/letter], offer: wait/offer }
    offers: { 4: callback, 3: message }
    unserved: message
  judged: { needs: talk >= 1, record: yes, survey: after_talk }
  placed: { needs: talk >= 1, waiting: { messages: [wait/web], position: yes } }
  surges:
    surge: { from: 3, say: wait/many, offers: { 5: callback } }
    offers: { 3: message }
  closed: { surge: { from: 3, unserved: message } }
  whispers: { needs: talk >= 1, record: yes, whisper: [queues/whispers, { say: waited, as: duration }, { say: caller.name }] }
routing: longest waiting
agents:
  alice: { skills: { talk: 5 }, ready: when registered }
  bob: { ready: when registered }
  dora: { ready: when registered, learns_from: alice }
feature_codes: { '*51': ready, '*52': not ready }
trunks: { provider: { out: \"192.0.2.7:5060\" } }
";

const KEPT: &str = "
flow: kept
start: ask
nodes:
  ask:
    callback: help
    confirm: greeting/welcome
    other: { ask: greeting/welcome, begins: '0' }
    otherwise: end
    impossible: end
  end: { hang_up: done }
";

const GREET: &str = "
flow: greet
start: hello
nodes:
  hello: { play: greeting/welcome, then: queue }
  queue: { enqueue: help }
";

const STRAIGHT: &str = "
flow: straight
start: queue
nodes:
  queue: { enqueue: help }
";

const RECORDED: &str = "
flow: recorded
start: queue
nodes:
  queue: { enqueue: recorded }
";

const ASKED: &str = "
flow: asked
start: queue
nodes:
  queue: { enqueue: asked }
";

const SPANISH: &str = "
flow: spanish
start: speak
nodes:
  speak: { speak: es, then: queue }
  queue: { enqueue: help }
";

const WAIT_PROMPTS: &str = "wait/all-busy wait/less-than wait/question wait/question-hold wait/granted wait/declined \
    wait/callback-promised wait/web wait/letter wait/offer wait/many wait/check-in wait/sorry wait/position wait/in-line wait/agent-calling-back wait/callback-greeting";

/// Asks before the queue would.
const CONSENTS: &str = "
flow: consents
start: ask
nodes:
  ask: { consent: recording/question, tries: 1, yes: queue, no: queue, no_input: queue }
  queue: { enqueue: asked, permission: given by this file }
";

static TEST_CENTER: LazyLock<Center> = LazyLock::new(|| {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    // Whose callers go to the queue of that name at once.
    let straight = ["told", "placed", "surges", "closed", "judged", "whispers"].map(|queue| {
        let flow = format!("flow: {queue}\nstart: queue\nnodes:\n  queue: {{ enqueue: {queue} }}\n");
        (format!("{queue}.yaml"), flow)
    });
    let others = [
        file("center.yaml", CENTER),
        file("greet.yaml", GREET),
        file("straight.yaml", STRAIGHT),
        file("recorded.yaml", RECORDED),
        file("asked.yaml", ASKED),
        file("spanish.yaml", SPANISH),
        file("consents.yaml", CONSENTS),
        file("kept.yaml", KEPT),
        file("outside.yaml", forward::OUTSIDE),
        file("alone.yaml", forward::ALONE),
        file("given.yaml", whisper::GIVEN),
        file("message.yaml", message::MESSAGE),
        file("after_talk.yaml", survey::AFTER_TALK),
    ];
    let words =
        ["greeting/welcome", "hold-music", "beep", "recording/told", "recording/question", "queues/whispers"]
            .into_iter()
            .chain(WAIT_PROMPTS.split_whitespace());
    let prompts = words
        .map(str::to_owned)
        .chain(["en", "es"].into_iter().flat_map(crate::flow::say::prompts))
        .collect();
    let files: Vec<(String, String)> = others.into_iter().chain(straight).collect();
    crate::flow::load(&files, &prompts).expect("the test center is well-formed").0
});

/// A call with its script's time.
struct Script {
    call: Call,
    now: Timestamp,
    transcript: String,
    facts: Vec<What>,
    over: bool,
}

const CALLER: LegId = LegId::of(CallId(7), 0);
const ALICE: AgentId = AgentId(0);

impl Script {
    fn arrive(dialled: &str, from: &str, agent: Option<AgentId>) -> Script {
        let arrival = Arrival {
            leg: CALLER,
            number: from.to_owned(),
            claimed: None,
            display: String::new(),
            dialled: dialled.to_owned(),
            sip_call_id: "abc@host".to_owned(),
            source: "udp 127.0.0.1:5070".to_owned(),
            trunk: None,
            contact: "sip:there@127.0.0.1:5070".to_owned(),
            agent,
        };
        let (mut out, now) = (Vec::new(), Timestamp::ZERO);
        let call = Call::arrive(CallId(7), &TEST_CENTER, now, WallTime(0), arrival, &mut out);
        let mut script = Script::of(call, now);
        script.note("arrive", out);
        script
    }

    fn of(call: Call, now: Timestamp) -> Script {
        Script { call, now, transcript: String::new(), facts: Vec::new(), over: false }
    }

    /// The line to the caller that was dialled last.
    fn dialled(&self) -> LegId {
        match &self.call.phase {
            Phase::CallingBack(callback) => callback.leg,
            other => panic!("nobody is called back: {other:?}"),
        }
    }

    fn happens(&mut self, what: &str, event: CallEvent) -> &mut Script {
        // Written down and read back before every event: nothing may be lost by it.
        let text = serde_json::to_string(&self.call).expect("a call can be written down");
        let read: Call = serde_json::from_str(&text).expect("a call can be read back");
        assert_eq!(read, self.call);
        self.call = read;
        let mut out = Vec::new();
        self.call.handle(&TEST_CENTER, self.now, WallTime(0), event, &mut out);
        self.note(what, out);
        self
    }

    fn leg(&mut self, what: &str, leg: LegId, event: LegEvent) -> &mut Script {
        self.happens(what, CallEvent::Leg { leg, event })
    }

    fn word(&mut self, what: &str, word: QueueWord) -> &mut Script {
        self.happens(what, CallEvent::Queue(word))
    }

    /// A key, and no other for so long that it stands alone.
    fn digit(&mut self, digit: char) -> &mut Script {
        self.keys(&digit.to_string())
    }

    /// Keys one after the other, five a second, and then none.
    fn keys(&mut self, keys: &str) -> &mut Script {
        let mut out = Vec::new();
        for digit in keys.chars() {
            self.now += Duration::from_millis(200);
            let event = CallEvent::Digit { leg: CALLER, digit };
            self.call.handle(&TEST_CENTER, self.now, WallTime(0), event, &mut out);
        }
        if matches!(self.call.phase, Phase::Waiting(_)) {
            self.now += BURST;
            self.call.handle(&TEST_CENTER, self.now, WallTime(0), CallEvent::Tick, &mut out);
        }
        self.note(&format!("key {keys}"), out);
        self
    }

    /// What plays comes to its end.
    fn play_ends(&mut self, leg: LegId, play: u32) -> &mut Script {
        let play = PlayId(FIRST_PLAY + play);
        self.happens("play ends", CallEvent::PlayEnded { leg, play, stopped: false })
    }

    fn flow_play_ends(&mut self, play: u32) -> &mut Script {
        let play = PlayId(play);
        self.happens("play ends", CallEvent::PlayEnded { leg: CALLER, play, stopped: false })
    }

    /// Time passes until the call's own deadline.
    fn waits(&mut self) -> &mut Script {
        self.now = self.call.deadline().expect("the call has a deadline");
        self.happens(&format!("at {}", self.now), CallEvent::Tick)
    }

    fn rings(&mut self) -> LegId {
        let by = crate::fact::ChosenBy::LongestWait;
        let why =
            Reason { waiting: 1, fitting: 1, fit: 0, idle: Duration::from_secs(5), by, agents_by: None };
        self.word(
            "engine rings alice",
            QueueWord::Ring { agent: ALICE, name: "alice".into(), attempt: 1, why },
        );
        self.call.agent.as_ref().expect("an agent rings").leg
    }

    fn closes(&mut self, leg: LegId) -> &mut Script {
        self.leg("line closes", leg, LegEvent::Closed { quality: Quality::default() })
    }

    fn note(&mut self, what: &str, out: Vec<CallAction>) {
        writeln!(self.transcript, "{what}").unwrap();
        for action in out {
            assert!(!self.over, "something was wanted after the call was over: {action:?}");
            self.over = action == CallAction::Over;
            if let CallAction::Fact(what) = &action {
                self.facts.push(what.clone());
            }
            if let Some(words) = in_words(&action) {
                writeln!(self.transcript, "  {words}").unwrap();
            }
        }
    }

    fn check(&self, expected: &str) {
        let expected = expected.trim_start_matches('\n');
        assert_eq!(self.transcript.trim_end(), expected.trim_end(), "\n{}", self.transcript);
    }
}

/// An action in words; facts about lines and plays are left out, for they follow from the rest.
fn in_words(action: &CallAction) -> Option<String> {
    let prompts = |prompts: &[Name]| prompts.join(" ");
    Some(match action {
        CallAction::Fact(
            What::LegOpened { .. } | What::LegClosed { .. } | What::Played { .. } | What::NodeEntered { .. },
        ) => return None,
        CallAction::Fact(what) => {
            let value = serde_json::to_value(what).unwrap();
            format!("fact: {}", value["fact"].as_str().unwrap())
        }
        CallAction::FindCustomer { number } => format!("who has {number}"),
        CallAction::Answer { .. } => "answer".to_owned(),
        CallAction::Ring { .. } => "ring".to_owned(),
        CallAction::Refuse { status, .. } => format!("refuse {status}"),
        CallAction::HangUp { leg, .. } => format!("hang up {}", leg.0 & 0xffff),
        CallAction::DialAgent { leg, agent, .. } => format!("dial agent {agent} on {}", leg.0 & 0xffff),
        CallAction::DialCaller { leg, number } => format!("dial caller {number} on {}", leg.0 & 0xffff),
        CallAction::DialNumber { leg, number } => format!("dial {number} on {}", leg.0 & 0xffff),
        CallAction::DialUser { leg, user } => format!("dial user {user} on {}", leg.0 & 0xffff),
        CallAction::Record { leg, file, record } => {
            let file = file.map_or_else(String::new, |file| format!(" into {file}"));
            format!("record {}{file}: {record:?}", leg.0 & 0xffff)
        }
        CallAction::Discard { file } => format!("discard {}/{file}", file.kind.folder()),
        CallAction::Mute { leg, on } => format!("mute {}: {on}", leg.0 & 0xffff),
        CallAction::Gain { leg, gain_db } => format!("gain of {}: {gain_db} dB", leg.0 & 0xffff),
        CallAction::SendKeys { keys, .. } => format!("send keys {keys}"),
        CallAction::Play { leg, prompts: list, repeat, .. } => {
            let again = if *repeat { " again and again" } else { "" };
            format!("play to {}: {}{again}", leg.0 & 0xffff, prompts(list))
        }
        CallAction::StopPlay { .. } => "stop playing".to_owned(),
        CallAction::Join { a, b } => format!("join {} and {}", a.0 & 0xffff, b.0 & 0xffff),
        CallAction::Part { .. } => "part".to_owned(),
        CallAction::Hear { leg, whom } => {
            let whom: Vec<String> = whom.iter().map(|leg| (leg.0 & 0xffff).to_string()).collect();
            format!("{} hears {}", leg.0 & 0xffff, whom.join(" and "))
        }
        CallAction::Echo { .. } => "echo".to_owned(),
        CallAction::DialBot { .. } => "dial a bot".to_owned(),
        CallAction::BotKey { digit, .. } => format!("the bot hears of {digit}"),
        CallAction::Verify { .. } => "verify".to_owned(),
        CallAction::Fetch(question) => format!("ask {}", question.service.name),
        CallAction::Queue(event) => {
            let text = format!("{event:?}");
            let name = text.split([' ', '(', '{']).next().unwrap();
            match event {
                queue::Event::Permission { answer, .. } => format!("engine: {name} {answer:?}"),
                queue::Event::RingFailed { why, .. } => format!("engine: {name} {why:?}"),
                _ => format!("engine: {name}"),
            }
        }
        CallAction::Over => "over".to_owned(),
    })
}

fn asks() -> QueueWord {
    QueueWord::AskPermission { quote: Some(Duration::from_secs(150)), position: 2 }
}

fn holds() -> QueueWord {
    QueueWord::Hold { until: Timestamp::from_secs(300), by_flow_file: false }
}

#[test]
fn a_stranger_is_greeted_waits_with_permission_and_talks() {
    let mut script = Script::arrive("1000", "+12025550100", None);
    script.happens("nobody has that number", CallEvent::Found(None));
    script.leg("line up", CALLER, LegEvent::Up);
    script.flow_play_ends(1);
    script.word("engine asks", asks());
    script.digit('1');
    script.word("engine holds", holds());
    script.play_ends(CALLER, 1);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.word(
        "engine notes it",
        QueueWord::Connected { waited: Duration::from_secs(9), quote: Some(Duration::from_secs(150)) },
    );
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.closes(agent).closes(CALLER);
    script.check(
        "
arrive
  fact: call_arrived
  who has +12025550100
nobody has that number
  answer
  fact: call_answered
  fact: flow_started
  play to 0: greeting/welcome
line up
play ends
  engine: Enqueue
engine asks
  fact: wait_asked
  play to 0: wait/all-busy wait/less-than numbers/3 units/minutes wait/question
key 1
  fact: digit
  engine: Permission Granted
engine holds
  fact: wait_granted
  play to 0: wait/granted
play ends
  fact: hold_music_started
  play to 0: hold-music again and again
engine rings alice
  fact: agent_ringing
  dial agent 0 on 1
alice picks up
  join 0 and 1
  engine: PickedUp
engine notes it
  fact: agent_connected
the caller hangs up
  hang up 1
  fact: talk_ended
  engine: TalkEnded
line closes
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn a_silent_caller_is_not_held() {
    let mut script = Script::arrive("1001", "", None);
    script.word("engine asks", asks());
    script.play_ends(CALLER, 0);
    script.waits();
    script.word("engine asks again", asks());
    script.play_ends(CALLER, 1);
    script.waits();
    script.word("engine gives up", QueueWord::Exit { exit: WaitExit::Declined });
    script.play_ends(CALLER, 2);
    script.closes(CALLER);
    assert!(!script.transcript.contains("hold-music"), "{}", script.transcript);
    assert!(script.transcript.ends_with("fact: call_ended\n  over\n"), "{}", script.transcript);
    assert_eq!(script.transcript.matches("Permission Silent").count(), 2, "{}", script.transcript);
}

#[test]
fn a_caller_waits_in_the_language_that_they_chose_and_the_agent_hears_the_centers() {
    let mut script = Script::arrive("1004", "", None);
    let quote = Some(Duration::from_secs(20 * 60 + 1));
    script.word("engine asks", QueueWord::AskPermission { quote, position: 1 });
    // "veintiún minutos": one word, in the form before a noun.
    assert!(
        script.transcript.contains("wait/less-than numbers/21-short units/minutes"),
        "{}",
        script.transcript
    );
    let agent = script.rings();
    assert_eq!(**script.call.language_of(&TEST_CENTER, CALLER), *"es");
    assert_eq!(**script.call.language_of(&TEST_CENTER, agent), *"en");
}

#[test]
fn an_agent_who_misses_a_call_leaves_the_caller_where_they_were() {
    let mut script = Script::arrive("1001", "", None);
    let first = script.rings();
    script.leg("alice's phone is busy", first, LegEvent::Failed { status: 486 });
    script.closes(first);
    let second = script.rings();
    let why = MissedWhy::NoAnswer;
    script.word("ring timeout", QueueWord::StopRing { agent: ALICE, why });
    script.closes(second);
    script.check(
        "
arrive
  fact: call_arrived
  answer
  fact: call_answered
  fact: flow_started
  engine: Enqueue
engine rings alice
  fact: agent_ringing
  dial agent 0 on 1
  play to 0: ringback again and again
alice's phone is busy
  fact: agent_missed
  stop playing
  engine: RingFailed Busy
line closes
engine rings alice
  fact: agent_ringing
  dial agent 0 on 2
  play to 0: ringback again and again
ring timeout
  hang up 2
  fact: agent_missed
  stop playing
line closes",
    );
}

#[test]
fn who_came_by_a_trunk_is_offered_a_callback_where_some_trunk_could_call_them() {
    let mut deaf = Center::clone(&TEST_CENTER);
    deaf.trunks[0].outbound = None;
    let question = |center: &Center, trunk: Option<&str>| {
        let mut script = Script::arrive("1001", "", None);
        let arrival = &mut script.call.arrival;
        (arrival.number, arrival.trunk) = ("+12025550143".to_owned(), trunk.map(Name::from));
        let mut out = Vec::new();
        script.call.handle(center, script.now, WallTime(0), CallEvent::Queue(asks()), &mut out);
        script.note("asked", out);
        let asked = script.transcript.split("asked").last().expect("asked").trim().to_owned();
        asked.rsplit(' ').next().expect("words").to_owned()
    };
    assert_eq!(question(&TEST_CENTER, Some("provider")), "wait/question");
    assert_eq!(question(&deaf, Some("provider")), "wait/question-hold", "nobody could call them");
    assert_eq!(question(&deaf, None), "wait/question", "a phone that dialled us by itself is where it was");
}

#[test]
fn who_cannot_be_called_back_is_offered_no_callback_and_gets_none() {
    let mut script = Script::arrive("1001", "", None);
    script.word("engine asks", asks());
    script.digit('2');
    script.digit('1');
    script.word("engine holds", holds());
    script.digit('2');
    let asked = script.transcript.split("engine asks").nth(1).expect("asked");
    assert_eq!(
        asked.trim(),
        "fact: wait_asked
  play to 0: wait/all-busy wait/less-than numbers/3 units/minutes wait/question-hold
key 2
key 1
  fact: digit
  engine: Permission Granted
engine holds
  fact: wait_granted
  play to 0: wait/granted
key 2"
    );
}

#[test]
fn a_caller_who_chose_a_callback_is_called_when_an_agent_is_there() {
    let mut script = Script::arrive("1001", "+12025550100", None);
    script.waits();
    script.word("engine asks", asks());
    script.digit('2');
    script.word("engine keeps the place", QueueWord::KeepPlace);
    script.play_ends(CALLER, 1);
    script.closes(CALLER);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.word("noted", QueueWord::Connected { waited: Duration::from_secs(60), quote: None });
    let caller = LegId::of(CallId(7), 2);
    script.leg("the caller picks up", caller, LegEvent::Up);
    script.play_ends(caller, 3);
    script.leg("alice hangs up", agent, LegEvent::Ended { cause: "hung up".into() });
    script.closes(agent).closes(caller);
    script.check(
        "
arrive
  fact: call_arrived
  who has +12025550100
at 0.150000s
  answer
  fact: call_answered
  fact: flow_started
  engine: Enqueue
engine asks
  fact: wait_asked
  play to 0: wait/all-busy wait/less-than numbers/3 units/minutes wait/question
key 2
  fact: digit
  engine: Permission Callback
engine keeps the place
  fact: callback_chosen
  play to 0: wait/callback-promised
play ends
  hang up 0
line closes
engine rings alice
  fact: agent_ringing
  dial agent 0 on 1
alice picks up
  play to 1: wait/agent-calling-back
  fact: callback_dialled
  dial caller +12025550100 on 2
  engine: PickedUp
noted
the caller picks up
  play to 2: wait/callback-greeting
play ends
  join 2 and 1
  fact: agent_connected
alice hangs up
  hang up 2
  fact: talk_ended
  engine: TalkEnded
line closes
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn a_callback_that_a_flow_agreed_is_made_to_the_number_that_was_keyed() {
    let mut script = Script::arrive("1008", "", None);
    script.flow_play_ends(1);
    "0301#".chars().for_each(|key| {
        script.digit(key);
    });
    script.flow_play_ends(2);
    script.transcript.clear();
    script.digit('1');
    script.word("engine keeps the place", QueueWord::KeepPlace);
    script.play_ends(CALLER, 0);
    script.closes(CALLER);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.leg("they pick up", LegId::of(CallId(7), 2), LegEvent::Up);
    script.play_ends(LegId::of(CallId(7), 2), 2);
    script.check(
        "
key 1
  fact: digit
  engine: KeepPlace
engine keeps the place
  fact: callback_chosen
  play to 0: wait/callback-promised
play ends
  hang up 0
line closes
engine rings alice
  fact: agent_ringing
  dial agent 0 on 1
alice picks up
  play to 1: wait/agent-calling-back
  fact: callback_dialled
  dial 0301 on 2
  engine: PickedUp
they pick up
  play to 2: wait/callback-greeting
play ends
  join 2 and 1",
    );
}

#[test]
fn a_callback_that_reaches_nobody_keeps_its_place() {
    let mut script = Script::arrive("1001", "+12025550100", None);
    script.waits();
    script.word("engine keeps the place", QueueWord::KeepPlace);
    script.play_ends(CALLER, 0);
    script.closes(CALLER);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.waits();
    assert!(script.transcript.contains("fact: callback_failed"), "{}", script.transcript);
    assert!(script.transcript.ends_with("engine: CallbackFailed\n"), "{}", script.transcript);
    script.closes(agent).closes(LegId::of(CallId(7), 2));
    script.word("all tries failed", QueueWord::Exit { exit: WaitExit::CallbackFailed });
    assert!(script.over);
}

#[test]
fn a_caller_may_hang_up_at_every_step() {
    let steps: [&dyn Fn(&mut Script); 7] = [
        &|_| {},
        &|script| {
            script.happens("nobody has that number", CallEvent::Found(None));
        },
        &|script| {
            script.leg("line up", CALLER, LegEvent::Up);
        },
        &|script| {
            script.flow_play_ends(1);
        },
        &|script| {
            script.word("engine asks", asks());
        },
        &|script| {
            script.word("engine holds", holds());
        },
        &|script| {
            script.rings();
        },
    ];
    for hung_up_after in 0..steps.len() {
        let mut script = Script::arrive("1000", "+12025550100", None);
        for step in &steps[..=hung_up_after] {
            step(&mut script);
        }
        script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
        if let Some(line) = script.call.agent.clone() {
            let why = MissedWhy::Withdrawn;
            script.word("engine withdraws", QueueWord::StopRing { agent: ALICE, why });
            script.closes(line.leg);
        }
        script.closes(CALLER);
        assert!(script.over, "after step {hung_up_after}:\n{}", script.transcript);
        let queued = script.transcript.contains("engine: Enqueue");
        assert_eq!(script.transcript.contains("engine: Abandoned"), queued, "{}", script.transcript);
    }
}

#[test]
fn an_agents_phone_sets_its_agents_state() {
    let mut script = Script::arrive("*51", "alice", Some(ALICE));
    script.play_ends(CALLER, 0);
    script.closes(CALLER);
    script.check(
        "
arrive
  fact: call_arrived
  answer
  fact: call_answered
  engine: AgentWants
  play to 0: agent/ready
play ends
  hang up 0
line closes
  fact: call_ended
  over",
    );
    assert!(Script::arrive("*51", "mallory", None).transcript.contains("refuse 404"));
}

#[test]
fn a_known_caller_is_known_to_the_flow() {
    let ann = Customer { account: "100200".into(), name: "Ann".into(), name_prompt: None };
    let mut script = Script::arrive("1000", "+12025550143", None);
    script.happens("ann has that number", CallEvent::Found(Some(ann.clone())));
    assert_eq!(script.call.run.as_ref().and_then(|run| run.caller().customer.clone()), Some(ann));
}
