//! Which calls a new version of the flow files is tried on before all calls get it. The same caller always gets the same
//! side. Nothing is served here.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::Center;
use crate::media::library::Library;
use crate::store::customers::normal_number;

/// The most numbers, or callers, that one canary names.
pub const MOST_NAMED: usize = 10_000;
/// All callers, in the unit of [`Audience::Share`].
const ALL: u16 = 10_000;

/// Who meets a version that is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// So many hundredths of a per cent of callers, drawn by their numbers. Who withholds theirs is drawn for each call.
    Share(u16),
    /// Whoever dials one of these numbers of the center.
    Dialled(BTreeSet<String>),
    /// These callers, by number.
    Callers(BTreeSet<String>),
}

/// Why nobody can be meant.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AudienceError {
    #[error("a canary's share is more than 0 and less than 100 per cent, got {0}")]
    Share(f64),
    #[error("{0:?} is no calling number")]
    NoNumber(String),
    #[error("nobody is named")]
    Nobody,
    #[error("at most {MOST_NAMED} can be named, got {0}")]
    TooMany(usize),
    #[error("the version that is tried has no number {0:?}")]
    UnknownNumber(String),
}

impl Audience {
    /// A share in per cent; a hundredth of one is the least.
    pub fn share(percent: f64) -> Result<Audience, AudienceError> {
        let hundredths = (percent * 100.0).round();
        match hundredths > 0.0 && hundredths < f64::from(ALL) {
            true => Ok(Audience::Share(hundredths as u16)),
            false => Err(AudienceError::Share(percent)),
        }
    }

    /// Whoever dials one of these.
    pub fn dialled(numbers: Vec<String>) -> Result<Audience, AudienceError> {
        some(numbers.into_iter().map(Ok)).map(Audience::Dialled)
    }

    /// These callers, whose numbers may be written in any way: `+1 (202) 555-0143`.
    pub fn callers(numbers: &[String]) -> Result<Audience, AudienceError> {
        let normal = |number: &String| match normal_number(number) {
            none if none.is_empty() => Err(AudienceError::NoNumber(number.clone())),
            normal => Ok(normal),
        };
        some(numbers.iter().map(normal)).map(Audience::Callers)
    }

