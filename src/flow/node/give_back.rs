//! `return`: ends a flow that was called, with a result.

use crate::base::Name;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Next;

/// The end of a called flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GiveBack {
    pub result: Name,
}

impl GiveBack {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> GiveBack {
        let result = fields.require(reader, "return").and_then(|yaml| reader.name(yaml, "a result"));
        GiveBack { result: result.unwrap_or_default() }
    }

    pub fn enter(&self) -> Next {
        Next::Return(Name::clone(&self.result))
    }
}
