//! What `center.yaml` says about talks: how agents of a queue hold, what a briefing note must say, whether calls are
//! transferred without one; how agents call people.

use std::time::Duration;

use crate::base::Name;
use crate::fact::HoldWay;
use crate::fact::note::NoteField;
use crate::flow::center::Outbound;
use crate::flow::center::OwnerFirst;
use crate::flow::center::PhonesShow;
use crate::flow::center::RECORDING_QUESTION;
use crate::flow::center::RECORDING_TOLD;
use crate::flow::center::RecordPolicy;
use crate::flow::center::TalkPolicy;
use crate::flow::center::Trunk;
use crate::flow::center_file::days;
use crate::flow::center_file::number::telephone;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::flow::whisper;
use crate::queue::hold::HoldPolicy;

/// Takes the fields of a queue that are about talks.
pub(crate) fn talk_policy(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> TalkPolicy {
    let usual = TalkPolicy::default();
    let HoldPolicy { way, longest_quote, answer_within, check_in, cap } = usual.hold;
    let hold = HoldPolicy {
        way: fields.optional("hold").and_then(|yaml| hold_way(yaml, reader)).unwrap_or(way),
        longest_quote: fields.duration(reader, "hold_quote", longest_quote),
        answer_within: fields.duration(reader, "hold_answer_within", answer_within),
        check_in: fields.duration(reader, "hold_check_in", check_in),
        cap: fields.duration(reader, "hold_cap", cap),
    };
    let note_needs = fields.optional("note_needs").map(|yaml| note_fields(yaml, reader));
    TalkPolicy {
        when: fields.optional("when").map(|yaml| said(yaml, reader)).unwrap_or_default(),
        hold,
        note_needs: note_needs.unwrap_or(usual.note_needs),
        outcome_required: fields.optional("outcome").is_some_and(|yaml| is_required(yaml, reader)),
        blind_transfer: fields.truth(reader, "blind_transfer", usual.blind_transfer),
        caller_id: fields.optional("caller_id").and_then(|yaml| telephone(yaml, reader)),
        owner_first: fields.optional("owner_first").and_then(|yaml| owner_first(yaml, reader)),
        record: fields.optional("record").and_then(|yaml| record(yaml, reader)).unwrap_or(usual.record),
        phones_show: fields.optional("phones_show").and_then(|yaml| phones_show(yaml, reader)),
        whisper: fields.optional("whisper").map(|yaml| whisper::read(yaml, reader)).unwrap_or_default(),
        // It names a flow, and is read with the others that do.
        survey: None,
    }
}

/// `[a refund, a complaint]`: what callers say who are to be brought there.
pub(crate) fn said(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<String> {
    reader.texts(yaml, "what a caller says").into_iter().map(|text| text.text.clone()).collect()
}

/// `{ within: 7d, for: 20s }`
pub(crate) fn owner_first(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<OwnerFirst> {
    let mut fields = reader.fields(yaml, "how long callers are somebody's")?;
    let within = fields.require(reader, "within").and_then(|yaml| days(yaml, reader));
    let wait = fields.duration(reader, "for", Duration::from_secs(20));
    fields.finish(reader);
    Some(OwnerFirst { within: within?, wait })
}

/// `optional` or `required`
fn is_required(yaml: &Yaml, reader: &mut Reader<'_>) -> bool {
    let text = reader.text(yaml, "optional or required");
    text.is_some_and(|text| {
        if !["optional", "required"].contains(&text.text.as_str()) {
            reader.unknown(text.place, "word for this", &text.text, ["optional", "required"]);
        }
        text.text == "required"
    })
}

/// `wait`, `queue` or `caller`
pub(crate) fn phones_show(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<PhonesShow> {
    let known = [("wait", PhonesShow::Wait), ("queue", PhonesShow::Queue), ("caller", PhonesShow::Caller)];
    reader.one_of(yaml, "choice of what phones show", known)
}

/// `no`, `yes` or `with consent`; what the caller is told then has to be there as a prompt.
fn record(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<RecordPolicy> {
    let text = reader.text(yaml, "no, yes or with consent")?;
    let (policy, prompt) = match text.text.as_str() {
        "no" => return Some(RecordPolicy::No),
        "yes" => (RecordPolicy::Yes, RECORDING_TOLD),
        "with consent" => (RecordPolicy::WithConsent, RECORDING_QUESTION),
        other => {
            reader.unknown(text.place, "way of recording", other, ["no", "yes", "with consent"]);
            return None;
        }
    };
    reader.prompt(&Text { place: text.place, text: prompt.to_owned(), quoted: true })?;
    Some(policy)
}

/// `outbound: { trunk: carrier, caller_id: "+12025550100", queue: sales, phones: yes }`
pub(crate) fn outbound(yaml: &Yaml, trunks: &[Trunk], reader: &mut Reader<'_>) -> Option<Outbound> {
    let mut fields = reader.fields(yaml, "how agents call people")?;
    let trunk = fields.optional("trunk").and_then(|yaml| {
        let name = reader.name(yaml, "the name of a trunk")?;
        let takes_calls = trunks.iter().filter(|trunk| trunk.outbound.is_some());
        let known: Vec<Name> = takes_calls.map(|trunk| trunk.name.clone()).collect();
        if !known.contains(&name) {
            reader.unknown(
                yaml.place,
                "trunk with an \"out\" address",
                &name,
                known.iter().map(|name| &**name),
            );
        }
        Some(name)
    });
    let caller_id = fields.optional("caller_id").and_then(|yaml| telephone(yaml, reader));
    let queue = fields.optional("queue").and_then(|yaml| {
        let text = reader.text(yaml, "the name of a queue")?;
        reader.queue(text)
    });
    let phones = fields.truth(reader, "phones", false);
    fields.finish(reader);
    Some(Outbound { trunk, caller_id, queue, phones })
}

fn hold_way(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<HoldWay> {
    let known = [("verbal", HoldWay::Verbal), ("prompted", HoldWay::Prompted)];
    reader.one_of(yaml, "way of asking before a hold", known)
}

fn note_fields(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<NoteField> {
    let mut fields = Vec::new();
    for text in reader.texts(yaml, "a field of the note") {
        match NoteField::ALL.into_iter().find(|field| field.name() == text.text) {
            Some(field) => fields.push(field),
            None => {
                reader.unknown(
                    text.place,
                    "field of a note",
                    &text.text,
                    NoteField::ALL.map(NoteField::name),
                );
            }
        }
    }
    fields
}
