//! For how long the history is kept, and agents' phones ring; whose number is believed.

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::read;
use crate::flow::center::BelieveNumbers;
use crate::flow::center::PhonesShow;

#[test]
fn what_a_center_says_of_its_history() {
    let kept = |text: &str| {
        let text = format!("{CENTER}{text}\n");
        let kept = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap().0.keep_history;
        kept.map(|kept| kept.as_secs() / 86_400)
    };
    assert_eq!((kept(""), kept("keep_history: 24 months")), (Some(744), Some(744)));
    assert_eq!((kept("keep_history: 400d"), kept("keep_history: for ever")), (Some(400), None));
    center(
        &format!("{CENTER}keep_history: a while\n"),
        "center.yaml:6:15: error: \"a while\" is not how long a history is kept \
         (write it as 24 months or 730d, at most 3650d, or for ever)",
    );
}

#[test]
fn what_a_queue_says_of_whom_it_is_for_and_of_outcomes() {
    let with =
        |more: &str| CENTER.replace("{ needs: billing >= 3 }", &format!("{{ needs: billing >= 3, {more} }}"));
    let talk = |more: &str| {
        let center = read(&[("center.yaml", &with(more)), ("main.yaml", END)]).unwrap().0;
        center.talk_of("billing").unwrap().clone()
    };
    assert_eq!(talk("when: [an invoice, a refund]").when, ["an invoice", "a refund"]);
    assert_eq!((talk("when: a refund").when.len(), talk("priority: 0").when.len()), (1, 0));
    assert!(talk("outcome: required").outcome_required);
    assert!(!talk("outcome: optional").outcome_required && !talk("priority: 0").outcome_required);
    center(
        &with("outcome: always"),
        "center.yaml:4:52: error: no word for this is called \"always\" (there is optional, required)",
    );
}

#[test]
fn what_agents_phones_show_is_said_by_agent_queue_or_center() {
    let with = |queue: &str, center: &str, agent: &str| {
        let queue = format!("{{ needs: billing >= 3{queue} }}");
        let text = CENTER.replace("{ needs: billing >= 3 }", &queue);
        format!("{}{center}", text.replace("skills: {", &format!("{agent}skills: {{")))
    };
    let shows = |text: String| {
        let center = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap().0;
        (center.talk[0].phones_show, center.phones_show.values().copied().next())
    };
    let (queue, caller) = (Some(PhonesShow::Queue), Some(PhonesShow::Caller));
    assert_eq!(shows(with("", "", "")), (None, None));
    assert_eq!(shows(with(", phones_show: caller", "phones_show: queue\n", "")), (caller, None));
    assert_eq!(shows(with("", "phones_show: queue\n", "phones_show: caller, ")), (queue, caller));
    assert_eq!(shows(with("", "", "phones_show: wait, ")).1, Some(PhonesShow::Wait));
    center(
        &with(", phones_show: name", "", ""),
        "center.yaml:4:56: error: no choice of what phones show is called \"name\" \
         (there is wait, queue, caller)",
    );
}

#[test]
fn phones_that_ring_for_too_short_or_too_long_are_warned_of() {
    let with = |ring: &str| {
        CENTER.replace("{ needs: billing >= 3 }", &format!("{{ needs: billing >= 3, ring: {ring} }}"))
    };
    for usual in ["5s", "20s", "2m", "{ for: 20s, agents: 2 }"] {
        center(&with(usual), "");
    }
    let told = |ring: &str, column: u32, secs: u32| {
        let words = "center.yaml:4:49: warning: agents' phones ring for 7200 s each, and the caller waits meanwhile \
                     (let them ring for 5 to 120 s; 20s is usual)";
        let words = words.replace("4:49", &format!("4:{column}")).replace("7200", &secs.to_string());
        center(&with(ring), &words);
    };
    told("2h", 49, 7_200);
    told("2s", 49, 2);
    told("{ for: 3m, agents: 2 }", 56, 180);
}

#[test]
fn who_learns_from_whom_is_said_of_agents_by_name() {
    let with = |from: &str| {
        let more = format!(", bob: {{}}, carol: {{ learns_from: {from} }} }}");
        CENTER.replace(
            "{ alice: { skills: { billing: 7 } } }",
            &format!("{{ alice: {{ skills: {{ billing: 7 }} }}{more}"),
        )
    };
    let read = read(&[("center.yaml", &with("[alice, bob]")), ("main.yaml", END)]).unwrap().0;
    assert!(read.learns_from("carol", "alice") && read.learns_from("carol", "bob"));
    assert!(!read.learns_from("alice", "carol") && !read.learns_from("bob", "alice"));
    center(&with("alice"), "");
    center(
        &with("[alcie, carol, alice, alice]"),
        "center.yaml:5:78: error: no agent is called \"alcie\" (did you mean \"alice\"?)\n\
         center.yaml:5:85: error: carol cannot learn from themselves \
         (name a colleague whose talks they may hear)\n\
         center.yaml:5:99: error: the agent \"alice\" is given twice",
    );
}

#[test]
fn whose_number_is_believed_is_one_of_four_and_anybody_is_warned_of() {
    let with = |words: &str| format!("{CENTER}believe_numbers: {words}\n");
    let read = |text: &str| read(&[("center.yaml", text), ("main.yaml", END)]).unwrap().0.believe_numbers;
    assert_eq!(read(CENTER), BelieveNumbers::FromThisMachine);
    assert_eq!(read(&with("by trunk")), BelieveNumbers::ByTrunk);
    assert_eq!(read(&with("from private networks")), BelieveNumbers::FromPrivateNetworks);
    center(
        &with("always"),
        "center.yaml:6:18: error: no place to believe numbers from is called \"always\" \
         (there is by trunk, from this machine, from private networks, from anywhere)",
    );
    center(
        &with("from anywhere"),
        "center.yaml:6:18: warning: whoever reaches this server from anywhere is taken for the number that they name \
         (name who sends you calls under \"trunks\", whose numbers are believed)",
    );
}
