//! What an agent's phone shows of a call before it is picked up.

use super::*;
use crate::call::shown::Shown;
use crate::fact::IdentifiedBy;
use crate::flow::center::PhonesShow;

const NUMBER: &str = "+12025550143";

/// Somebody of this display name has waited so long when alice's phone rings.
fn rings(display: &str, waited_s: u64) -> (Script, LegId) {
    let mut script = Script::arrive("1001", NUMBER, None);
    script.happens("nobody has that number", CallEvent::Found(None));
    script.call.arrival.display = display.to_owned();
    script.now += Duration::from_secs(waited_s);
    let leg = script.rings();
    (script, leg)
}

fn shown(script: &Script, center: &Center, leg: LegId) -> (String, String, Option<String>) {
    let Shown { number, display, subject } = script.call.shown_to(center, script.now, leg);
    (number.to_owned(), display.into_owned(), subject)
}

#[test]
fn an_agent_sees_queue_wait_and_choices_and_whom_to_call_back() {
    let told = |script: &Script, leg| shown(script, &TEST_CENTER, leg);
    let (mut script, leg) = rings("A. Smith", 185);
    let (number, subject) = (NUMBER.to_owned(), Some("help 3m".to_owned()));
    assert_eq!(told(&script, leg), (number.clone(), "help 3m: A. Smith".to_owned(), subject));
    // Who the number belongs to says more than what a network calls them.
    let (customer, name) = ("100200".to_owned(), "Ann Smith".to_owned());
    script.call.known.learn(&What::Identified { customer, name, by: IdentifiedBy::CallingNumber });
    for choice in ["invoices", "help", "refund"] {
        script.call.known.learn(&What::Chose { node: "menu".into(), digit: '1', choice: choice.into() });
    }
    let subject = Some("help 3m: invoices, refund".to_owned());
    assert_eq!(told(&script, leg), (number, "help 3m: Ann Smith".to_owned(), subject));
    let (script, leg) = rings("", 20);
    assert_eq!(told(&script, leg).1, format!("help 20s: {NUMBER}"), "a name would hide the number");
    // The caller's own line, should it be dialled, says nothing of it.
    assert_eq!(told(&script, CALLER), (NUMBER.to_owned(), String::new(), None));
}

#[test]
fn what_an_agent_s_phone_shows_is_theirs_to_say_or_else_the_queue_s() {
    let (script, leg) = rings("Ann", 60);
    let with = |queue, agent: Option<PhonesShow>| {
        let mut center = TEST_CENTER.clone();
        center.talk[0].phones_show = queue;
        center.phones_show = agent.map(|shows| (ALICE, shows)).into_iter().collect();
        let (number, display, subject) = shown(&script, &center, leg);
        assert_eq!(number, NUMBER);
        (display, subject)
    };
    let told = |display: &str, subject: Option<&str>| (display.to_owned(), subject.map(str::to_owned));
    assert_eq!(with(None, None), told("help 1m: Ann", Some("help 1m")));
    assert_eq!(with(Some(PhonesShow::Queue), None), told("help: Ann", Some("help")));
    assert_eq!(with(Some(PhonesShow::Queue), Some(PhonesShow::Caller)), told("Ann", None));
    assert_eq!(with(Some(PhonesShow::Caller), Some(PhonesShow::Wait)), told("help 1m: Ann", Some("help 1m")));
}
