//! A trunk of `center.yaml`, and how audio is sent: codecs, keys, SRTP.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::Name;
use crate::flow::center::BelieveNumbers;
use crate::flow::center::Dtmf;
use crate::flow::center::Site;
use crate::flow::center::SrtpPolicy;
use crate::flow::center::Trunk;
use crate::flow::center::TrunkAccount;
use crate::flow::center::TrunkRegistration;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::media::codec::Codec;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

pub(super) fn trunk(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Trunk> {
    let texts =
        fields.optional("from").map(|yaml| reader.texts(yaml, "an address or a name")).unwrap_or_default();
    let sources = texts.into_iter().filter_map(|text| site(text, reader)).collect();
    let transport = fields.optional("transport").and_then(|yaml| {
        let text = reader.text(yaml, "a transport")?;
        let found = Transport::named(&text.text).filter(|transport| !transport.is_web());
        if found.is_none() {
            reader.unknown(text.place, "transport", &text.text, ["udp", "tcp", "tls"]);
        }
        found
    });
    let transport = transport.unwrap_or(Transport::Udp);
    let outbound = fields.optional("out").and_then(|yaml| {
        let text = reader.text(yaml, "an address or a name")?;
        site(text, reader)
    });
    let certificate_name = fields.optional("certificate").and_then(|yaml| reader.name(yaml, "a host name"));
    let trusted = fields.truth(reader, "trusted", false);
    let (account, register) = match fields.optional("register") {
        Some(yaml) => registration(yaml, reader).unzip(),
        None => (account(fields, reader), None),
    };
    let srtp = fields.optional("srtp").and_then(|yaml| srtp(yaml, reader));
    let dtmf = fields.optional("dtmf").and_then(|yaml| dtmf(yaml, reader));
    let codecs = fields.optional("codecs").and_then(|yaml| codecs(yaml, reader));
    Some(Trunk {
        name: Name::from(key.text.as_str()),
        sources,
        outbound,
        transport,
        certificate_name: certificate_name.map(|name| name.to_string()),
        trusted,
        account,
        register,
        srtp,
        codecs,
        dtmf,
    })
}

/// Who we are at a trunk, and how we register there.
fn registration(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(TrunkAccount, TrunkRegistration)> {
    let mut fields = reader.fields(yaml, "a registration")?;
    let registrar = fields.require(reader, "at").and_then(|yaml| sip_uri(yaml, reader));
    let username = fields.require(reader, "as");
    let account = username.and_then(|username| account_of(username, &mut fields, reader));
    let expires = fields.duration(reader, "every", Duration::from_secs(600));
    fields.finish(reader);
    let expires_s = u32::try_from(expires.as_secs().max(60)).unwrap_or(600);
    Some((account?, TrunkRegistration { registrar: registrar?, expires_s }))
}

/// Who we are at a trunk that we do not register at. One that we do register at knows us by that name.
fn account(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<TrunkAccount> {
    let username = fields.optional("as")?;
    account_of(username, fields, reader)
}

fn account_of(username: &Yaml, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<TrunkAccount> {
    let username = reader.name(username, "a user name");
    let password_env = fields.require(reader, "password_env").and_then(|yaml| {
        let variable = reader.name(yaml, "a variable")?;
        reader.wants_variable(yaml.place, &variable, "the trunk does not learn that it is us");
        Some(variable)
    });
    Some(TrunkAccount { username: username?.to_string(), password_env: password_env?.to_string() })
}

/// `by trunk`, `from this machine`, `from private networks` or `from anywhere`
pub(super) fn believe_numbers(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<BelieveNumbers> {
    let known = [
        ("by trunk", BelieveNumbers::ByTrunk),
        ("from this machine", BelieveNumbers::FromThisMachine),
        ("from private networks", BelieveNumbers::FromPrivateNetworks),
        ("from anywhere", BelieveNumbers::FromAnywhere),
    ];
    let believed = reader.one_of(yaml, "place to believe numbers from", known)?;
    if believed == BelieveNumbers::FromAnywhere {
        let hint = "name who sends you calls under \"trunks\", whose numbers are believed".to_owned();
        let message = "whoever reaches this server from anywhere is taken for the number that they name";
        reader.warning(yaml.place, message, Some(hint));
    }
    Some(believed)
}

/// `no`, `optional`, `required` or `dtls`
pub(super) fn srtp(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<SrtpPolicy> {
    let known = [
        ("no", SrtpPolicy::No),
        ("optional", SrtpPolicy::Optional),
        ("required", SrtpPolicy::Required),
        ("dtls", SrtpPolicy::Dtls),
    ];
    reader.one_of(yaml, "policy of SRTP", known)
}

/// `audio` or `info`
pub(super) fn dtmf(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Dtmf> {
    reader.one_of(yaml, "way of key presses", [("audio", Dtmf::Audio), ("info", Dtmf::Info)])
}

/// `[opus, pcmu]`: at least one, and each once.
pub(super) fn codecs(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Vec<Codec>> {
    let before = reader.diagnostics.len();
    let named = |codec: &Codec| codec.name().to_lowercase();
    let mut codecs: Vec<Codec> = Vec::new();
    for text in reader.texts(yaml, "a codec") {
        match Codec::SUPPORTED.iter().find(|codec| named(codec) == text.text) {
            Some(codec) if codecs.contains(codec) => {
                reader.error(text.place, format!("\"{}\" is named twice", text.text));
            }
            Some(codec) => codecs.push(*codec),
            None => {
                let names: Vec<String> = Codec::SUPPORTED.iter().map(named).collect();
                reader.unknown(text.place, "codec", &text.text, names.iter().map(String::as_str));
            }
        }
    }
    if reader.diagnostics.len() > before {
        return None;
    }
    if codecs.is_empty() {
        reader.error_hint(
            yaml.place,
            "no codec is left to talk in",
            "write [pcmu, pcma], which every telephone has",
        );
        return None;
    }
    if !codecs.iter().any(|codec| matches!(codec, Codec::Pcmu | Codec::Pcma)) {
        let hint = "with pcmu or pcma at the end nobody is refused for it".to_owned();
        reader.warning(yaml.place, "a phone that has nothing but G.711 is refused", Some(hint));
    }
    Some(codecs)
}

/// `192.0.2.7` or `sip.provider.example`, with a port or without.
fn site(text: &Text, reader: &mut Reader<'_>) -> Option<Site> {
    let written = text.text.as_str();
    let alone = written.parse().map(|address| Site::Address(address, None));
    let address = alone.or_else(|_| {
        written.parse::<SocketAddr>().map(|socket| Site::Address(socket.ip(), Some(socket.port())))
    });
    let found = address.ok().or_else(|| {
        let (name, port) = match written.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok().filter(|port| *port != 0)?)),
            None => (written, None),
        };
        is_host_name(name).then(|| Site::Name(name.to_ascii_lowercase(), port))
    });
    if found.is_none() {
        let message = format!("\"{written}\" is neither an address nor the name of a host");
        reader.error_hint(text.place, message, "write 192.0.2.7, \"192.0.2.7:5060\" or sip.provider.example");
    }
    found
}

/// Whether it may be a name (RFC 1123 §2.1): one whose last part is a number is a mistyped address.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        (1..=63).contains(&label.len())
            && label.chars().all(letters)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// `sip:user@host:port`, user and port optional.
pub(super) fn sip_uri(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Uri> {
    let text = reader.text(yaml, "a SIP address")?;
    let parsed = text.text.strip_prefix("sip:").and_then(|rest| {
        let (user, host) = match rest.split_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (host, None),
        };
        let odd = |text: &str| text.is_empty() || text.contains([';', '?', '<', '>', '"', ' ', ':', '@']);
        (!odd(host) && !user.is_some_and(odd)).then(|| Uri::sip(user, host, port))
    });
    if parsed.is_none() {
        let message = format!("\"{}\" is not a SIP address", text.text);
        reader.error_hint(text.place, message, "write it as: sip:alice@192.0.2.7:5060");
    }
    parsed
}
