//! `survey` of a queue in `center.yaml`: the flow that goes on with callers after their talk, and with whom.

use std::time::Duration;

use crate::base::Name;
use crate::flow::center::SurveyPolicy;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Value;

/// A shorter talk is none that anybody could judge.
const AFTER: Duration = Duration::from_secs(20);
/// Nobody likes to be asked after every call.
const AGAIN: Duration = Duration::from_secs(4 * 60 * 60);

/// `survey: after_talk`, or `survey: { flow: after_talk, after: 20s, again: 4h }`; and where the flow is named.
pub(crate) fn survey(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<(SurveyPolicy, Place)> {
    let yaml = fields.optional("survey")?;
    if let Value::Text(_) = &yaml.value {
        let flow = reader.name(yaml, "the name of a flow")?;
        return Some((SurveyPolicy { flow, after: AFTER, again: AGAIN }, yaml.place));
    }
    let mut fields = reader.fields(yaml, "a survey")?;
    let flow: Option<(Name, Place)> = fields
        .require(reader, "flow")
        .and_then(|yaml| Some((reader.name(yaml, "the name of a flow")?, yaml.place)));
    let (after, again) = (fields.duration(reader, "after", AFTER), fields.duration(reader, "again", AGAIN));
    fields.finish(reader);
    let (flow, place) = flow?;
    Some((SurveyPolicy { flow, after, again }, place))
}