    /// Whether every number is one of the version that is tried.
    pub fn fits(&self, center: &Center) -> Result<(), AudienceError> {
        let Audience::Dialled(numbers) = self else { return Ok(()) };
        match numbers.iter().find(|number| !center.numbers.contains_key(*number)) {
            Some(unknown) => Err(AudienceError::UnknownNumber(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Whether a call meets `version`. `call` names this call and no other: it is drawn by that where nobody knows the
    /// caller.
    pub fn takes(&self, version: &str, caller: &str, dialled: &str, call: &str) -> bool {
        let caller = normal_number(caller);
        match self {
            Audience::Share(share) => draw(version, if caller.is_empty() { call } else { &caller }) < *share,
            Audience::Dialled(numbers) => numbers.contains(dialled),
            Audience::Callers(callers) => callers.contains(&caller),
        }
    }
}

/// `10 % of callers`, `who dials 1000 or 1001`, `14 callers`.
impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Audience::Share(share) => write!(f, "{} % of callers", f64::from(*share) / 100.0),
            Audience::Dialled(numbers) if numbers.len() > 3 => {
                write!(f, "who dials one of {} numbers", numbers.len())
            }
            Audience::Dialled(numbers) => {
                let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
                write!(f, "who dials {}", numbers.join(" or "))
            }
            Audience::Callers(callers) if callers.len() == 1 => f.write_str("1 caller"),
            Audience::Callers(callers) => write!(f, "{} callers", callers.len()),
        }
    }
}

/// A caller's place among all, the same for as long as this version is tried, whatever the share: who had it at 10 % has
/// it at 20 %. Another version draws anew, so that it is not the same callers who meet every change first.
fn draw(version: &str, caller: &str) -> u16 {
    let hash = Sha256::digest(format!("{version}\0{caller}"));
    let (number, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    // Less than `ALL`, which fits.
    (u64::from_be_bytes(*number) % u64::from(ALL)) as u16
}

fn some(
    numbers: impl Iterator<Item = Result<String, AudienceError>>,
) -> Result<BTreeSet<String>, AudienceError> {
    let numbers: BTreeSet<String> = numbers.collect::<Result<_, _>>()?;
    match numbers.len() {
        0 => Err(AudienceError::Nobody),
        MOST_NAMED.. if numbers.len() > MOST_NAMED => Err(AudienceError::TooMany(numbers.len())),
        _ => Ok(numbers),
    }
}

/// A version of the flow files, with what it plays.
#[derive(Clone, Debug)]
pub struct Edition {
    pub version: Name,
    pub center: Arc<Center>,
    pub library: Arc<Library>,
}

/// A version that is tried.
#[derive(Clone, Debug)]
pub struct Canary {
    pub edition: Edition,
    pub audience: Audience,
    /// Since when: outcomes of all versions are counted from then on.
    pub began: WallTime,
}

/// What calls from now on are served with.
#[derive(Clone, Debug)]
pub struct Served {
    /// What all get who do not get the other.
    pub all: Edition,
    pub canary: Option<Canary>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(audience: &Audience, version: &str) -> Vec<u32> {
        let takes = |caller: &u32| audience.takes(version, &format!("+1202555{caller:04}"), "1000", "x");
        (0..10_000).filter(takes).collect()
    }

    #[test]
    fn a_share_is_about_as_many_callers_and_always_the_same_ones() {
        let tenth = Audience::share(10.0).expect("a share");
        let first = who(&tenth, "a1b2");
        assert!((900..=1_100).contains(&first.len()), "{}", first.len());
        assert_eq!(who(&tenth, "a1b2"), first);
        let fifth = who(&Audience::share(20.0).expect("a share"), "a1b2");
        assert!(first.iter().all(|caller| fifth.contains(caller)), "who had it keeps it when more get it");
        let other = who(&tenth, "c3d4");
        let both = first.iter().filter(|caller| other.contains(caller)).count();
        assert!(both < 200, "another version is tried on others: {both}");
        assert!(tenth.takes("a1b2", &format!("+1 202 555-{:04}", first[0]), "1000", "y"), "however written");
    }

    #[test]
    fn withheld_numbers_are_drawn_by_call() {
        let half = Audience::share(50.0).expect("a share");
        let taken = (0..1_000).filter(|call| half.takes("a1b2", "", "1000", &call.to_string())).count();
        assert!((400..=600).contains(&taken), "{taken}");
    }

    #[test]
    fn numbers_and_callers_are_those_named_and_no_others() {
        let dialled = Audience::dialled(vec!["1999".to_owned()]).expect("a number");
        assert!(dialled.takes("a", "+12025550143", "1999", "x"));
        assert!(!dialled.takes("a", "1999", "1000", "x"));
        let callers = Audience::callers(&["+1 (202) 555-0143".to_owned()]).expect("a caller");
        assert!(callers.takes("a", "+12025550143", "1000", "x"));
        assert!(!callers.takes("a", "+12025550144", "1000", "x"));
        assert!(!callers.takes("a", "", "1000", "+12025550143"));
    }

    #[test]
    fn nobody_and_everybody_is_no_audience() {
        for percent in [0.0, 0.004, 100.0, 99.999, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Audience::share(percent), Err(AudienceError::Share(_))), "{percent}");
        }
        assert_eq!(Audience::dialled(Vec::new()), Err(AudienceError::Nobody));
        assert_eq!(
            Audience::callers(&["alice".to_owned()]),
            Err(AudienceError::NoNumber("alice".to_owned()))
        );
        let many: Vec<String> = (0..=MOST_NAMED).map(|number| number.to_string()).collect();
        assert_eq!(Audience::callers(&many), Err(AudienceError::TooMany(MOST_NAMED + 1)));
        let words = |audience: Result<Audience, AudienceError>| audience.expect("an audience").to_string();
        assert_eq!(words(Audience::share(0.5)), "0.5 % of callers");
        assert_eq!(words(Audience::dialled(vec!["2".into(), "1".into()])), "who dials 1 or 2");
        assert_eq!(words(Audience::callers(&["+1".into()])), "1 caller");
    }
}
