//! Numbers that are dialled and that the center does not have, where it has one that is the same but for a `+`, zeros or a
//! prefix: most often the trunk sends them in another form. Nobody guesses; the log says so.

use tracing::warn;

use super::Now;
use super::Switchboard;
use crate::base::Latest;
use crate::base::Timestamp;

/// How long one number is not told again, and of how many that is remembered.
const AGAIN_AFTER_S: u64 = 60;
const REMEMBERED: usize = 64;
/// So many last digits are a number, whatever stands before them.
const ALIKE: usize = 7;

/// Which numbers were told, and when.
pub(super) struct Misdialled(Latest<String, Timestamp>);

impl Default for Misdialled {
    fn default() -> Misdialled {
        Misdialled(Latest::new(REMEMBERED))
    }
}

impl Switchboard {
    /// Tells of a number that is none of the center's and nearly is.
    pub(super) fn tell_near_miss(&mut self, now: Now, dialled: &str) {
        let center = &self.parts.center;
        if center.numbers.contains_key(dialled) || center.feature_codes.contains_key(dialled) {
            return;
        }
        let Some(near) = center.numbers.keys().find(|number| are_alike(number, dialled)) else { return };
        let again = |at: &Timestamp| now.at.since(*at).as_secs() >= AGAIN_AFTER_S;
        if !self.misdialled.0.get(dialled).is_none_or(again) {
            return;
        }
        warn!(dialled, numbers_has = %near, "refused with 404: the center has the number in another form");
        self.misdialled.0.put(dialled.to_owned(), now.at);
    }
}

/// Whether two numbers may be the same one, written with and without what stands before it.
fn are_alike(one: &str, other: &str) -> bool {
    let bare = |number: &str| number.trim_start_matches(['+', '0']).to_owned();
    let (one, other) = (bare(one), bare(other));
    let digits = |number: &str| number.len() >= ALIKE && number.chars().all(|c| c.is_ascii_digit());
    digits(&one) && digits(&other) && (one.ends_with(&other) || other.ends_with(&one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_in_another_form_is_alike_and_no_other() {
        for other in ["12025550100", "0012025550100", "2025550100", "02025550100", "+12025550100"] {
            assert!(are_alike("+12025550100", other), "{other}");
        }
        for other in ["12025550101", "0100", "", "12025550100x", "912025550", "*51"] {
            assert!(!are_alike("+12025550100", other), "{other}");
        }
        assert!(!are_alike("1000", "91000"), "short numbers are their own");
    }
}
