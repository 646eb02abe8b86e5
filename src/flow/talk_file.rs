//! What a queue of `center.yaml` says about talks: how agents hold, what a briefing note must say, whether calls
//! are transferred without one.

use crate::fact::HoldWay;
use crate::fact::note::NoteField;
use crate::flow::center::RECORDING_QUESTION;
use crate::flow::center::RECORDING_TOLD;
use crate::flow::center::RecordPolicy;
use crate::flow::center::TalkPolicy;
use crate::flow::fields::Fields;
use crate::flow::read::Reader;
use crate::flow::yaml::Text;
use crate::flow::yaml::Yaml;
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
        hold,
        note_needs: note_needs.unwrap_or(usual.note_needs),
        blind_transfer: fields.truth(reader, "blind_transfer", usual.blind_transfer),
        record: fields.optional("record").and_then(|yaml| record(yaml, reader)).unwrap_or(usual.record),
    }
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

fn hold_way(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<HoldWay> {
    let text = reader.text(yaml, "verbal or prompted")?;
    match text.text.as_str() {
        "verbal" => Some(HoldWay::Verbal),
        "prompted" => Some(HoldWay::Prompted),
        other => {
            reader.unknown(text.place, "way of asking before a hold", other, ["verbal", "prompted"]);
            None
        }
    }
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
