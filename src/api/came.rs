//! How a request came: from whom, over HTTPS or not, and whether somebody passed it on. It is found out once, before anything is
//! decided by it.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Version;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::api::ApiState;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Came {
    /// Who asks: the peer, or whom our proxy had it from.
    pub from: IpAddr,
    /// Nobody between the browser and us, or our proxy, can read it.
    pub over_https: bool,
    /// Somebody passed it on: what comes from this machine so was not asked by it.
    pub passed_on: bool,
}

/// The mark of a request that came over HTTPS of our own.
#[derive(Clone, Copy, Debug)]
pub(super) struct OverHttps;

impl Came {
    /// `proxy` are the names under which a proxy on this machine is reached.
    fn of(request: &Request, proxy: &[String]) -> Came {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip().to_canonical());
        let headers = request.headers();
        let by_proxy = !proxy.is_empty() && peer.is_loopback();
        let from = if by_proxy { passed_on_for(headers) } else { None };
        Came {
            from: from.unwrap_or(peer),
            over_https: request.extensions().get::<OverHttps>().is_some() || says_https(headers),
            passed_on: is_passed_on(request)
                || proxy.iter().any(|name| name.eq_ignore_ascii_case(host_name(host(request)))),
        }
    }
}

/// Leaves how a request came with it.
pub(super) async fn tell(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let came = Came::of(&request, &state.proxy);
    request.extensions_mut().insert(came);
    next.run(request).await
}

/// The host that is asked, with its port: `localhost:8080`, `[::1]`.
pub(super) fn host(request: &Request) -> &str {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    request.uri().authority().map(|authority| authority.as_str()).or(header).unwrap_or_default()
}

/// Whether it is said without doubt which host is asked: by one Host, which the request's own address does not contradict
/// ([RFC 9112 §3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)). Else who passes it on may read another one than we.
pub(super) fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next(), request.uri().authority()) {
        (_, Some(_), _) => false,
        (Some(host), None, Some(asked)) => host.as_bytes().eq_ignore_ascii_case(asked.as_str().as_bytes()),
        _ => true,
    }
}

/// A host without its port.
pub(super) fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether somebody says that they passed the request on. A proxy that says nothing speaks HTTP/1.0, as nginx does where it is not
/// told otherwise; programs of this machine speak 1.1.
fn is_passed_on(request: &Request) -> bool {
    let says =
        |name: &str| matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-");
    request.version() < Version::HTTP_11 || request.headers().keys().any(|name| says(name.as_str()))
}

/// Whom the last proxy had the request from: it wrote the last entry, and what stands before may be anybody's invention. Where both
/// headers are there and do not agree, one of them is.
fn passed_on_for(headers: &HeaderMap) -> Option<IpAddr> {
    let common = last(headers, "x-forwarded-for").map(|entry| entry.and_then(address));
    let standard = last(headers, "forwarded")
        .map(|entry| entry.and_then(|entry| parameter(entry, "for")).and_then(address));
    match (common, standard) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other).flatten(),
    }
}

fn says_https(headers: &HeaderMap) -> bool {
    let standard = || parameter(last(headers, "forwarded")??, "proto");
    let said = last(headers, "x-forwarded-proto").flatten().or_else(standard);
    said.is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
}

/// The last entry of a header that is a list; an inner none where it is no text.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    let value = headers.get_all(name).iter().next_back()?.as_bytes();
    let entry = value.rsplit(|octet| *octet == b',').next().unwrap_or_default();
    Some(std::str::from_utf8(entry).ok().map(str::trim))
}

/// A parameter of an entry of `Forwarded` ([RFC 7239 §4](https://www.rfc-editor.org/rfc/rfc7239#section-4)).
fn parameter<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = entry.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bare).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// A request from this machine with these headers, at a server behind calls.example.org.
    fn came(headers: &[(&str, &[u8])]) -> Came {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4_711))));
        Came::of(&request, &["calls.example.org".to_owned()])
    }

    fn from(headers: &[(&str, &[u8])]) -> String {
        came(headers).from.to_string()
    }

    #[test]
    fn a_request_that_was_passed_on_is_nobodys_on_this_machine() {
        assert!(!came(&[("host", b"127.0.0.1:8080")]).passed_on);
        for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "X-Forwarded-Host"] {
            assert!(came(&[("host", b"127.0.0.1:8080"), (name, b"")]).passed_on, "{name}");
        }
        assert!(came(&[("host", b"calls.example.org:8443")]).passed_on, "by the proxy's name");
        let mut old = Request::new(Body::empty());
        *old.version_mut() = Version::HTTP_10;
        assert!(Came::of(&old, &[]).passed_on, "as nginx does that is told nothing");
    }

    #[test]
    fn who_asks_is_whom_the_proxy_itself_had_it_from() {
        assert_eq!(from(&[]), "127.0.0.1");
        assert_eq!(from(&[("x-forwarded-for", b"198.51.100.7, 203.0.113.5")]), "203.0.113.5");
        let two: [(&str, &[u8]); 2] =
            [("x-forwarded-for", b"198.51.100.7"), ("x-forwarded-for", b"203.0.113.5")];
        assert_eq!(from(&two), "203.0.113.5");
        assert_eq!(from(&[("x-forwarded-for", b"\xff, 203.0.113.5")]), "203.0.113.5");
        assert_eq!(
            from(&[("forwarded", b"for=198.51.100.7, for=\"[2001:db8::5]:4711\";proto=https")]),
            "2001:db8::5"
        );
        for (header, expected) in [("[2001:db8::5]", "2001:db8::5"), ("203.0.113.5:80", "203.0.113.5")] {
            assert_eq!(from(&[("x-forwarded-for", header.as_bytes())]), expected);
        }
        assert_eq!(from(&[("x-forwarded-for", b"unknown")]), "127.0.0.1");
    }

    #[test]
    fn what_the_asker_invents_beside_what_the_proxy_says_is_not_believed() {
        let both: [(&str, &[u8]); 2] =
            [("x-forwarded-for", b"203.0.113.5"), ("forwarded", b"for=198.51.100.7")];
        assert_eq!(from(&both), "127.0.0.1");
        let mut request =
            Request::builder().header("x-forwarded-for", "198.51.100.7").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 5], 4_711))));
        let names = ["calls.example.org".to_owned()];
        assert_eq!(Came::of(&request, &names).from.to_string(), "203.0.113.5", "not from this machine");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4_711))));
        assert_eq!(Came::of(&request, &[]).from.to_string(), "127.0.0.1", "there is no proxy");
    }

    #[test]
    fn a_proxy_says_whether_it_was_asked_over_https() {
        assert!(came(&[("x-forwarded-proto", b"https")]).over_https);
        assert!(came(&[("forwarded", b"for=203.0.113.5;proto=https")]).over_https);
        assert!(!came(&[("x-forwarded-proto", b"http")]).over_https && !came(&[]).over_https);
        let mut own = Request::new(Body::empty());
        own.extensions_mut().insert(OverHttps);
        let own = Came::of(&own, &[]);
        assert!(own.over_https);
    }
}
