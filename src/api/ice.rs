//! `/api/v1/ice`: the STUN and TURN servers that a page should know, for networks that need them.
//!
//! Whoever is signed in gets credentials for TURN that last [`LASTS`], as coturn's `use-auth-secret` checks them: the
//! secret itself never leaves the server. Everybody else gets what needs no credentials.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::Hmac;
use hmac::Mac;
use serde::Serialize;
use sha1::Sha1;

use crate::api::ApiState;
use crate::api::now;
use crate::api::session::Actor;
use crate::base::Secret;
use crate::base::WallTime;
use crate::server::options::IceServers;

/// How long credentials last: a connection that was made with them goes on for longer.
const LASTS: Duration = Duration::from_secs(12 * 3600);

/// In the form that a browser's RTCPeerConnection takes.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IceJson {
    ice_servers: Vec<ServerJson>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ServerJson {
    urls: Vec<String>,
    #[serde(flatten)]
    credentials: Option<Credentials>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Credentials {
    username: String,
    credential: String,
}

/// `GET /api/v1/ice`
pub(super) async fn show(State(state): State<ApiState>, actor: Actor) -> Json<IceJson> {
    Json(IceJson::of(&state.ice, &actor, now()))
}

impl IceJson {
    fn of(servers: &IceServers, actor: &Actor, now: WallTime) -> IceJson {
        let name = match actor {
            Actor::Person(person) => Some(&*person.name),
            Actor::Local => Some("local"),
            Actor::Program(_) | Actor::Nobody => None,
        };
        let (turn, stun): (Vec<String>, Vec<String>) =
            servers.urls.iter().cloned().partition(|url| IceServers::is_turn(url));
        let credentials = servers.turn_secret.as_ref().zip(name);
        let turn = credentials.map(|(secret, name)| ServerJson {
            urls: turn,
            credentials: Some(Credentials::of(secret, name, now + LASTS)),
        });
        let stun = ServerJson { urls: stun, credentials: None };
        let ice_servers = [Some(stun), turn].into_iter().flatten().filter(|server| !server.urls.is_empty());
        IceJson { ice_servers: ice_servers.collect() }
    }
}

impl Credentials {
    /// [A REST API for access to TURN services](https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00#section-2.2)
    fn of(secret: &Secret, name: &str, until: WallTime) -> Credentials {
        let username = format!("{}:{name}", until.unix_secs());
        // HMAC takes a key of any length.
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("a key of any length");
        mac.update(username.as_bytes());
        let credential = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        Credentials { username, credential }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Person;
    use crate::store::Role;

    #[test]
    fn who_is_signed_in_gets_credentials_and_nobody_else_does() {
        let urls = ["stun:stun.example.org:3478", "turn:turn.example.org:3478?transport=udp"];
        let servers =
            IceServers { urls: urls.map(str::to_owned).to_vec(), turn_secret: Some(Secret::new("north")) };
        let now = WallTime(1_795_700_000_000_000);
        let alice = Actor::Person(Person { name: "alice".into(), role: Role::Agent });
        let told = serde_json::to_value(IceJson::of(&servers, &alice, now)).unwrap();
        let stun = serde_json::json!({ "urls": [urls[0]] });
        // openssl dgst -sha1 -hmac north -binary <<< "1795743200:alice", without the newline, in base64.
        let turn = serde_json::json!({
            "urls": [urls[1]], "username": "1795743200:alice", "credential": "1/f72Vr85snVD5R7SY7T3/dr0YA=",
        });
        assert_eq!(told["iceServers"], serde_json::json!([stun, turn]));
        let told = serde_json::to_value(IceJson::of(&servers, &Actor::Nobody, now)).unwrap();
        assert_eq!(told["iceServers"], serde_json::json!([stun]));
        let none = IceJson::of(&IceServers::default(), &alice, now);
        assert_eq!(none, IceJson { ice_servers: Vec::new() });
    }
}
