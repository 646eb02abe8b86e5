//! What names a server transaction among those of all peers, of one size however much a peer wrote.

use std::fmt;
use std::fmt::Write;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

/// A digest of the parts of a name: the first 128 bits of their SHA-256, so that nobody finds two that are alike.
///
/// Two requests are compared by it without a look at what they are, in memory that nobody needs otherwise; and
/// the same in every process, so that a transaction that is written down is found again. Its JSON is 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(in crate::sip) struct Key(u128);

impl Key {
    /// Of what the parts are written as, one after the other.
    pub(in crate::sip) fn of(parts: fmt::Arguments<'_>) -> Key {
        let mut digest = Parts(Sha256::new());
        // Only what is written could fail to be, and none of ours does.
        let _ = digest.write_fmt(parts);
        let [high @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
            digest.0.finalize().into();
        Key(u128::from_be_bytes(high))
    }

    /// 16 hexadecimal digits of it.
    pub(in crate::sip) fn token(self) -> String {
        format!("{:016x}", (self.0 >> 64) as u64)
    }
}

impl From<Key> for String {
    fn from(Key(key): Key) -> String {
        format!("{key:032x}")
    }
}

impl From<String> for Key {
    /// What an earlier version wrote are the parts themselves.
    fn from(written: String) -> Key {
        match u128::from_str_radix(&written, 16) {
            Ok(key) if written.len() == 32 => Key(key),
            _ => Key::of(format_args!("{written}")),
        }
    }
}

/// A digest that text is written to.
struct Parts(Sha256);

impl Write for Parts {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.update(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_of_its_parts_alone_and_comes_back_as_it_was_written_by_this_version_and_an_earlier_one() {
        let key = Key::of(format_args!("INVITE {}:{} z9hG4bK7", "192.0.2.1", 5060));
        assert_eq!(key, Key::of(format_args!("INVITE 192.0.2.1:5060 z9hG4bK7")));
        assert_ne!(key, Key::of(format_args!("INVITE 192.0.2.1:5060 z9hG4bK8")));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!((json.len(), serde_json::from_str::<Key>(&json).unwrap()), (34, key));
        assert_eq!(serde_json::from_str::<Key>("\"INVITE 192.0.2.1:5060 z9hG4bK7\"").unwrap(), key);
        assert_eq!(key.token(), json[1..17]);
    }

    #[test]
    fn a_key_is_the_beginning_of_sha_256() {
        // Of "abc": FIPS 180-2, appendix B.1.
        assert_eq!(String::from(Key::of(format_args!("abc"))), "ba7816bf8f01cfea414140de5dae2223");
    }
}
