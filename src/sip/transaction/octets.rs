//! Messages and descriptions in writing: as the text that they nearly always are, else octet by octet.

use bytes::Bytes;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Octets(Vec<u8>),
}

pub(in crate::sip) fn serialize<S: Serializer>(octets: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(octets) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => octets.serialize(serializer),
    }
}

pub(in crate::sip) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => text.into(),
        Written::Octets(octets) => octets.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Held(#[serde(with = "super")] Bytes);

    #[test]
    fn text_is_written_as_text_and_everything_comes_back() {
        let text = |octets: &[u8]| serde_json::to_string(&Held(Bytes::copy_from_slice(octets))).unwrap();
        assert_eq!(text(b"v=0\r\n"), r#""v=0\r\n""#);
        assert_eq!(text(b"\xff\x00"), "[255,0]");
        for octets in [&b"v=0\r\n"[..], b"", b"\xff\x00", "ä".as_bytes()] {
            let Held(back) = serde_json::from_str(&text(octets)).unwrap();
            assert_eq!(back, octets);
        }
    }
}
