//! What a queue's surge is and what becomes of who joins meanwhile, as `center.yaml` says it.

use crate::flow::center::SurgeWords;
use crate::flow::center_file::wait::Links;
use crate::flow::center_file::wait::offers;
use crate::flow::center_file::wait::unserved;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::queue::api::SurgeRule;

/// More callers for each agent are no surge but a queue that nobody works in.
const MOST: i64 = 1_000;

/// `surge: { from: 3, until: 1, say: wait/surge, offers: { 3: message } }`, or `surge: { from: 3, unserved: message }`
pub(crate) fn surge(
    fields: &mut Fields<'_>,
    links: &mut Links,
    reader: &mut Reader<'_>,
) -> Option<(SurgeRule, SurgeWords)> {
    let yaml = fields.optional("surge")?;
    let mut own = reader.fields(yaml, "a surge")?;
    let from = own.require(reader, "from").and_then(|yaml| reader.number(yaml, 1, MOST));
    let until = own.optional("until").and_then(|yaml| Some((yaml.place, reader.number(yaml, 0, MOST)?)));
    let say = own.optional("say");
    let offered = own.optional("offers");
    let unserved_flow = unserved(&mut own, links, reader);
    match (say.or(offered), &unserved_flow) {
        (Some(never), Some(_)) => {
            let message = "\"unserved\" lets nobody in who could hear or choose this";
            reader.error_hint(never.place, message, "let that flow say it, or leave \"unserved\" out");
        }
        (None, None) => {
            let hint = "add \"say: name of a prompt\", or \"unserved: name of a flow\"";
            reader.error_hint(yaml.place, "nobody hears of this surge, and nobody is sent on", hint);
        }
        _ => {}
    }
    let words = SurgeWords {
        say: say.and_then(|yaml| reader.text(yaml, "a prompt")).and_then(|text| reader.prompt(text)),
        offers: offered.map(|yaml| offers(yaml, links, reader)).unwrap_or_default(),
        unserved_flow,
    };
    own.finish(reader);
    let from = from?;
    if let Some((place, until)) = until.filter(|(_, until)| *until >= from) {
        let message =
            format!("a surge that begins at more than {from} comes and goes when it ends at {until}");
        reader.error_hint(place, message, "let \"until\" be less than \"from\"");
    }
    let until = until.map_or(from / 2, |(_, until)| until);
    let count = |number: i64| u32::try_from(number).unwrap_or_default();
    let turns_away = words.unserved_flow.is_some();
    Some((SurgeRule { from: count(from), until: count(until), turns_away }, words))
}
