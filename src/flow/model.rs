//! A flow, checked: nodes by place, exits wired. Made by the checker only.

use crate::base::Name;

/// A checked flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub name: Name,
}
